//! A disk that several hosts change at once over a network file system: what a client of NFS must do on top, so that each
//! call keeps its promise.
//!
//! - A request whose answer was lost is sent again, and the second answer may say that what was to be done has been done
//!   already: a link that is there counts as made, a name that is gone and is the new one as given.
//! - A path that has become stale (`ESTALE`) is walked again, a few times; then the error is the caller's, who knows it by
//!   [`is_stale`](super::is_stale).
//! - Nobody tells of changes here.

use super::{Disk, File, FileKind, Open, Stat, Watcher, anew};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct SharedDisk(Arc<dyn Disk>);

impl SharedDisk {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self(disk)
    }

    /// Whether a path leads to this file or directory now.
    fn is(&self, path: &Path, inode: io::Result<u64>) -> bool {
        let there = self.look(path).map(|stat| stat.inode);
        inode.is_ok_and(|inode| there.is_ok_and(|there| there == inode))
    }
}

impl Disk for SharedDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        anew(|| self.0.open(path, how))
    }

    /// What this host has in memory another one may have changed.
    fn open_now(&self, _: &Path) -> io::Result<Box<dyn File>> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn stat_now(&self, _: &Path) -> io::Result<Stat> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.stat(from).map(|stat| stat.inode);
        match anew(|| self.0.rename(from, to)) {
            Err(e) if e.kind() == ErrorKind::NotFound && self.is(to, inode) => Ok(()),
            other => other,
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match anew(|| self.0.link(from, to)) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let inode = self.look(from).map(|stat| stat.inode);
                self.is(to, inode).then_some(()).ok_or(e)
            }
            other => other,
        }
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        anew(|| self.0.unlink(path))
    }

    fn mkdir(&self, path: &Path) -> io::Result<()> {
        anew(|| self.0.mkdir(path))
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        anew(|| self.0.rmdir(path))
    }

    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        // Nobody is shown a name twice because the first reading came to nothing.
        let names = anew(|| {
            let mut names: Vec<(OsString, FileKind)> = Vec::new();
            let listed = self
                .0
                .list(path, &mut |name, kind| names.push((name.to_owned(), kind)));
            listed.map(|()| names)
        })?;
        names.iter().for_each(|(name, kind)| each(name, *kind));
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        anew(|| self.0.stat(path))
    }

    fn look(&self, path: &Path) -> io::Result<Stat> {
        anew(|| self.0.look(path))
    }

    fn network(&self, path: &Path) -> io::Result<Option<&'static str>> {
        self.0.network(path)
    }

    fn foreign(&self, path: &Path) -> io::Result<Option<u32>> {
        self.0.foreign(path)
    }

    /// What is stale here is the path, before anything was flushed: so this may be asked again.
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        anew(|| self.0.sync_dir(path))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        anew(|| self.0.lock(path))
    }

    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn boot(&self) -> u128 {
        self.0.boot()
    }

    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.0.sync_all(path)
    }
}
