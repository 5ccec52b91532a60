//! One account's directory: mailboxes as directories in it.

use super::room::Room;
use super::site::{Site, lock};
use super::{folder, maildirsize, scan, subscriptions, uidlist, validity};
use crate::disk::{self, FileKind, Open};
use crate::mailbox::{Listed, listing};
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{MailboxName, SpecialUse};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Directories on their way in or out. Maildir++ has no mailbox whose name begins with two dots.
const ASIDE: &str = "..mailcore-";
/// On their way in.
const MADE: &str = "new";

#[derive(Debug)]
pub(super) struct Home {
    site: Arc<Site>,
    pub(super) root: PathBuf,
    specials: Arc<[(MailboxName, SpecialUse)]>,
    /// Held while names change.
    names: Mutex<()>,
}

fn failed(e: std::io::Error) -> Error {
    Error::io("account directory", e)
}

impl Home {
    pub(super) fn new(
        site: Arc<Site>,
        root: PathBuf,
        specials: Arc<[(MailboxName, SpecialUse)]>,
    ) -> Self {
        Self {
            site,
            root,
            specials,
            names: Mutex::default(),
        }
    }

    /// Whether this process has [prepared](Self::prepare) it and INBOX is still there, as far as that can be said without
    /// waiting for the disk.
    pub(super) fn is_ready(&self) -> bool {
        let cur = || self.site.disk.stat_now(&self.root.join("cur"));
        self.site.owns(&self.root) && cur().is_ok_and(|it| it.kind == FileKind::Dir)
    }

    /// Makes what is missing, removes what a crash has left.
    pub(super) fn prepare(&self) -> Result<()> {
        let _names = lock(&self.names);
        disk::mkdir_all(&*self.site.disk, &self.root).map_err(failed)?;
        self.must_be_ours()?;
        self.site.own(&self.root).map_err(failed)?;
        self.warn();
        let (mut rubbish, mut there) = (Vec::new(), false);
        let listed = self.site.disk.list(&self.root, &mut |name, kind| {
            let name = name.to_string_lossy();
            there |= name == "cur";
            if kind == FileKind::Dir && self.is_rubbish(&name) {
                rubbish.push(self.root.join(&*name));
            }
        });
        listed.map_err(failed)?;
        if !there {
            let room = self.room(&MailboxName::inbox())?;
            let mut ledger = room.ledger();
            scan::refresh(&room, &mut ledger, None)?;
        }
        for dir in rubbish {
            let _ = self.remove_tree(&dir); // the next one tries again
        }
        Ok(())
    }

    /// Where this process may do everything, whoever may exchange a directory while it is looked at could have another's
    /// mail shown or removed.
    fn must_be_ours(&self) -> Result<()> {
        match self.site.disk.foreign(&self.root).map_err(failed)? {
            None => Ok(()),
            Some(uid) => {
                let why = format!(
                    "it is in the hands of user id {uid}, and root does not serve another user's files"
                );
                Err(Error::new(Kind::Denied, why))
            }
        }
    }

    /// Whether nobody is at work any more on this directory: on what is being made, another host may be.
    fn is_rubbish(&self, name: &str) -> bool {
        name.strip_prefix(ASIDE).is_some_and(|rest| {
            let ours = rest.ends_with(&format!(".{}", self.site.host));
            ours || !self.site.shared || !rest.starts_with(MADE)
        })
    }

    /// Says once, if need be, that other hosts may be at work here of which we do not take care.
    fn warn(&self) {
        let site = &self.site;
        if site.shared || site.warned.load(Ordering::Relaxed) {
            return;
        }
        // Where nobody can tell there is nothing to be said.
        if let Ok(Some(network)) = site.disk.network(&self.root)
            && !site.warned.swap(true, Ordering::Relaxed)
        {
            let root = self.root.display();
            tracing::warn!(
                "{root} is on {network}: no other host may serve this mail while the store is not told that it is shared"
            );
        }
    }

    fn dir(&self, name: &MailboxName) -> Result<PathBuf> {
        Ok(match folder::dir(name)? {
            None => self.root.clone(),
            Some(dir) => self.root.join(dir),
        })
    }

    /// A mailbox that is there.
    pub(super) fn room(&self, name: &MailboxName) -> Result<Arc<Room>> {
        // A name that cannot be is not there either.
        let dir = self.dir(name).map_err(|_| missing())?;
        if !name.is_inbox() && !self.is_mailbox(&dir)? {
            return Err(missing());
        }
        Ok(self.site.room(&dir, || {
            Room::new(self.site.clone(), self.root.clone(), dir.clone())
        }))
    }

    /// The same, if that can be said without waiting for the disk.
    pub(super) fn room_now(&self, name: &MailboxName) -> Option<Arc<Room>> {
        let dir = self.dir(name).ok()?;
        let is_dir = || {
            self.site
                .disk
                .stat_now(&dir)
                .is_ok_and(|it| it.kind == FileKind::Dir)
        };
        (name.is_inbox() || is_dir()).then(|| {
            self.site.room(&dir, || {
                Room::new(self.site.clone(), self.root.clone(), dir.clone())
            })
        })
    }

    /// A directory, and no symbolic link that leads out of here.
    fn is_mailbox(&self, dir: &Path) -> Result<bool> {
        match self.site.disk.stat(dir) {
            Ok(stat) => Ok(stat.kind == FileKind::Dir),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(failed(e)),
        }
    }

    fn there(&self) -> Result<BTreeSet<MailboxName>> {
        let mut names = BTreeSet::from([MailboxName::inbox()]);
        let listed = self.site.disk.list(&self.root, &mut |name, kind| {
            if kind == FileKind::Dir {
                names.extend(name.to_str().and_then(folder::name));
            }
        });
        listed.map_err(failed)?;
        Ok(names)
    }

    pub(super) fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        let there = self.there()?.into_iter();
        let there = there.map(|name| (name.clone(), self.special(&name)));
        Ok(listing::page(there, after, limit))
    }

    fn special(&self, name: &MailboxName) -> Option<SpecialUse> {
        let known = self.specials.iter().find(|(special, _)| special == name);
        known.map(|(_, special)| *special)
    }

    pub(super) fn subscriptions(&self) -> Result<BTreeSet<MailboxName>> {
        subscriptions::read(&self.site, &self.root)
    }

    pub(super) fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        let _names = lock(&self.names);
        subscriptions::change(&self.site, &self.root, name, on)
    }

    pub(super) fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        if special.is_some() && special != self.special(name) {
            return Err(Error::new(Kind::Unsupported, "special use"));
        }
        let _names = lock(&self.names);
        self.make(name)
    }

    /// Built aside, so that it appears with its list or not at all. Held: `names`.
    fn make(&self, name: &MailboxName) -> Result<()> {
        let dir = self.dir(name)?;
        if name.is_inbox() || self.is_mailbox(&dir)? {
            return Err(Error::new(Kind::AlreadyExists, "mailbox"));
        }
        let aside = self.aside(MADE);
        let made = self.build(&aside).and_then(|()| {
            let disk = &*self.site.disk;
            disk.rename(&aside, &dir).map_err(failed)?;
            disk.sync_dir(&self.root).map_err(|e| {
                let _ = disk.rename(&dir, &aside); // what was not promised goes again
                failed(e)
            })
        });
        if made.is_err() {
            let _ = self.remove_tree(&aside); // else it is found at the next start
        }
        made
    }

    fn build(&self, dir: &Path) -> Result<()> {
        let disk = &*self.site.disk;
        let validity = validity::next(&self.site, &self.root)?;
        // The name is ours alone: if it is there already, the answer to our asking was lost once.
        match disk.mkdir(dir) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists && self.site.shared => {}
            other => other.map_err(failed)?,
        }
        for inner in ["cur", "new", "tmp"] {
            disk.mkdir(&dir.join(inner)).map_err(failed)?;
        }
        disk.open(&dir.join("maildirfolder"), Open::Create)
            .map_err(failed)?;
        let mut list = Vec::new();
        uidlist::write_header(&mut list, validity.0.get(), 1, &self.site.guid());
        let path = dir.join("dovecot-uidlist");
        disk::replace(disk, &path, &dir.join("dovecot-uidlist.tmp"), &list).map_err(failed)
    }

    fn aside(&self, why: &str) -> PathBuf {
        let unique = self.site.unique(None);
        self.root.join(format!("{ASIDE}{why}.{unique}"))
    }

    /// What is here under these names is no more what it was.
    fn close(&self, dir: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let room = self.site.leave(dir);
        // Nobody is in the midst of writing to it.
        let _ledger = room.as_ref().map(|room| room.ledger());
        let done = work();
        if let Some(room) = &room {
            room.close();
        }
        done
    }

    pub(super) fn delete(&self, name: &MailboxName) -> Result<()> {
        if name.is_inbox() {
            return Err(Error::new(Kind::Denied, "INBOX stays"));
        }
        let _names = lock(&self.names);
        let dir = self.dir(name).map_err(|_| missing())?;
        if !self.is_mailbox(&dir)? {
            return Err(missing());
        }
        let (disk, aside) = (&*self.site.disk, self.aside("gone"));
        self.close(&dir, || {
            disk.rename(&dir, &aside).map_err(failed)?;
            disk.sync_dir(&self.root).map_err(failed)
        })?;
        if maildirsize::is_kept(&self.site, &self.root) {
            let size = maildirsize::held(disk, &aside);
            maildirsize::note(&self.site, &self.root, size.gone());
        }
        let _ = self.remove_tree(&aside); // else it is found at the next start
        Ok(())
    }

    pub(super) fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        let _names = lock(&self.names);
        let there = self.there()?;
        let moves = listing::renamed(&there, from, to)?;
        if moves.is_empty() {
            return Err(missing());
        }
        let taken = |name: &MailboxName| there.contains(name);
        if taken(to) || moves.iter().any(|(_, to)| taken(to)) {
            return Err(Error::new(Kind::AlreadyExists, "mailbox"));
        }
        // All names can be kept, or nothing moves.
        let dirs = moves
            .iter()
            .map(|(from, to)| Ok((self.dir(from)?, self.dir(to)?)))
            .collect::<Result<Vec<_>>>()?;
        let disk = &*self.site.disk;
        let mut done: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut moved = Ok(());
        for (from, to) in dirs {
            moved = self.close(&from, || disk.rename(&from, &to).map_err(failed));
            if moved.is_err() {
                break;
            }
            done.push((from, to));
        }
        let moved = moved.and_then(|()| disk.sync_dir(&self.root).map_err(failed));
        if moved.is_err() {
            for (from, to) in done.iter().rev() {
                let _ = disk.rename(to, from); // else it has the new name, and the caller looks
            }
        }
        moved
    }

    /// Removes a directory of ours, as deep as we build them. It follows no symbolic link.
    ///
    /// A client of NFS keeps a file that is still open under another name (`.nfs…`), which can be removed only once it is
    /// closed, and its directory after it: what can go goes, and the rest when this is called again.
    fn remove_tree(&self, dir: &Path) -> std::io::Result<()> {
        let disk = &*self.site.disk;
        let mut pending = vec![(dir.to_owned(), false)];
        let mut kept = Ok(());
        let mut gone = |done: std::io::Result<()>| match done {
            Err(e) if e.kind() != ErrorKind::NotFound => kept = Err(e),
            _ => {}
        };
        while let Some((at, emptied)) = pending.pop() {
            if emptied {
                gone(disk.rmdir(&at));
                continue;
            }
            if !disk.stat(&at).is_ok_and(|it| it.kind == FileKind::Dir) {
                gone(disk.unlink(&at)); // a link has taken its place
                continue;
            }
            pending.push((at.clone(), true));
            let mut files = Vec::new();
            gone(disk.list(&at, &mut |name, kind| match kind {
                FileKind::Dir => pending.push((at.join(name), false)),
                _ => files.push(at.join(name)),
            }));
            files.iter().for_each(|file| gone(disk.unlink(file)));
        }
        kept
    }
}

fn missing() -> Error {
    Error::new(Kind::NotFound, "mailbox")
}
