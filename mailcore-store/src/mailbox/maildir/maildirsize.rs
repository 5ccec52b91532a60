//! `maildirsize`, the file of Maildir++ that tells how much an account holds, for programs that keep quotas by it: kept right
//! where it is there, never made.
//!
//! ```text
//!   1000000S,1000C        the limits, which are somebody else's affair
//!   345678 120            octets and messages, summed up
//!   2345 1                each change: one line, written at once, at the end
//!   -120 -2
//! ```
//!
//! Once it is longer than 5,120 octets what there is is counted anew, so that no error stays forever. All messages of all
//! mailboxes count, as in Dovecot. Nobody waits for it, it is never flushed, and its failures are nobody's.

use super::dotlock::Dotlock;
use super::filename;
use super::room::Room;
use super::site::Site;
use crate::Kind;
use crate::disk::{self, Disk, FileKind, Open};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "maildirsize";
const LOCK: &str = "maildirsize.lock";
/// A longer file is written anew.
const LONG: u64 = 5120;

/// What came or went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    octets: i64,
    messages: i64,
}

impl Size {
    /// A message of so many octets comes.
    pub(super) fn add(&mut self, octets: u64) {
        let octets = i64::try_from(octets).unwrap_or(i64::MAX);
        self.octets = self.octets.saturating_add(octets);
        self.messages += 1;
    }

    /// All of it goes.
    pub(super) fn gone(self) -> Self {
        Self {
            octets: -self.octets,
            messages: -self.messages,
        }
    }

    fn line(self) -> String {
        format!("{} {}\n", self.octets, self.messages)
    }
}

/// Whether this account keeps the file.
pub(super) fn is_kept(site: &Site, root: &Path) -> bool {
    let stat = site.disk.stat(&root.join(NAME));
    stat.is_ok_and(|stat| stat.kind == FileKind::File)
}

/// How long a message's file is: by its name, else by a look.
pub(super) fn of(room: &Room, base: &[u8], path: &Path) -> u64 {
    let told = filename::sizes(base).0;
    told.unwrap_or_else(|| room.site.disk.stat(path).map_or(0, |stat| stat.len))
}

/// Notes a change, where the file is there.
pub(super) fn note(site: &Site, root: &Path, change: Size) {
    if change != Size::default() {
        // The program that keeps quotas counts anew now and then.
        let _ = try_note(site, root, change);
    }
}

fn try_note(site: &Site, root: &Path, change: Size) -> io::Result<()> {
    let path = root.join(NAME);
    // Over a network adding is to write where the end was thought to be: our hosts take turns.
    let _turn = site.shared.then(|| turn(site, root)).transpose()?;
    let how = if site.shared {
        Open::Write
    } else {
        Open::Append
    };
    let file = site.disk.open(&path, how)?;
    file.append(change.line().as_bytes())?;
    let known = file.stat()?;
    if known.len <= LONG {
        return Ok(());
    }
    let text = disk::read(&*site.disk, &path, 64 * LONG)?;
    let limits = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let mut anew = [limits, b"\n"].concat();
    anew.extend_from_slice(count(&*site.disk, root)?.line().as_bytes());
    // Who has noted something since, or put another file there, has done so for us.
    let now = site.look(&path)?;
    if (now.inode, now.len) != (known.inode, known.len) {
        return Ok(());
    }
    let aside = root.join(format!("{NAME}.{}", site.unique(None)));
    let made = site.disk.open(&aside, Open::Create)?;
    let put = made.write_at(&anew, 0);
    let put = put.and_then(|()| site.disk.rename(&aside, &path));
    if put.is_err() {
        let _ = site.disk.unlink(&aside); // it says nothing to anybody
    }
    put
}

/// The lock that our hosts honour. It is had for a moment, so that waiting for it is worth while.
fn turn<'s>(site: &'s Site, root: &Path) -> io::Result<Dotlock<'s>> {
    let mut waited = 0;
    loop {
        match Dotlock::take(site, root.join(LOCK)) {
            Err(e) if e.kind() == Kind::Busy && waited < 50 => {
                waited += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other.map_err(io::Error::other),
        }
    }
}

/// What an account holds.
fn count(disk: &dyn Disk, root: &Path) -> io::Result<Size> {
    let mut dirs = vec![root.to_owned()];
    disk.list(root, &mut |name, kind| {
        let bytes = name.as_bytes();
        if kind == FileKind::Dir && bytes.starts_with(b".") && !bytes.starts_with(b"..") {
            dirs.push(root.join(name));
        }
    })?;
    let mut size = Size::default();
    for dir in dirs {
        add(disk, &dir, &mut size)?;
    }
    Ok(size)
}

/// What a mailbox holds.
pub(super) fn held(disk: &dyn Disk, dir: &Path) -> Size {
    let mut size = Size::default();
    let _ = add(disk, dir, &mut size); // as above
    size
}

fn add(disk: &dyn Disk, dir: &Path, size: &mut Size) -> io::Result<()> {
    for inner in ["new", "cur"] {
        let dir = dir.join(inner);
        let mut unknown = Vec::new();
        let listed = disk.list(&dir, &mut |name, kind| {
            let split = filename::split(name.as_bytes()).filter(|_| kind == FileKind::File);
            match split.map(|split| filename::sizes(split.base).0) {
                Some(Some(octets)) => size.add(octets),
                Some(None) => unknown.push(dir.join(name)),
                None => {}
            }
        });
        match listed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        for path in unknown {
            if let Ok(stat) = disk.stat(&path) {
                size.add(stat.len);
            }
        }
    }
    Ok(())
}
