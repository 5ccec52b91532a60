//! UIDVALIDITY for new mailboxes, as Dovecot keeps it: the highest value given stands in the name of an empty file
//! `dovecot-uidvalidity.XXXXXXXX` of the account's directory (renaming it is the lock), and in `dovecot-uidvalidity`.

use super::site::Site;
use crate::disk::{self, Open};
use crate::mailbox::clock::seconds;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::UidValidity;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::Path;

const NAME: &str = "dovecot-uidvalidity";

/// A value that this account has never given to a mailbox.
pub(super) fn next(site: &Site, root: &Path) -> Result<UidValidity> {
    let failed = |e| Error::io(NAME, e);
    for _ in 0..100 {
        let last = last(site, root).map_err(failed)?;
        let now = u32::try_from(seconds(site.now())).unwrap_or(1);
        let next = last
            .unwrap_or(0)
            .checked_add(1)
            .and_then(|next| NonZeroU32::new(next.max(now)))
            .ok_or_else(|| Error::new(Kind::Limit, NAME))?;
        let at = |value: u32| root.join(format!("{NAME}.{value:08x}"));
        let claimed = match last {
            Some(last) => match site.disk.rename(&at(last), &at(next.get())) {
                // The value came from the file alone: begin anew.
                Err(e) if e.kind() == ErrorKind::NotFound => create(site, &at(next.get())),
                other => other.map(|()| true),
            },
            None => create(site, &at(next.get())),
        };
        if claimed.map_err(failed)? {
            // Nobody else's: there is no lock for all mailboxes of an account.
            let aside = root.join(format!("{NAME}.tmp.{}", site.unique(None)));
            let text = format!("{:08x}", next.get());
            disk::replace(&*site.disk, &root.join(NAME), &aside, text.as_bytes())
                .map_err(failed)?;
            return Ok(UidValidity(next));
        }
    }
    Err(Error::new(Kind::Busy, NAME))
}

fn create(site: &Site, path: &Path) -> std::io::Result<bool> {
    match site.disk.open(path, Open::Create) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
}

/// The highest value given so far.
fn last(site: &Site, root: &Path) -> std::io::Result<Option<u32>> {
    let mut last = match disk::read(&*site.disk, &root.join(NAME), 64) {
        Ok(text) => text.get(..8).and_then(hex),
        Err(e) if disk::is_stale(&e) => return Err(e),
        Err(_) => None, // the name of the other file is what counts
    };
    site.disk.list(root, &mut |name, _| {
        let digits = name.as_encoded_bytes().strip_prefix(NAME.as_bytes());
        let value = digits.and_then(|d| d.strip_prefix(b".")).and_then(hex);
        last = last.max(value);
    })?;
    Ok(last)
}

fn hex(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok().filter(|t| t.len() == 8)?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use crate::mailbox::Clock;
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn two_mailboxes_that_begin_at_once_get_a_value_each() {
        let now = UNIX_EPOCH + Duration::from_secs(0x6b00_2380);
        let disk = SimDisk::new(now);
        let site = Site::new(Arc::new(disk.clone()), Clock::new(move || now), "h", 1, 0);
        let site = Arc::new(site);
        let other = Arc::new(std::sync::Mutex::new(None));
        let (at_once, given) = (site.clone(), other.clone());
        let begun = std::sync::atomic::AtomicBool::new(false);
        disk.before_syncs(move || {
            if !begun.swap(true, std::sync::atomic::Ordering::SeqCst) {
                *given.lock().unwrap() = Some(next(&at_once, Path::new("")));
            }
        });
        let one = next(&site, Path::new("")).unwrap();
        let other = other.lock().unwrap().take().unwrap().unwrap();
        assert_ne!(one, other);
    }

    #[test]
    fn a_value_is_given_once_even_while_the_clock_stands() {
        let now = UNIX_EPOCH + Duration::from_secs(0x6b00_2380);
        let disk = SimDisk::new(now);
        let site = Site::new(Arc::new(disk.clone()), Clock::new(move || now), "h", 1, 0);
        let mut given: Vec<u32> = Vec::new();
        for _ in 0..3 {
            given.push(next(&site, Path::new("")).unwrap().0.get());
        }
        assert_eq!(given, [0x6b00_2380, 0x6b00_2381, 0x6b00_2382]);
        let mut names = Vec::new();
        let disk: &dyn crate::disk::Disk = &disk;
        disk.list(Path::new(""), &mut |name, _| names.push(name.to_owned()))
            .unwrap();
        assert_eq!(
            names,
            ["dovecot-uidvalidity", "dovecot-uidvalidity.6b002382"]
        );
    }
}
