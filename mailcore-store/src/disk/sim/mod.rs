//! A disk in memory that can lose power. It is stricter than any real one: what was not synced may be lost, kept
//! or torn, write by write and name by name, in any order that the promises of [`Disk`] leave open.
//!
//! Every call that changes or syncs something is an operation with a number, from 1. The same calls and the same
//! seed give the same history. It never looks at a clock: each operation takes one microsecond of its own time.

mod crash;
mod model;

use super::{Disk, File, FileKind, Open, Stat, Watcher};
use model::{Call, Change, Fault, Model, Put};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What a crash does to that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// All of it is gone.
    Lost,
    /// All of it is there, as if it had been synced.
    Kept,
    /// Some of it is there. Of contents, some writes, whole, cut or as NULs; of names, what a file system with
    /// a journal may leave: a change never without those before it that concern the same names.
    Torn,
}

/// The simulated disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<Model>>);

impl SimDisk {
    /// An empty disk, at this time of its own.
    pub fn new(now: SystemTime) -> Self {
        Self::of(Model::new(now))
    }

    fn of(model: Model) -> Self {
        Self(Arc::new(Mutex::new(model)))
    }

    /// What was on the disk after power was lost now (or when [`crash_after`](Self::crash_after) struck), as
    /// another disk. This one is dead from here on.
    #[must_use]
    pub fn restart(&self, loss: Loss, seed: u64) -> Self {
        let mut model = self.model();
        model.dead = true;
        Self::of(crash::survive(&model, loss, seed))
    }

    /// What is on the disk for a process that is started after this one was killed, as another disk: all is as it
    /// looked, and what was not synced still is not. This one is dead from here on.
    #[must_use]
    pub fn killed(&self) -> Self {
        let mut model = self.model();
        model.dead = true;
        Self::of(model.taken_over())
    }

    /// Calls this before each sync: whoever was told too early does then what he does.
    pub fn before_syncs(&self, call: impl Fn() + Send + Sync + 'static) {
        self.model().before_syncs = Some(Call(Arc::new(call)));
    }

    fn syncs(&self) {
        let call = self.model().before_syncs.clone();
        if let Some(Call(call)) = call {
            call();
        }
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.model().operations
    }

    /// Power is lost after operation `n`: everything later fails and changes nothing.
    pub fn crash_after(&self, n: u64) {
        self.model().crash_after = Some(n);
    }

    /// Operation `n` fails with an I/O error. Of a write that fails, half is done; what a sync that fails was to
    /// save counts as synced from then on and is lost in a crash, as on a real system: contents in any case, names
    /// unless their directory is changed and synced later.
    pub fn fail_at(&self, n: u64) {
        self.model().fail_at = Some(n);
    }

    /// From operation `n` on nothing that takes space succeeds; `None` makes room again.
    pub fn full_from(&self, n: Option<u64>) {
        self.model().full_from = n;
    }

    /// With false, syncing does nothing and says that it did: a test of durability that stays green then tests
    /// nothing.
    pub fn honour_syncs(&self, on: bool) {
        self.model().honour_syncs = on;
    }

    /// Its own time.
    pub fn now(&self) -> SystemTime {
        self.model().now
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.model().now += by;
    }

    /// Of what may be in memory and may not, every third thing is not.
    fn in_memory(&self) -> io::Result<()> {
        let mut model = self.model();
        model.asked_now += 1;
        match model.asked_now.is_multiple_of(3) {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => Ok(()),
        }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let mut model = self.model();
        model.alive()?;
        let (dir, name) = model.place(path)?;
        let found = model.names.get(&(dir, name.clone())).copied();
        let node = match (how, found) {
            (Open::Create, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Open::Create, None) => {
                model.operation(Fault::Space)?;
                let node = model.node(FileKind::File);
                model.change(Change::adding(dir, name, node));
                node
            }
            (_, Some(node)) if model.kind(node)? == FileKind::File => node,
            (_, Some(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            (_, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Box::new(SimFile {
            disk: self.clone(),
            node,
            writable: how != Open::Read,
            locked: false,
        }))
    }

    fn open_now(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.in_memory()?;
        self.open(path, Open::Read)
    }

    fn stat_now(&self, path: &Path) -> io::Result<Stat> {
        self.in_memory()?;
        self.stat(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut model = self.model();
        model.alive()?;
        let from = model.place(from)?;
        let to = model.place(to)?;
        let node = model.lookup(&from)?;
        if let Some(there) = model.names.get(&to).copied() {
            if there == node {
                return Ok(()); // POSIX: two names of one file stay as they are
            }
            model.replaceable(node, there)?;
        }
        model.operation(Fault::Any)?;
        model.change(Change {
            removes: vec![from],
            adds: Some((to.0, to.1, node)),
            forgotten: false,
        });
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut model = self.model();
        model.alive()?;
        let from = model.place(from)?;
        let node = model.lookup(&from)?;
        if model.kind(node)? != FileKind::File {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (dir, name) = model.place(to)?;
        if model.names.contains_key(&(dir, name.clone())) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        model.operation(Fault::Space)?;
        model.change(Change::adding(dir, name, node));
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.remove(path, FileKind::File)
    }

    fn mkdir(&self, path: &Path) -> io::Result<()> {
        let mut model = self.model();
        model.alive()?;
        if path.as_os_str().is_empty() || path == Path::new("/") {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (dir, name) = model.place(path)?;
        if model.names.contains_key(&(dir, name.clone())) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        model.operation(Fault::Space)?;
        let node = model.node(FileKind::Dir);
        model.change(Change::adding(dir, name, node));
        Ok(())
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.remove(path, FileKind::Dir)
    }

    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        let names = {
            let model = self.model();
            model.alive()?;
            let dir = model.walk(path)?;
            if model.kind(dir)? != FileKind::Dir {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            model.inside(dir)
        };
        for (name, kind) in names {
            each(&name, kind);
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let model = self.model();
        model.alive()?;
        model.stat(model.walk(path)?)
    }

    fn look(&self, path: &Path) -> io::Result<Stat> {
        self.stat(path)
    }

    fn network(&self, _: &Path) -> io::Result<Option<&'static str>> {
        Ok(None)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.syncs();
        let mut model = self.model();
        model.alive()?;
        let dir = model.walk(path)?;
        if let Err(e) = model.operation(Fault::Any) {
            model.forget_dir(dir);
            return Err(e);
        }
        if model.honour_syncs {
            model.settle_dir(dir);
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let made = self.open(path, Open::Create);
        if let Err(e) = made
            && e.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(e);
        }
        let mut model = self.model();
        model.alive()?;
        let place = model.place(path)?;
        let node = model.lookup(&place)?;
        match model.locks.insert(node) {
            true => Ok(Box::new(SimFile {
                disk: self.clone(),
                node,
                writable: true,
                locked: true,
            })),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// It tells nobody: whoever wants to know looks.
    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn boot(&self) -> u128 {
        self.model().boot
    }

    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.syncs();
        let mut model = self.model();
        model.alive()?;
        model.walk(path)?;
        if let Err(e) = model.operation(Fault::Any) {
            model.forget_all();
            return Err(e);
        }
        if model.honour_syncs {
            model.settle_all();
        }
        Ok(())
    }
}

impl SimDisk {
    fn remove(&self, path: &Path, kind: FileKind) -> io::Result<()> {
        let mut model = self.model();
        model.alive()?;
        let at = model.place(path)?;
        let node = model.lookup(&at)?;
        match (model.kind(node)? == kind, kind) {
            (true, FileKind::Dir) if !model.inside(node).is_empty() => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            (true, _) => {}
            (false, FileKind::Dir) => return Err(io::ErrorKind::NotADirectory.into()),
            (false, _) => return Err(io::ErrorKind::IsADirectory.into()),
        }
        model.operation(Fault::Any)?;
        model.change(Change {
            removes: vec![at],
            adds: None,
            forgotten: false,
        });
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    node: u64,
    writable: bool,
    /// Whether its lock goes with it.
    locked: bool,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.locked {
            self.disk.model().locks.remove(&self.node);
        }
    }
}

impl SimFile {
    fn write(&self, put: Put) -> io::Result<()> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut model = self.disk.model();
        model.alive()?;
        if let Err(e) = model.operation(Fault::Space) {
            model.put(self.node, put.half())?;
            return Err(e);
        }
        model.put(self.node, put)
    }

    fn settle(&self, date: bool) -> io::Result<()> {
        self.disk.syncs();
        let mut model = self.disk.model();
        model.alive()?;
        if let Err(e) = model.operation(Fault::Any) {
            model.forget(self.node);
            return Err(e);
        }
        if model.honour_syncs {
            model.settle(self.node, date);
        }
        Ok(())
    }
}

impl File for SimFile {
    fn stat(&self) -> io::Result<Stat> {
        let model = self.disk.model();
        model.alive()?;
        model.stat(self.node)
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let model = self.disk.model();
        model.alive()?;
        model.read(self.node, out, at)
    }

    fn read_now(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.in_memory()?;
        self.read_at(out, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write(Put::Bytes(at, bytes.to_vec()))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.stat()?.len;
        self.write(Put::Bytes(at, bytes.to_vec())).map(|()| at)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.write(Put::Len(len))
    }

    fn date(&self, modified: SystemTime) -> io::Result<()> {
        let mut model = self.disk.model();
        model.alive()?;
        model.operation(Fault::Any)?;
        model.date(self.node, modified)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.settle(false)
    }

    fn sync(&self) -> io::Result<()> {
        self.settle(true)
    }
}
