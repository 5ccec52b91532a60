//! A disk in front of another one, for tests: whoever wants to see, refuse or answer what is asked of a disk says so in a
//! [`Hook`], and need not write the rest.
#![allow(dead_code)] // each test has use for some of it

use mailcore_store::disk::{Disk, File, FileKind, Open, Stat, Watcher};
use std::ffi::OsStr;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// What is asked of a disk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Call<'c> {
    Open(&'c Path, Open),
    Rename(&'c Path, &'c Path),
    Link(&'c Path, &'c Path),
    Unlink(&'c Path),
    Mkdir(&'c Path),
    Rmdir(&'c Path),
    List(&'c Path),
    Stat(&'c Path),
    Look(&'c Path),
    SyncDir(&'c Path),
    SyncAll(&'c Path),
    Lock(&'c Path),
    Listen,
    /// Of a file that is open.
    Of(&'c dyn File, OfFile),
}

/// What is asked of an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfFile {
    Stat,
    Read,
    Write,
    Append,
    Truncate,
    Date,
    SyncData,
    Sync,
}

impl Call<'_> {
    /// Whether it makes something durable.
    pub(crate) fn is_flush(&self) -> bool {
        use OfFile::{Sync, SyncData};
        matches!(
            self,
            Call::SyncDir(_) | Call::SyncAll(_) | Call::Of(_, Sync | SyncData)
        )
    }
}

/// Who is asked in front of each call and behind it.
pub(crate) trait Hook: Debug + Send + Sync + 'static {
    /// In front of a call: an error is the answer, and nothing happens. `disk` is the one behind; a file has none.
    fn before(&self, _disk: Option<&dyn Disk>, _call: &Call<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Behind a call, which has done what it was to do or failed with this: an error is the answer in its place.
    fn after(&self, _call: &Call<'_>, _failed: Option<&io::Error>) -> io::Result<()> {
        Ok(())
    }

    /// An answer to [`Call::Stat`] or [`Call::Look`] in the disk's place.
    fn instead(&self, _call: &Call<'_>) -> Option<io::Result<Stat>> {
        None
    }

    /// Whether a file that is added to ends, for its opener, where it ended when it was opened.
    fn remembers_ends(&self) -> bool {
        false
    }

    /// A file has been opened.
    fn opened(&self, _file: &dyn File) {}

    /// What is told of a path.
    fn shown(&self, _call: &Call<'_>, stat: Stat) -> Stat {
        stat
    }

    /// The watcher that is handed out.
    fn watcher(&self, watcher: Box<dyn Watcher>) -> Box<dyn Watcher> {
        watcher
    }
}

/// A disk with its hook.
#[derive(Debug)]
pub(crate) struct Hooked<D, H> {
    pub(crate) disk: D,
    pub(crate) hook: Arc<H>,
}

impl<D: Clone, H> Clone for Hooked<D, H> {
    fn clone(&self) -> Self {
        Self {
            disk: self.disk.clone(),
            hook: self.hook.clone(),
        }
    }
}

impl<D: Disk + 'static, H: Hook> Hooked<D, H> {
    pub(crate) fn new(disk: D, hook: Arc<H>) -> Self {
        Self { disk, hook }
    }

    fn call<T>(&self, call: &Call<'_>, work: impl FnOnce(&D) -> io::Result<T>) -> io::Result<T> {
        self.hook.before(Some(&self.disk), call)?;
        let done = work(&self.disk);
        self.hook.after(call, done.as_ref().err())?;
        done
    }

    fn tell(&self, call: &Call<'_>, work: impl FnOnce(&D) -> io::Result<Stat>) -> io::Result<Stat> {
        let told = match self.hook.instead(call) {
            Some(answer) => answer,
            None => self.call(call, work),
        };
        told.map(|stat| self.hook.shown(call, stat))
    }
}

impl<D: Disk + 'static, H: Hook> Disk for Hooked<D, H> {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.call(&Call::Open(path, how), |disk| disk.open(path, how))?;
        let end = match self.hook.remembers_ends() {
            true => Some(Mutex::new(file.stat()?.len)),
            false => None,
        };
        self.hook.opened(&*file);
        let hook = self.hook.clone();
        Ok(Box::new(HookedFile { file, hook, end }))
    }
    /// Whatever is asked goes the way that the hook sees.
    fn open_now(&self, _: &Path) -> io::Result<Box<dyn File>> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn stat_now(&self, _: &Path) -> io::Result<Stat> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(&Call::Rename(from, to), |disk| disk.rename(from, to))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(&Call::Link(from, to), |disk| disk.link(from, to))
    }
    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.call(&Call::Unlink(path), |disk| disk.unlink(path))
    }
    fn mkdir(&self, path: &Path) -> io::Result<()> {
        self.call(&Call::Mkdir(path), |disk| disk.mkdir(path))
    }
    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.call(&Call::Rmdir(path), |disk| disk.rmdir(path))
    }
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.call(&Call::List(path), |disk| disk.list(path, each))
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.tell(&Call::Stat(path), |disk| disk.stat(path))
    }
    fn look(&self, path: &Path) -> io::Result<Stat> {
        self.tell(&Call::Look(path), |disk| disk.look(path))
    }
    fn network(&self, path: &Path) -> io::Result<Option<&'static str>> {
        self.disk.network(path)
    }
    fn foreign(&self, path: &Path) -> io::Result<Option<u32>> {
        self.disk.foreign(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.call(&Call::SyncDir(path), |disk| disk.sync_dir(path))
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.call(&Call::Lock(path), |disk| disk.lock(path))
    }
    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        let watcher = self.call(&Call::Listen, |disk| disk.listen())?;
        Ok(self.hook.watcher(watcher))
    }
    fn boot(&self) -> u128 {
        self.disk.boot()
    }
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.call(&Call::SyncAll(path), |disk| disk.sync_all(path))
    }
}

#[derive(Debug)]
struct HookedFile<H> {
    file: Box<dyn File>,
    hook: Arc<H>,
    end: Option<Mutex<u64>>,
}

impl<H: Hook> HookedFile<H> {
    fn call<T>(
        &self,
        what: OfFile,
        work: impl FnOnce(&dyn File) -> io::Result<T>,
    ) -> io::Result<T> {
        let call = Call::Of(&*self.file, what);
        self.hook.before(None, &call)?;
        let done = work(&*self.file);
        self.hook.after(&call, done.as_ref().err())?;
        done
    }
}

impl<H: Hook> File for HookedFile<H> {
    fn stat(&self) -> io::Result<Stat> {
        self.call(OfFile::Stat, |file| file.stat())
    }
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.call(OfFile::Read, |file| file.read_at(out, at))
    }
    fn read_now(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.call(OfFile::Write, |file| file.write_at(bytes, at))
    }
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.call(OfFile::Append, |file| {
            let Some(end) = &self.end else {
                return file.append(bytes);
            };
            let mut end = end.lock().unwrap();
            file.write_at(bytes, *end)?;
            let at = *end;
            *end += bytes.len() as u64;
            Ok(at)
        })
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.call(OfFile::Truncate, |file| file.truncate(len))
    }
    fn date(&self, modified: SystemTime) -> io::Result<()> {
        self.call(OfFile::Date, |file| file.date(modified))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.call(OfFile::SyncData, |file| file.sync_data())
    }
    fn sync(&self) -> io::Result<()> {
        self.call(OfFile::Sync, |file| file.sync())
    }
}
