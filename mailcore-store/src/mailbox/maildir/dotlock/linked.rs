//! A lock where several hosts share the files: a file of our own in `tmp/`, written and on the server, gets the lock's name
//! as its second one.
//!
//! Whatever the server has answered to that (a request that is sent again finds the name taken, by itself), the lock is ours
//! if our file has two names now. Its time of birth is what the clock of the file server says; ours, and those of the
//! others, may say anything.

use super::super::site::Site;
use super::{Made, give_back, write};
use crate::disk::{FileKind, Open};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

pub(super) fn make(site: &Site, path: &Path) -> io::Result<Made> {
    let own = aside(site, path)?;
    let made = make_from(site, &own, path);
    let _ = site.disk.unlink(&own); // or it is swept one day
    made
}

fn make_from(site: &Site, own: &Path, path: &Path) -> io::Result<Made> {
    let inode = {
        // Closed again before anything happens to the name: an open file that is removed would stay under another.
        let file = site.disk.open(own, Open::Create)?;
        write(site, &*file)?;
        file.stat()?.inode
    };
    let answer = site.disk.link(own, path);
    let seen = site.disk.look(own).inspect_err(|_| {
        give_back(site, path, inode); // should it be ours
    })?;
    let inode = match (seen.links, answer) {
        (2.., _) => Some(inode),
        (_, Err(e)) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
        _ => None,
    };
    Ok(Made {
        inode,
        now: seen.changed,
    })
}

/// Removes a lock that is stale, unless somebody else has done so meanwhile and has taken it: then it is put back.
pub(super) fn put_away(site: &Site, path: &Path, inode: u64) -> io::Result<bool> {
    let away = aside(site, path)?;
    match site.disk.rename(path, &away) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(true),
        other => other?,
    }
    let right = site.disk.look(&away).is_ok_and(|stat| stat.inode == inode);
    if !right {
        site.disk.link(&away, path)?;
    }
    let _ = site.disk.unlink(&away); // or it is swept one day
    Ok(right)
}

/// A name of our own in the `tmp/` beside the lock, which is made where it is missing.
fn aside(site: &Site, path: &Path) -> io::Result<PathBuf> {
    let tmp = path.with_file_name("tmp");
    match site.disk.stat(&tmp) {
        Ok(stat) if stat.kind == FileKind::Dir => {}
        // A link could lead anywhere.
        Ok(_) => return Err(ErrorKind::NotADirectory.into()),
        Err(e) if e.kind() == ErrorKind::NotFound => match site.disk.mkdir(&tmp) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        },
        Err(e) => return Err(e),
    }
    Ok(tmp.join(site.unique(None)))
}
