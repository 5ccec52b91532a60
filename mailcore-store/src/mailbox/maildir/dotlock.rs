//! Lock files as Dovecot takes them: `NAME.lock`, made exclusively, with `PID:HOST` in it.
//!
//! A lock is stale when its process on this host is dead, when it is an earlier life of ours (a container gives every
//! life the same pid), or when nobody has touched it for two minutes.

use super::site::{Site, lock};
use crate::disk::{self, File, Open};
use crate::{Error, Kind, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// After that long nobody is at it any more, whoever it was.
const STALE: Duration = Duration::from_secs(120);
/// Between making a lock and writing into it lies less than that.
const BLANK: Duration = Duration::from_secs(10);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Dotlock<'s> {
    site: &'s Site,
    path: PathBuf,
    file: Box<dyn File>,
    whose: String,
}

impl<'s> Dotlock<'s> {
    /// Takes the lock at `path`.
    ///
    /// # Errors
    /// Busy while somebody else has it.
    pub(super) fn take(site: &'s Site, path: PathBuf) -> Result<Self> {
        let failed = |e| Error::io("lock file", e);
        let file = match site.disk.open(&path, Open::Create) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                if !is_stale(site, &path) {
                    return Err(Error::new(Kind::Busy, "mailbox is locked"));
                }
                match site.disk.unlink(&path) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
                    _ => match site.disk.open(&path, Open::Create) {
                        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                            return Err(Error::new(Kind::Busy, "mailbox is locked"));
                        }
                        other => other.map_err(failed)?,
                    },
                }
            }
            other => other.map_err(failed)?,
        };
        lock(&site.held).push(path.clone());
        let whose = format!("{}:{}", site.pid, site.host);
        let taken = Self {
            site,
            path,
            file,
            whose,
        };
        taken.touch().map_err(failed)?;
        Ok(taken)
    }

    /// Shows that somebody is still at it. Long work does it now and then, or others take the lock for stale.
    pub(super) fn touch(&self) -> std::io::Result<()> {
        self.file.write_at(self.whose.as_bytes(), 0)
    }
}

impl Drop for Dotlock<'_> {
    fn drop(&mut self) {
        let _ = self.site.disk.unlink(&self.path); // or it is stale once we are gone
        let mut held = lock(&self.site.held);
        if let Some(at) = held.iter().position(|path| *path == self.path) {
            held.swap_remove(at);
        }
    }
}

fn is_stale(site: &Site, path: &Path) -> bool {
    if lock(&site.held).iter().any(|held| held == path) {
        return false;
    }
    let Ok(stat) = site.disk.stat(path) else {
        return true; // it is gone meanwhile
    };
    let age = site.now().duration_since(stat.changed).unwrap_or_default();
    if age > STALE {
        return true;
    }
    let text = disk::read(&*site.disk, path, 256).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let whose = text.split_once(':').and_then(|(pid, host)| {
        let pid: u32 = pid.parse().ok()?;
        Some((pid, host.trim_end()))
    });
    match whose {
        None => age > BLANK,
        Some((_, host)) if host != site.host => false,
        Some((pid, _)) if pid == site.pid => stat.changed < site.started,
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
        let disk = SimDisk::new(UNIX_EPOCH + STALE);
        let site = site(&disk, 4);
        let held = Dotlock::take(&site, "x.lock".into()).unwrap();
        assert!(is_busy(&site));
        drop(held);
        assert!(!is_busy(&site));
        assert!(disk.stat(Path::new("x.lock")).is_err());
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
            let disk = SimDisk::new(UNIX_EPOCH + STALE);
            let file = disk.open(Path::new("x.lock"), Open::Create).unwrap();
            file.write_at(content.as_bytes(), 0).unwrap();
            disk.advance(Duration::from_secs(1));
            let site = site(&disk, 7); // its own pid, and it was not yet born
            disk.advance(Duration::from_secs(60 * minutes));
            assert_eq!(is_busy(&site), busy, "{content:?} after {minutes} minutes");
        }
    }
}
