//! Faults of the disk while power is on: operations that fail with an I/O error, flushes that fail and have lost what they
//! were to save, and no room for a while.

use crate::chance::Chance;
use crate::power::Power;
use mailcore::store::disk::{Disk, File, FileKind, Open, SimDisk, Stat, Watcher};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What goes wrong in one start.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The calls that fail, counted from the start. Reading fails only once the queue has been read: what a start cannot
    /// read counts as damaged.
    calls: Vec<u64>,
    /// The flushes that fail.
    flushes: Vec<u64>,
    /// When there is no room, and for how long.
    pub full: Option<(Duration, Duration)>,
}

impl Plan {
    /// Nothing, or something.
    pub fn of(chance: &mut Chance) -> Self {
        let mut plan = Self::default();
        match chance.below(8) {
            0 => plan.calls.push(1 + chance.below(40)),
            1 => plan.calls.extend((0..3).map(|_| 1 + chance.below(600))),
            2 => plan.flushes.extend((0..2).map(|_| 1 + chance.below(30))),
            3 => plan.full = Some((chance.seconds(300), chance.seconds(2_000))),
            _ => {}
        }
        plan
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.flushes.is_empty() && self.full.is_none()
    }
}

/// The disk with its faults. Clones are the same.
#[derive(Debug, Clone)]
pub struct Faulty {
    disk: SimDisk,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    power: Power,
    calls: AtomicU64,
    flushes: AtomicU64,
    reading: AtomicBool,
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn File>,
    disk: Faulty,
}

impl Faulty {
    pub fn new(power: &Power, plan: Plan) -> Self {
        Self {
            disk: power.disk.clone(),
            shared: Arc::new(Shared {
                plan,
                power: power.clone(),
                calls: AtomicU64::new(0),
                flushes: AtomicU64::new(0),
                reading: AtomicBool::new(false),
            }),
        }
    }

    /// From now on reading may fail, too.
    pub fn is_started(&self) {
        self.shared.reading.store(true, Ordering::SeqCst);
    }

    fn fails(&self) -> bool {
        let call = self.shared.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.shared.plan.calls.contains(&call)
    }

    /// Something that reads.
    fn read<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.fails() && self.shared.reading.load(Ordering::SeqCst) {
            self.shared.power.fault("a read");
            return Err(io::Error::other("simulated I/O error"));
        }
        work()
    }

    /// Something that changes the disk. It fails as the disk has it: half of it may be done.
    fn change<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let fails = self.fails();
        self.either(fails, work)
    }

    fn flush<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let flush = self.shared.flushes.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = self.fails() || self.shared.plan.flushes.contains(&flush);
        self.either(fails, work)
    }

    fn either<T>(&self, fails: bool, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if fails {
            self.disk.fail_at(self.disk.operations() + 1);
        }
        let done = work();
        // It may have come to nothing before it was an operation.
        self.disk.fail_at(0);
        let full = |e: &io::Error| e.kind() == io::ErrorKind::StorageFull;
        if fails || done.as_ref().is_err_and(full) {
            self.shared.power.fault("a change");
        }
        done
    }

    fn file(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(FaultyFile {
            file,
            disk: self.clone(),
        })
    }
}

impl Disk for Faulty {
    fn open_now(&self, _: &Path) -> io::Result<Box<dyn File>> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn stat_now(&self, _: &Path) -> io::Result<Stat> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let open = || self.disk.open(path, how);
        let opened = match how {
            Open::Create => self.change(open),
            Open::Read | Open::Write | Open::Append => self.read(open),
        };
        opened.map(|file| self.file(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| self.disk.rename(from, to))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| self.disk.link(from, to))
    }
    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.change(|| self.disk.unlink(path))
    }
    fn mkdir(&self, path: &Path) -> io::Result<()> {
        self.change(|| self.disk.mkdir(path))
    }
    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.change(|| self.disk.rmdir(path))
    }
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.read(|| self.disk.list(path, each))
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.read(|| self.disk.stat(path))
    }
    fn look(&self, path: &Path) -> io::Result<Stat> {
        self.read(|| self.disk.look(path))
    }
    fn network(&self, path: &Path) -> io::Result<Option<&'static str>> {
        self.disk.network(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.flush(|| self.disk.sync_dir(path))
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.disk.lock(path)
    }
    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        self.disk.listen()
    }
    fn boot(&self) -> u128 {
        self.disk.boot()
    }
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.flush(|| self.disk.sync_all(path))
    }
}

impl File for FaultyFile {
    fn read_now(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn stat(&self) -> io::Result<Stat> {
        self.disk.read(|| self.file.stat())
    }
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.read(|| self.file.read_at(out, at))
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.change(|| self.file.write_at(bytes, at))
    }
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.disk.change(|| self.file.append(bytes))
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.change(|| self.file.truncate(len))
    }
    fn date(&self, modified: SystemTime) -> io::Result<()> {
        self.disk.change(|| self.file.date(modified))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.flush(|| self.file.sync_data())
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.flush(|| self.file.sync())
    }
}

/// Changes an octet in one of the two headers of each segment of the queue's log, as a medium may that ages.
pub fn age(disk: &SimDisk, chance: &mut Chance) -> io::Result<()> {
    let folder = Path::new("var/queue");
    let mut logs = Vec::new();
    let listed = disk.list(folder, &mut |name, _| logs.push(folder.join(name)));
    if listed.is_err() {
        return Ok(()); // it is not there yet
    }
    logs.retain(|path| path.extension().is_some_and(|it| it == "log"));
    for log in logs {
        let file = disk.open(&log, Open::Write)?;
        // The marker is what the most hangs on: octets 24 to 32.
        let (marker, any) = (24 + chance.below(8), chance.below(52));
        let at = chance.pick(&[0, 512]) + chance.pick(&[marker, marker, any]);
        let mut octet = [0];
        file.read_at(&mut octet, at)?;
        let bit = 1 << chance.below(8);
        file.write_at(&[octet[0] ^ bit], at)?;
    }
    Ok(())
}
