//! What all mailboxes of one store share: the disk, the clock, who we are, and the mailboxes that are open.

use super::filename;
use super::home::Home;
use super::lookout::Lookout;
use super::room::Room;
use crate::disk::{self, Disk, Stat};
use crate::figures::MailboxFigures;
use crate::mailbox::clock::{Clock, micros};
use crate::queue::Identity;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The last microsecond that a name was made from, in any store of this process.
static LAST: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(super) struct Site {
    pub(super) disk: Arc<dyn Disk>,
    clock: Clock,
    pub(super) host: String,
    pub(super) pid: u32,
    /// Whether a process of this host is alive.
    pub(super) alive: fn(u32) -> bool,
    started: SystemTime,
    /// Lock files that this store holds.
    pub(super) held: Mutex<Vec<PathBuf>>,
    /// Files of which a sync has failed: what one reads of them is perhaps not what is on the medium.
    doubted: Mutex<HashSet<PathBuf>>,
    rooms: Mutex<HashMap<PathBuf, Weak<Room>>>,
    /// Mailboxes that were used last: they are not read anew for each delivery.
    kept: Mutex<VecDeque<Arc<Room>>>,
    keep: usize,
    pub(super) lookout: Lookout,
    /// Whether mailboxes have an index.
    pub(super) indexed: bool,
    /// Whether other hosts are at work on the same files over a network file system.
    pub(super) shared: bool,
    /// What is counted.
    pub(super) figures: Arc<MailboxFigures>,
    /// Whether it has been said that they might be.
    pub(super) warned: AtomicBool,
    homes: Mutex<HashMap<PathBuf, Weak<Home>>>,
    /// Directories whose names this process has made durable.
    owned: Mutex<HashSet<PathBuf>>,
    /// Held while a whole file system is flushed.
    flushing: Mutex<()>,
    /// How many of these flushes have failed.
    failures: AtomicU64,
}

/// So many directories are remembered as owned; then they are synced once more.
const OWNED: usize = 1 << 16;

impl Site {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        clock: Clock,
        host: &str,
        pid: u32,
        keep: usize,
    ) -> Self {
        Self {
            started: clock.now(),
            lookout: Lookout::new(disk.clone(), 0),
            disk,
            clock,
            host: filename::host(host),
            pid,
            alive: process_is_alive,
            held: Mutex::default(),
            doubted: Mutex::default(),
            rooms: Mutex::default(),
            kept: Mutex::default(),
            keep,
            indexed: true,
            shared: false,
            figures: Arc::default(),
            warned: AtomicBool::new(false),
            homes: Mutex::default(),
            owned: Mutex::default(),
            flushing: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// The store is dropped: what is kept at hand would keep it alive, and the thread that waits for news its listener.
    pub(super) fn close(&self) {
        self.lookout.close();
        let kept = std::mem::take(&mut *lock(&self.kept));
        drop(kept); // not under the lock
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// How long this process has had the store.
    pub(super) fn life(&self) -> Duration {
        self.now().duration_since(self.started).unwrap_or_default()
    }

    /// What is known of a path now, whoever has changed it.
    pub(super) fn look(&self, path: &Path) -> io::Result<Stat> {
        match self.shared {
            true => self.disk.look(path),
            false => self.disk.stat(path),
        }
    }

    /// This file must be written anew before anybody builds on it.
    pub(super) fn doubt(&self, path: &Path) {
        lock(&self.doubted).insert(path.to_owned());
    }

    pub(super) fn is_doubted(&self, path: &Path) -> bool {
        lock(&self.doubted).contains(path)
    }

    /// Puts a list in another's place, durably; what fails is doubted until it is written anew.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.doubt(path);
        disk::replace(&*self.disk, path, &path.with_added_extension("tmp"), bytes)?;
        lock(&self.doubted).remove(path);
        Ok(())
    }

    /// How many flushes of whole file systems have failed so far.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Flushes a whole file system for somebody who knew of so many failures before he began to write. The system tells of
    /// an error once: where another batch has been told of one since then, what it is about may have been in this one.
    ///
    /// # Errors
    /// When anything written since then may be lost.
    pub(super) fn sync_all(&self, dir: &Path, known: u64) -> io::Result<()> {
        let _turn = lock(&self.flushing);
        let flushed = self.disk.sync_all(dir);
        if flushed.is_err() {
            self.failures.fetch_add(1, Ordering::SeqCst);
        } else if self.failures() != known {
            return Err(io::Error::other("the flush of another batch has failed"));
        }
        flushed
    }

    /// Makes durable, once in a process, which names are in a directory and in those above it: a process that was killed
    /// may have made or taken away some that nobody has synced, and whatever is put in them would be lost with them.
    pub(super) fn own(&self, dir: &Path) -> io::Result<()> {
        for dir in dir.ancestors() {
            if lock(&self.owned).contains(dir) {
                break;
            }
            match self.disk.sync_dir(dir) {
                // What we may not read, such as somebody's home, is not ours to make.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {}
                other => other?,
            }
        }
        let mut owned = lock(&self.owned);
        if owned.len() >= OWNED {
            owned.clear();
        }
        owned.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    /// Whether this process has done so.
    pub(super) fn owns(&self, dir: &Path) -> bool {
        lock(&self.owned).contains(dir)
    }

    /// A name that no message of this process has had.
    pub(super) fn unique(&self, identity: Option<Identity>) -> String {
        filename::unique(self.tick(), self.pid, identity, &self.host)
    }

    /// A GUID for a new mailbox, in Dovecot's form.
    pub(super) fn guid(&self) -> String {
        let host = self.host.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        format!("{:016x}{:08x}{host:08x}", self.tick(), self.pid)
    }

    /// A number that nothing else of this process has had; never 0.
    pub(super) fn number(&self) -> u64 {
        self.tick().max(1)
    }

    fn tick(&self) -> u64 {
        let now = micros(self.now());
        let after = |last: u64| Some(now.max(last + 1));
        match LAST.fetch_update(Ordering::SeqCst, Ordering::SeqCst, after) {
            Ok(last) | Err(last) => now.max(last + 1),
        }
    }

    /// The mailbox in this directory, shared with whoever has it open.
    pub(super) fn room(&self, dir: &Path, make: impl FnOnce() -> Room) -> Arc<Room> {
        let room = shared(&self.rooms, dir, make);
        let mut kept = lock(&self.kept);
        if !kept.iter().any(|it| Arc::ptr_eq(it, &room)) {
            kept.push_front(room.clone());
        }
        let keep = self.keep.min(kept.len());
        let dropped = kept.split_off(keep);
        drop(kept);
        drop(dropped);
        room
    }

    /// The mailbox in this directory, if anybody has it open. Its place is free afterwards.
    pub(super) fn leave(&self, dir: &Path) -> Option<Arc<Room>> {
        lock(&self.kept).retain(|room| room.dir != dir);
        lock(&self.rooms).remove(dir)?.upgrade()
    }

    /// This mailbox is not the one in its directory any more.
    pub(super) fn forget(&self, room: &Room) {
        lock(&self.kept).retain(|it| !std::ptr::eq(&**it, room));
        let mut rooms = lock(&self.rooms);
        let it = rooms.get(&room.dir).map(Weak::as_ptr);
        if it.is_some_and(|it| std::ptr::eq(it, room)) {
            rooms.remove(&room.dir);
        }
    }

    pub(super) fn home(&self, root: &Path, make: impl FnOnce() -> Home) -> Arc<Home> {
        shared(&self.homes, root, make)
    }

    /// The mailboxes that are open now.
    pub(super) fn open_rooms(&self) -> Vec<Arc<Room>> {
        lock(&self.rooms)
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

fn shared<T>(
    all: &Mutex<HashMap<PathBuf, Weak<T>>>,
    path: &Path,
    make: impl FnOnce() -> T,
) -> Arc<T> {
    let mut all = lock(all);
    if let Some(there) = all.get(path).and_then(Weak::upgrade) {
        return there;
    }
    if all.len() == all.capacity() {
        all.retain(|_, weak| weak.strong_count() > 0); // before it would grow
    }
    let made = Arc::new(make());
    all.insert(path.to_owned(), Arc::downgrade(&made));
    made
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn process_is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use std::time::UNIX_EPOCH;

    #[test]
    fn who_wrote_while_the_flush_of_another_failed_is_told_so() {
        let disk = SimDisk::new(UNIX_EPOCH);
        let clock = Clock::new(|| UNIX_EPOCH);
        let site = Site::new(Arc::new(disk.clone()), clock, "here", 1, 0);
        let known = site.failures();
        site.sync_all(Path::new(""), known).expect("nothing fails");
        disk.fail_at(disk.operations() + 1);
        assert!(site.sync_all(Path::new(""), known).is_err());
        let beside = site.sync_all(Path::new(""), known);
        assert!(beside.is_err(), "the disk told of it once");
        let later = site.failures();
        site.sync_all(Path::new(""), later).expect("it began later");
    }
}
