//! A file server, and hosts that are its clients: each with a clock of its own, with what it remembers of directories, and
//! with answers that are lost.

use crate::common::{Call, Hook, Hooked, OfFile};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::Result;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, File, Open, SimDisk, Stat};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Mailbox, Stamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn server() -> SimDisk {
    SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

/// What happens while a call is on its way.
pub(crate) struct Meanwhile(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile(..)")
    }
}

/// How a host is connected.
#[derive(Debug, Default)]
pub(crate) struct Net {
    /// Calls so far.
    pub(crate) calls: AtomicUsize,
    /// From which call on so many are stale.
    pub(crate) stale: Mutex<(usize, usize)>,
    /// Every so many links and renames are done and answered as if they could not be, the request having been sent twice.
    pub(crate) twice: AtomicUsize,
    changes: AtomicUsize,
    /// Attributes and missing names are remembered until somebody asks the server.
    pub(crate) remembers: AtomicBool,
    attributes: Mutex<HashMap<PathBuf, Stat>>,
    missing: Mutex<HashSet<PathBuf>>,
    /// The server keeps time in whole seconds.
    pub(crate) coarse: AtomicBool,
    meanwhile: Mutex<Option<(usize, Meanwhile)>>,
    /// Files `.nfs…` are still open and cannot be removed.
    pub(crate) silly: AtomicBool,
    /// All that is flushed at once.
    pub(crate) systems: AtomicUsize,
    pub(crate) listened: AtomicBool,
    /// Files that were open when the server was started anew, and those that are.
    lost: Mutex<HashSet<usize>>,
    open: Mutex<HashSet<usize>>,
}

fn path<'c>(call: &Call<'c>) -> Option<&'c Path> {
    match *call {
        Call::Open(path, _) | Call::Unlink(path) | Call::Mkdir(path) | Call::Rmdir(path) => {
            Some(path)
        }
        Call::List(path) | Call::Stat(path) | Call::Look(path) | Call::SyncDir(path) => Some(path),
        Call::Rename(_, path) | Call::Link(_, path) => Some(path),
        Call::SyncAll(_) | Call::Lock(_) | Call::Listen | Call::Of(..) => None,
    }
}

fn is_silly(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(".nfs"))
}

impl Net {
    /// The calls from the `n`th on, `count` of them, are stale.
    pub(crate) fn stale_at(&self, n: usize, count: usize) {
        *self.stale.lock().unwrap() = (self.calls.load(Ordering::SeqCst) + n, count);
    }

    /// Something happens in front of the `n`th call from now on.
    pub(crate) fn meanwhile(&self, n: usize, what: impl Fn() + Send + Sync + 'static) {
        let n = self.calls.load(Ordering::SeqCst) + n;
        *self.meanwhile.lock().unwrap() = Some((n, Meanwhile(Box::new(what))));
    }

    /// The server is started anew: nothing that is open is known to it.
    pub(crate) fn lose_what_is_open(&self) {
        *self.lost.lock().unwrap() = std::mem::take(&mut *self.open.lock().unwrap());
    }

    fn is_lost(&self, file: &dyn File) -> bool {
        let file = std::ptr::from_ref(file).addr();
        self.open.lock().unwrap().insert(file);
        self.lost.lock().unwrap().contains(&file)
    }

    /// Whether that has not come to pass.
    pub(crate) fn still(&self) -> bool {
        self.meanwhile.lock().unwrap().take().is_some()
    }

    fn know(&self, call: &Call<'_>) {
        let mut attributes = self.attributes.lock().unwrap();
        let mut missing = self.missing.lock().unwrap();
        match *call {
            // A directory that is opened is asked for.
            Call::List(dir) | Call::Look(dir) => {
                attributes.remove(dir);
                missing.retain(|path| path.parent() != Some(dir));
            }
            Call::Rename(from, to) => {
                attributes.remove(from);
                attributes.remove(to);
                missing.remove(to);
            }
            Call::Link(_, path) | Call::Unlink(path) | Call::Mkdir(path) | Call::Rmdir(path) => {
                attributes.remove(path);
                missing.remove(path);
            }
            Call::Open(path, Open::Create) => drop(missing.remove(path)),
            _ => {}
        }
    }
}

impl Hook for Net {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let due = {
            let mut meanwhile = self.meanwhile.lock().unwrap();
            let due = meanwhile.as_ref().is_some_and(|(at, _)| n >= *at);
            meanwhile.take_if(|_| due)
        };
        if let Some((_, Meanwhile(what))) = due {
            what();
        }
        match call {
            Call::SyncAll(_) => drop(self.systems.fetch_add(1, Ordering::SeqCst)),
            Call::Listen => self.listened.store(true, Ordering::SeqCst),
            Call::Unlink(path) if self.silly.load(Ordering::SeqCst) && is_silly(path) => {
                return Err(ErrorKind::ResourceBusy.into());
            }
            Call::Of(file, _) if self.is_lost(*file) => {
                return Err(ErrorKind::StaleNetworkFileHandle.into());
            }
            Call::Of(_, OfFile::Date | OfFile::Truncate) => {}
            _ => {
                let (from, count) = *self.stale.lock().unwrap();
                if (from..from + count).contains(&n) {
                    return Err(ErrorKind::StaleNetworkFileHandle.into());
                }
            }
        }
        if matches!(
            call,
            Call::Open(_, Open::Read | Open::Write) | Call::Look(_)
        ) && let Some(path) = path(call)
            && self.missing.lock().unwrap().contains(path)
        {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(())
    }

    fn after(&self, call: &Call<'_>, failed: Option<&io::Error>) -> io::Result<()> {
        self.know(call);
        let gone = failed.is_some_and(|e| e.kind() == ErrorKind::NotFound);
        if self.remembers.load(Ordering::SeqCst)
            && gone
            && let Some(path) = path(call)
        {
            self.missing.lock().unwrap().insert(path.to_owned());
        }
        let again = match call {
            Call::Link(..) => ErrorKind::AlreadyExists,
            Call::Rename(..) => ErrorKind::NotFound,
            _ => return Ok(()),
        };
        let every = self.twice.load(Ordering::SeqCst);
        let n = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        match every > 0 && failed.is_none() && n.is_multiple_of(every) {
            true => Err(again.into()),
            false => Ok(()),
        }
    }

    /// As `O_APPEND` is over NFS.
    fn remembers_ends(&self) -> bool {
        true
    }

    fn instead(&self, call: &Call<'_>) -> Option<io::Result<Stat>> {
        let Call::Stat(path) = *call else { return None };
        if self.missing.lock().unwrap().contains(path) {
            return Some(Err(ErrorKind::NotFound.into()));
        }
        self.attributes.lock().unwrap().get(path).copied().map(Ok)
    }

    fn shown(&self, call: &Call<'_>, mut stat: Stat) -> Stat {
        if self.coarse.load(Ordering::SeqCst) {
            let since = stat.modified.duration_since(UNIX_EPOCH).unwrap();
            stat.modified = UNIX_EPOCH + Duration::from_secs(since.as_secs());
        }
        if let (Some(path), true) = (path(call), self.remembers.load(Ordering::SeqCst)) {
            self.attributes
                .lock()
                .unwrap()
                .insert(path.to_owned(), stat);
        }
        stat
    }
}

/// One of the hosts.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) disk: SimDisk,
    pub(crate) net: Arc<Net>,
    pub(crate) store: Maildir,
}

/// A clock that goes wrong by so much.
pub(crate) fn clock(
    disk: &SimDisk,
    wrong: impl Fn(SystemTime) -> SystemTime + Send + Sync + 'static,
) -> Clock {
    let disk = disk.clone();
    Clock::new(move || wrong(disk.now()))
}

impl Host {
    /// A host of this name whose clock is right.
    pub(crate) fn new(disk: &SimDisk, name: &str) -> Self {
        Self::at(disk, name, clock(disk, |now| now))
    }

    pub(crate) fn at(disk: &SimDisk, name: &str, clock: Clock) -> Self {
        Self::with(disk, name, clock, |_| {})
    }

    pub(crate) fn with(
        disk: &SimDisk,
        name: &str,
        clock: Clock,
        change: impl Fn(&mut Options),
    ) -> Self {
        let net = Arc::<Net>::default();
        let mut options = Options::new("mail");
        options.shared = true;
        options.host = name.to_owned();
        options.pid = 4711;
        options.patience = Duration::ZERO;
        options.patrol = Duration::ZERO;
        change(&mut options);
        let hooked = Hooked::new(disk.clone(), net.clone());
        Self {
            disk: disk.clone(),
            net,
            store: Maildir::on(Arc::new(hooked), clock, options),
        }
    }

    pub(crate) async fn account(&self) -> Result<Arc<dyn Account>> {
        self.store.account(&User::new("u")).await
    }

    pub(crate) async fn select(&self) -> Result<Box<dyn Mailbox>> {
        let mailbox = self.account().await?;
        let mailbox = mailbox.open(&MailboxName::inbox(), Access::Write).await?;
        mailbox.sync(None).await?;
        Ok(mailbox)
    }

    pub(crate) async fn deliver(&self, text: &str) -> Result<u32> {
        let account = self.account().await?;
        let mut append = account.append(&MailboxName::inbox()).await?;
        append.write(text.as_bytes()).await?;
        let placed = append.commit(Stamp::default()).await?;
        Ok(placed.uids.first().unwrap().number())
    }

    /// UIDs with the texts of the messages and whether they are flagged.
    pub(crate) async fn shown(&self) -> Result<BTreeMap<u32, (String, bool)>> {
        let mailbox = self.select().await?;
        let mut records = Vec::new();
        mailbox
            .records(&UidSet::all(), Fields::FLAGS, &mut records)
            .await?;
        let mut shown = BTreeMap::new();
        for record in records {
            let body = mailbox.body(record.uid).await?;
            let Some(body) = body else { continue };
            let text = body.read(0..body.len()).await?;
            let text = String::from_utf8(text.to_vec()).unwrap();
            let flagged = record.flags.contains(Flags::FLAGGED);
            shown.insert(record.uid.number(), (text, flagged));
        }
        Ok(shown)
    }

    pub(crate) async fn flag(&self, uid: u32) -> Result<()> {
        let change = FlagChange::of(FlagOp::Add, Flags::FLAGGED);
        let mailbox = self.select().await?;
        mailbox.flag(&one(uid), &change, None).await.map(drop)
    }

    pub(crate) async fn expunge(&self, uid: u32) -> Result<()> {
        self.select().await?.expunge(&one(uid)).await.map(drop)
    }

    /// Puts a file where another program would.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let file = self.disk.open(Path::new(path), Open::Create).unwrap();
        file.write_at(text.as_bytes(), 0).unwrap();
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.disk.stat(Path::new(path)).is_ok()
    }

    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut each = |name: &std::ffi::OsStr, _| names.push(name.to_str().unwrap().to_owned());
        self.disk.list(Path::new(dir), &mut each).unwrap();
        names
    }
}

pub(crate) fn one(uid: u32) -> UidSet {
    UidSet::one(Uid::new(uid).unwrap())
}
