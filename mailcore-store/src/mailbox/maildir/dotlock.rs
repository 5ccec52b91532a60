//! Lock files as Dovecot takes them: `NAME.lock`, with `PID:HOST` in it.
//!
//! On a file system of this host's own it is made exclusively. Where several hosts share the files ([`linked`]) nobody is
//! told for sure whether he has made a file, so that the lock is a second name of one that is his alone.
//!
//! A lock is stale when its process on this host is dead, when it is an earlier life of ours (a container gives every
//! life the same pid), or when nobody has touched it for two minutes, by the clock that keeps the times of files there.

mod linked;

use super::site::{Site, lock};
use crate::disk::{self, Open};
use crate::{Error, Kind, Result};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// After that long nobody is at it any more, whoever it was.
const STALE: Duration = Duration::from_secs(120);
/// Between making a lock and writing into it lies less than that.
const BLANK: Duration = Duration::from_secs(10);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Dotlock<'s> {
    site: &'s Site,
    path: PathBuf,
    /// Which file it is: who was taken for dead may find another's there.
    inode: u64,
}

/// What came of making a lock.
struct Made {
    /// Which file it is; none if there is one already.
    inode: Option<u64>,
    /// What time it is where it lies.
    now: SystemTime,
}

impl<'s> Dotlock<'s> {
    /// Takes the lock at `path`.
    ///
    /// # Errors
    /// Busy while somebody else has it.
    pub(super) fn take(site: &'s Site, path: PathBuf) -> Result<Self> {
        let failed = |e| Error::io("lock file", e);
        let mut made = make(site, &path).map_err(failed)?;
        if made.inode.is_none() && clear(site, &path, made.now).map_err(failed)? {
            made = make(site, &path).map_err(failed)?;
        }
        let Some(inode) = made.inode else {
            return Err(Error::new(Kind::Busy, "mailbox is locked"));
        };
        lock(&site.held).push(path.clone());
        let taken = Self { site, path, inode };
        if site.shared {
            // What others have done here under the lock is seen from here on.
            let dir = taken.path.parent().unwrap_or(Path::new(""));
            site.disk.look(dir).map_err(failed)?;
        }
        Ok(taken)
    }

    /// Shows that somebody is still at it. Long work does it now and then, or others take the lock for stale.
    pub(super) fn touch(&self) -> io::Result<()> {
        let file = self.site.disk.open(&self.path, Open::Write)?;
        match file.stat()?.inode == self.inode {
            true => write(self.site, &*file),
            false => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl Drop for Dotlock<'_> {
    fn drop(&mut self) {
        give_back(self.site, &self.path, self.inode);
        let mut held = lock(&self.site.held);
        if let Some(at) = held.iter().position(|path| *path == self.path) {
            held.swap_remove(at);
        }
    }
}

/// Removes a lock, if it is this one. If that fails it is stale once we are gone.
fn give_back(site: &Site, path: &Path, inode: u64) {
    if site.look(path).is_ok_and(|stat| stat.inode == inode) {
        let _ = site.disk.unlink(path);
    }
}

fn make(site: &Site, path: &Path) -> io::Result<Made> {
    if site.shared {
        return linked::make(site, path);
    }
    let inode = match site.disk.open(path, Open::Create) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => None,
        Err(e) => return Err(e),
        Ok(file) => {
            let written = write(site, &*file).and_then(|()| file.stat());
            if written.is_err() {
                let _ = site.disk.unlink(path); // or it is stale, soon
            }
            Some(written?.inode)
        }
    };
    let now = site.now();
    Ok(Made { inode, now })
}

/// Says in a lock whose it is.
fn write(site: &Site, file: &dyn disk::File) -> io::Result<()> {
    file.write_at(format!("{}:{}", site.pid, site.host).as_bytes(), 0)?;
    // Other hosts read what has reached the server.
    if site.shared { file.sync() } else { Ok(()) }
}

/// Whether there is no lock any more: it is gone by itself, or it was stale and is removed.
fn clear(site: &Site, path: &Path, now: SystemTime) -> io::Result<bool> {
    match judge(site, path, now) {
        Judged::Held => Ok(false),
        Judged::Gone => Ok(true),
        Judged::Stale(inode) if site.shared => linked::put_away(site, path, inode),
        Judged::Stale(_) => match site.disk.unlink(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => Ok(true),
        },
    }
}

/// What there is to be said of somebody else's lock.
enum Judged {
    Held,
    Gone,
    Stale(u64),
}

fn judge(site: &Site, path: &Path, now: SystemTime) -> Judged {
    if lock(&site.held).iter().any(|held| held == path) {
        return Judged::Held;
    }
    // What cannot be looked at for now is not gone for that.
    let unseen = |e: io::Error| match e.kind() {
        ErrorKind::NotFound => Judged::Gone,
        _ => Judged::Held,
    };
    let stat = match site.look(path) {
        Ok(stat) => stat,
        Err(e) => return unseen(e),
    };
    let age = now.duration_since(stat.changed).unwrap_or_default();
    if age > STALE {
        return Judged::Stale(stat.inode);
    }
    let text = match disk::read(&*site.disk, path, 256) {
        Ok(text) => text,
        Err(e) => return unseen(e),
    };
    match is_left(site, &text, age) {
        true => Judged::Stale(stat.inode),
        false => Judged::Held,
    }
}

/// Whether nobody can be at it any more whose lock says this and is so old.
fn is_left(site: &Site, text: &[u8], age: Duration) -> bool {
    let text = String::from_utf8_lossy(text);
    let whose = text.split_once(':').and_then(|(pid, host)| {
        let pid: u32 = pid.parse().ok()?;
        Some((pid, host.trim_end()))
    });
    match whose {
        None => age > BLANK,
        Some((_, host)) if host != site.host => false,
        Some((pid, _)) if pid == site.pid => age > site.life(),
        Some((pid, _)) => !(site.alive)(pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, SimDisk};
    use crate::mailbox::Clock;
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    fn site(disk: &SimDisk, pid: u32) -> Site {
        let clock = {
            let disk = disk.clone();
            Clock::new(move || disk.now())
        };
        let mut site = Site::new(Arc::new(disk.clone()), clock, "here", pid, 0);
        site.alive = |pid| pid == 4;
        site
    }

    fn is_busy(site: &Site) -> bool {
        let taken = Dotlock::take(site, "x.lock".into());
        taken.is_err_and(|e| e.kind() == Kind::Busy)
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        for shared in [false, true] {
            let disk = SimDisk::new(UNIX_EPOCH + STALE);
            let mut site = site(&disk, 4);
            site.shared = shared;
            let held = Dotlock::take(&site, "x.lock".into()).unwrap();
            assert!(is_busy(&site));
            drop(held);
            assert!(!is_busy(&site));
            assert!(disk.stat(Path::new("x.lock")).is_err());
        }
    }

    #[test]
    fn a_lock_of_the_dead_is_broken_and_one_of_the_living_is_not() {
        for (content, minutes, busy) in [
            ("4:here", 0, true),
            ("5:here", 0, false),
            ("5:there", 1, true),
            ("5:there", 3, false),
            ("4:here", 3, false),
            ("7:here", 0, false),
            ("", 0, true),
            ("", 1, false),
        ] {
            for shared in [false, true] {
                let disk = SimDisk::new(UNIX_EPOCH + STALE);
                let file = disk.open(Path::new("x.lock"), Open::Create).unwrap();
                file.write_at(content.as_bytes(), 0).unwrap();
                disk.advance(Duration::from_secs(1));
                let mut site = site(&disk, 7); // its own pid, and it was not yet born
                site.shared = shared;
                disk.advance(Duration::from_secs(60 * minutes));
                assert_eq!(is_busy(&site), busy, "{content:?} after {minutes} minutes");
            }
        }
    }

    #[test]
    fn who_was_taken_for_dead_does_not_give_back_the_lock_of_another() {
        let disk = SimDisk::new(UNIX_EPOCH + STALE);
        let (slow, quick) = (site(&disk, 4), site(&disk, 4));
        let first = Dotlock::take(&slow, "x.lock".into()).unwrap();
        disk.advance(2 * STALE);
        let second = Dotlock::take(&quick, "x.lock".into()).unwrap();
        assert!(first.touch().is_err());
        drop(first);
        assert!(is_busy(&slow));
        drop(second);
        assert!(!is_busy(&slow));
    }
}
