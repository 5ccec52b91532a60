//! One mailbox, shared by all handles on it in this process.
//!
//! Two locks, always taken in this order: the *ledger* is held while the disk is worked on, for as long as that takes;
//! the *view*, what sessions see, only for a moment. Sessions that read what is in memory never wait for the disk.

use super::dotlock::Dotlock;
use super::index::Index;
use super::letters::Letters;
use super::lookout::{Echoes, Post};
use super::site::{Site, lock};
use super::table::Table;
use crate::disk::{FileKind, Stat};
use crate::mailbox::Pocket;
use crate::mailbox::clock::micros;
use crate::mailbox::expunges::Expunges;
use crate::mailbox::watch::Watch;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{Keywords, ModSeq, Snapshot, Uid, UidMap, UidSet, UidValidity};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, SystemTime};

/// A change of somebody else's that falls into the same moment as one of ours is found by looking again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Or later, where that takes long: by this for each message. So it takes a hundredth of the time at most.
const LOOK_AT_ONE: Duration = Duration::from_micros(200);
/// Longer than the tick by which a file system keeps time: of one that knows whole seconds, and of others.
const COARSE: Duration = Duration::from_millis(1100);
const FINE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Room {
    pub(super) site: Arc<Site>,
    /// Its directory.
    pub(super) dir: PathBuf,
    /// The account's directory.
    pub(super) root: PathBuf,
    /// It has been looked at once, and had its directories then.
    seen: AtomicBool,
    ledger: Mutex<Ledger>,
    view: Mutex<View>,
    pub(super) watch: Watch,
    pub(super) pocket: OnceLock<Arc<Pocket>>,
    post: Mutex<Weak<Post>>,
}

/// What is known of the files.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) loaded: bool,
    /// UIDs may have been given of which what was loaded does not know: only the list tells which comes next.
    pub(super) behind: bool,
    /// How the directories and lists looked when they were last read.
    pub(super) stamps: Option<Stamps>,
    /// Something that we have not done has been heard of, and nobody has read them since.
    pub(super) news: bool,
    /// When to read them again even though they look the same.
    pub(super) again: Option<SystemTime>,
    pub(super) guid: String,
    /// Lines in `dovecot-uidlist`, those of messages that are gone included.
    pub(super) lines: usize,
    /// What is in that file is not what it should be: it must be written anew, not appended to.
    pub(super) torn: bool,
    pub(super) letters: Letters,
    pub(super) index: Index,
    pub(super) echoes: Echoes,
}

/// What sessions see.
#[derive(Debug)]
pub(super) struct View {
    pub(super) table: Arc<Table>,
    pub(super) uids: Arc<UidMap>,
    pub(super) keywords: Arc<Keywords>,
    pub(super) validity: UidValidity,
    /// The UID for the next message; beyond the last UID there is none.
    pub(super) next: u64,
    pub(super) modseq: u64,
    /// Since the mailbox was read, or since its UIDs became others.
    pub(super) expunges: Expunges,
    /// Messages that no session has been told of.
    pub(super) unclaimed: UidSet,
    /// Messages whose octets are known to be durable: copies of them need not be flushed.
    pub(super) durable: UidSet,
    /// Lengths that had to be counted: of the file, and with CRLF.
    pub(super) sizes: BTreeMap<u32, (u64, u64)>,
    pub(super) gone: bool,
}

/// A directory or file as it looked at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) inode: u64,
    pub(super) len: u64,
    pub(super) modified: SystemTime,
}

/// Everything whose change means work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) cur: Stamp,
    pub(super) new: Stamp,
    pub(super) list: Option<Stamp>,
    pub(super) keywords: Option<Stamp>,
}

impl Room {
    pub(super) fn new(site: Arc<Site>, root: PathBuf, dir: PathBuf) -> Self {
        Self {
            site,
            dir,
            root,
            seen: AtomicBool::new(false),
            ledger: Mutex::default(),
            view: Mutex::new(View {
                table: Arc::default(),
                uids: Arc::default(),
                keywords: Arc::default(),
                validity: UidValidity(NonZeroU32::MIN),
                next: 1,
                modseq: 0,
                expunges: Expunges::default(),
                unclaimed: UidSet::new(),
                durable: UidSet::new(),
                sizes: BTreeMap::new(),
                gone: false,
            }),
            watch: Watch::default(),
            pocket: OnceLock::new(),
            post: Mutex::default(),
        }
    }

    /// Where it is heard of, if it is watched.
    pub(super) fn post(&self) -> Option<Arc<Post>> {
        lock(&self.post).upgrade()
    }

    pub(super) fn set_post(&self, post: &Arc<Post>) {
        *lock(&self.post) = Arc::downgrade(post);
    }

    /// How long a look takes at most, a hundred times over.
    pub(super) fn bearable(&self) -> Duration {
        let messages = self.view().map_or(0, |view| view.table.len());
        LOOK_AT_ONE * u32::try_from(messages).unwrap_or(u32::MAX)
    }

    /// Work on the disk begins.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// The same, unless somebody else works on the disk.
    pub(super) fn try_ledger(&self) -> Option<MutexGuard<'_, Ledger>> {
        self.ledger.try_lock().ok()
    }

    /// What sessions see, for a moment.
    ///
    /// # Errors
    /// NotFound once the mailbox is gone.
    pub(super) fn view(&self) -> Result<MutexGuard<'_, View>> {
        let view = lock(&self.view);
        match view.gone {
            true => Err(Error::new(Kind::NotFound, "mailbox is gone")),
            false => Ok(view),
        }
    }

    /// It has been looked at, and has its directories.
    pub(super) fn see(&self) {
        self.seen.store(true, Ordering::Release);
    }

    /// Whether it was looked at before, and is there as far as we have seen since. Waits for nobody.
    pub(super) fn is_seen(&self) -> bool {
        self.seen.load(Ordering::Acquire) && self.is_there().is_ok()
    }

    /// Whether it is still there, as far as we have seen.
    pub(super) fn is_there(&self) -> Result<()> {
        self.view().map(drop)
    }

    /// The lock that all programs on these files honour.
    pub(super) fn dotlock(&self) -> Result<Dotlock<'_>> {
        Dotlock::take(&self.site, self.dir.join("dovecot-uidlist.lock"))
    }

    /// The same for a change of names alone, which must be possible on a full disk, where nothing else makes room: there
    /// it goes without.
    ///
    /// # Errors
    /// As [`dotlock`](Self::dotlock).
    pub(super) fn turn(&self) -> Result<Option<Dotlock<'_>>> {
        match self.dotlock() {
            Err(e) if e.kind() == Kind::Full => Ok(None),
            other => other.map(Some),
        }
    }

    /// Ends a change of the view: whoever waits is told.
    pub(super) fn tell(&self, view: MutexGuard<'_, View>) {
        let modseq = ModSeq(view.modseq);
        drop(view);
        self.watch.ring(modseq);
    }

    /// The mailbox is gone or has another name now.
    pub(super) fn close(&self) {
        lock(&self.view).gone = true;
        self.watch.close();
    }

    /// A modification sequence above all that this mailbox has had, by whatever program. Nobody else takes it while the
    /// ledger is held; the view gets it with the change.
    pub(super) fn rise(&self, view: &View, ledger: &Ledger) -> u64 {
        (view.modseq + 1).max(self.moment(ledger.stamps))
    }

    /// The moment that a change gets its modification sequence from: that of our clock. Where several hosts share the files
    /// it is the time of the last change that the directories tell, by the clock of the file server: each host numbers by
    /// the same one, so that a client may go from one to another.
    pub(super) fn moment(&self, known: Option<Stamps>) -> u64 {
        if !self.site.shared {
            return micros(self.site.now());
        }
        let stamps = known.or_else(|| Stamps::take(self).ok());
        stamps.map_or(0, |stamps| micros(stamps.newest()))
    }

    pub(super) fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.dir.join(file)
    }
}

impl Ledger {
    /// What we did ourselves is no news. (It is called after a refresh and the change that followed on it.)
    pub(super) fn settle(&mut self, room: &Room) {
        let soon = room.site.now() + room.bearable().max(LOOK_AGAIN);
        self.again = Some(self.again.map_or(soon, |again| again.min(soon)));
        // The lists are known as of when we last read or wrote them: since the lock was given back others may have given
        // UIDs, which must not be taken for known.
        let now = Stamps::take(room).ok();
        self.stamps = now.zip(self.stamps).map(|(now, known)| Stamps {
            list: known.list,
            keywords: known.keywords,
            ..now
        });
    }

    /// What is in `dovecot-uidlist` is what we have read and written. Held: the lock.
    pub(super) fn listed(&mut self, room: &Room) {
        let list = Stamps::list(room);
        self.stamps = self
            .stamps
            .zip(list.ok())
            .map(|(known, list)| Stamps { list, ..known });
    }

    /// Whatever is thought to be known must be read again.
    pub(super) fn distrust(&mut self) {
        self.stamps = None;
    }
}

impl View {
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut now = Snapshot::empty(self.validity);
        let next = u32::try_from(self.next).ok().and_then(Uid::new);
        now.uid_next = next.unwrap_or(Uid::LAST);
        now.modseq = ModSeq(self.modseq);
        now.uids = self.uids.clone();
        now.keywords = self.keywords.clone();
        now
    }

    /// The mailbox is so now.
    pub(super) fn show(&mut self, table: Table, modseq: u64) {
        self.table = Arc::new(table);
        self.modseq = modseq;
    }

    /// These went with a change.
    pub(super) fn lose(&mut self, modseq: u64, gone: &UidSet) {
        if gone.is_empty() {
            return;
        }
        self.expunges.add(ModSeq(modseq), gone);
        self.unclaimed = self.unclaimed.difference(gone);
        self.durable = self.durable.difference(gone);
        self.sizes
            .retain(|uid, _| Uid::new(*uid).is_none_or(|uid| !gone.contains(uid)));
        self.uids = Arc::new(UidMap::from(&self.uids.set().difference(gone)));
    }

    /// These came with a change; they are behind all others.
    pub(super) fn gain(&mut self, uids: impl Iterator<Item = u32>) {
        let map = Arc::make_mut(&mut self.uids);
        uids.filter_map(Uid::new).for_each(|uid| map.push(uid));
    }
}

impl Stamps {
    /// `dovecot-uidlist` alone.
    pub(super) fn list(room: &Room) -> std::io::Result<Option<Stamp>> {
        match room.site.look(&room.path("dovecot-uidlist")) {
            Ok(stat) => Ok(Some(Stamp {
                inode: stat.inode,
                len: stat.len,
                modified: stat.modified,
            })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn take(room: &Room) -> std::io::Result<Self> {
        Self::with(|file| room.site.look(&room.path(file)))
    }

    /// As far as that can be said without waiting for the disk.
    pub(super) fn take_now(room: &Room) -> std::io::Result<Self> {
        Self::with(|file| room.site.disk.stat_now(&room.path(file)))
    }

    fn with(stat: impl Fn(&str) -> std::io::Result<Stat>) -> std::io::Result<Self> {
        let stamp = |file: &str| {
            let stat = stat(file)?;
            // A link would lead out of the mailbox, perhaps with rights that its owner has not.
            if matches!(file, "cur" | "new") && stat.kind != FileKind::Dir {
                return Err(std::io::ErrorKind::NotADirectory.into());
            }
            Ok(Stamp {
                inode: stat.inode,
                len: stat.len,
                modified: stat.modified,
            })
        };
        let there = |stamp: std::io::Result<Stamp>| match stamp {
            Ok(stamp) => Ok(Some(stamp)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        };
        Ok(Self {
            cur: stamp("cur")?,
            new: stamp("new")?,
            list: there(stamp("dovecot-uidlist"))?,
            keywords: there(stamp("dovecot-keywords"))?,
        })
    }

    fn newest(&self) -> SystemTime {
        self.cur.modified.max(self.new.modified)
    }

    /// When to look once more, if a further change might not show in these, which were taken `now` and before the directories
    /// were read: file systems keep time by ticks. `known` are those of the last time.
    pub(super) fn unsettled(
        &self,
        room: &Room,
        known: Option<Stamps>,
        now: SystemTime,
    ) -> Option<SystemTime> {
        if room.site.shared {
            // Our clock and the file server's have nothing to do with each other.
            return (known != Some(*self)).then_some(now + COARSE);
        }
        let newest = self.newest();
        let whole = micros(newest).is_multiple_of(1_000_000);
        let settled = newest + if whole { COARSE } else { FINE };
        (now < settled).then_some(settled)
    }
}
