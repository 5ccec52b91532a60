//! What other programs do is told at once where the system tells of changes, and soon where it does not.

use crate::common::{Call, Hook, Hooked};
use crate::place::{MAIL, Place, all, append, shown};
use mailcore_base::mailbox::{FlagOp, Flags, MailboxName, ModSeq, UidSet};
use mailcore_store::Kind;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Event, RealDisk, Watcher};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, MailStore, Mailbox};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;

/// Much shorter than the patrols of these tests, much longer than anything takes.
const SOON: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_secs(3600);

/// How often message directories are read, and which watches there are.
#[derive(Debug, Default)]
struct Counts {
    listed: AtomicUsize,
    listeners: Arc<AtomicUsize>,
    watches: Arc<AtomicUsize>,
    /// How often the lock was another's.
    refused: AtomicUsize,
    /// Another program is faster at the next message that is moved out of `new/`.
    outrun: AtomicBool,
    deaf: bool,
}

#[derive(Debug)]
struct CountingWatcher(Box<dyn Watcher>, Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Drop for CountingWatcher {
    fn drop(&mut self) {
        self.2.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watcher for CountingWatcher {
    fn add(&self, dir: &Path, names: bool) -> io::Result<u64> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.add(dir, names)
    }
    fn remove(&self, watch: u64) {
        self.1.fetch_sub(1, Ordering::SeqCst);
        self.0.remove(watch);
    }
    fn take(&self, out: &mut Vec<Event>) -> io::Result<()> {
        self.0.take(out)
    }
    fn wait(&self) -> io::Result<()> {
        self.0.wait()
    }
}

impl Hook for Counts {
    fn before(&self, disk: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        match call {
            Call::List(path) if path.ends_with("cur") => {
                self.listed.fetch_add(1, Ordering::SeqCst);
            }
            Call::Listen if self.deaf => return Err(io::ErrorKind::PermissionDenied.into()),
            Call::Listen => drop(self.listeners.fetch_add(1, Ordering::SeqCst)),
            Call::Rename(from, to)
                if from.parent().is_some_and(|dir| dir.ends_with("new"))
                    && self.outrun.swap(false, Ordering::SeqCst) =>
            {
                return disk.map_or(Ok(()), |disk| disk.rename(from, to));
            }
            _ => {}
        }
        Ok(())
    }

    fn after(&self, call: &Call<'_>, failed: Option<&io::Error>) -> io::Result<()> {
        if let (Call::Open(path, _), Some(_)) = (call, failed)
            && path.ends_with("dovecot-uidlist.lock")
        {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn watcher(&self, watcher: Box<dyn Watcher>) -> Box<dyn Watcher> {
        Box::new(CountingWatcher(
            watcher,
            self.watches.clone(),
            self.listeners.clone(),
        ))
    }
}

struct Watched {
    place: Place,
    counts: Arc<Counts>,
    account: Arc<dyn Account>,
}

impl Watched {
    async fn new(place: Place, change: impl Fn(&mut Options), deaf: bool) -> Self {
        let counts = Arc::new(Counts {
            deaf,
            ..Counts::default()
        });
        let disk = Hooked::new(RealDisk::new(place.dir.path()), counts.clone());
        let mut options = Options::new("%n");
        options.patrol = NEVER;
        change(&mut options);
        let store = Maildir::on(Arc::new(disk), Clock::system(), options);
        let account = store.account(&User::new("u")).await.unwrap();
        Self {
            place,
            counts,
            account,
        }
    }

    async fn open(&self, name: &str) -> Box<dyn Mailbox> {
        let name = MailboxName::parse(name, '/').unwrap();
        self.account.open(&name, Access::Write).await.unwrap()
    }

    fn listed(&self) -> usize {
        self.counts.listed.swap(0, Ordering::SeqCst)
    }
}

async fn level(mailbox: &dyn Mailbox) -> ModSeq {
    mailbox.sync(None).await.unwrap().now.modseq
}

/// Whether a change is told while a session waits for it.
async fn is_told(mailbox: &dyn Mailbox, change: impl FnOnce()) -> bool {
    let known = level(mailbox).await;
    let waiting = mailbox.changed(known);
    tokio::pin!(waiting);
    // It waits, and what comes of beginning to wait is over.
    let early = timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "nothing has happened");
    change();
    timeout(SOON, waiting).await.is_ok()
}

#[tokio::test]
async fn a_foreign_delivery_a_flag_and_a_removal_are_told_at_once() {
    let it = Watched::new(Place::new(), |_| {}, false).await;
    let inbox = it.open("INBOX").await;
    let at = |name: &str| it.place.at(name);
    let began = Instant::now();
    assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
    assert_eq!(shown(&*inbox).await.len(), 1);
    let renamed = || fs::rename(at("cur/1.x.agent:2,"), at("cur/1.x.agent:2,F")).unwrap();
    assert!(is_told(&*inbox, renamed).await);
    assert_eq!(shown(&*inbox).await[&1], "\\Flagged");
    let removed = || fs::remove_file(at("cur/1.x.agent:2,F")).unwrap();
    assert!(is_told(&*inbox, removed).await);
    assert_eq!(shown(&*inbox).await.len(), 0);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// Another program does something under its lock, and gives the lock back once somebody else has wanted it.
fn under_the_lock(it: &Watched, work: impl FnOnce()) {
    let lock = it.place.at("dovecot-uidlist.lock");
    fs::write(&lock, "").unwrap();
    work();
    let counts = it.counts.clone();
    std::thread::spawn(move || {
        while counts.refused.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        fs::remove_file(lock).unwrap();
    });
}

#[tokio::test]
async fn who_was_removed_under_another_programs_lock_is_told_to_be_gone_once_it_is_free() {
    let it = Watched::new(Place::new(), |_| {}, false).await;
    let inbox = it.open("INBOX").await;
    assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
    assert_eq!(shown(&*inbox).await.len(), 1);
    let file = it.place.at("cur/1.x.agent:2,");
    let removed = || under_the_lock(&it, || fs::remove_file(file).unwrap());
    assert!(is_told(&*inbox, removed).await);
    assert_eq!(shown(&*inbox).await.len(), 0);
}

#[tokio::test]
async fn what_we_did_while_nobody_watched_is_not_taken_for_what_another_program_does() {
    let it = Watched::new(Place::new(), |_| {}, false).await;
    let inbox = it.open("INBOX").await;
    assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
    assert_eq!(shown(&*inbox).await.len(), 1);
    drop(inbox);
    let inbox = it.open("INBOX").await;
    for op in [FlagOp::Add, FlagOp::Remove] {
        let change = all(op, Flags::FLAGGED);
        inbox.flag(&UidSet::all(), &change, None).await.unwrap();
    }
    let file = it.place.at("cur/1.x.agent:2,");
    assert!(is_told(&*inbox, || fs::remove_file(file).unwrap()).await);
    assert_eq!(shown(&*inbox).await.len(), 0);
}

#[tokio::test]
async fn a_removal_is_told_of_a_message_that_another_program_was_faster_to_move() {
    let it = Watched::new(Place::new(), |_| {}, false).await;
    let inbox = it.open("INBOX").await;
    assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
    it.counts.outrun.store(true, Ordering::SeqCst);
    assert_eq!(shown(&*inbox).await.len(), 1);
    assert!(!it.counts.outrun.load(Ordering::SeqCst));
    let file = it.place.at("cur/1.x.agent:2,");
    assert!(is_told(&*inbox, || fs::remove_file(file).unwrap()).await);
    assert_eq!(shown(&*inbox).await.len(), 0);
}

#[tokio::test]
async fn a_store_that_is_dropped_listens_no_more_whether_its_files_are_there_or_not() {
    for gone in [false, true] {
        let it = Watched::new(Place::new(), |_| {}, false).await;
        let inbox = it.open("INBOX").await;
        assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
        let Watched {
            place,
            counts,
            account,
        } = it;
        assert_eq!(counts.listeners.load(Ordering::SeqCst), 1);
        let _place = (!gone).then_some(place);
        drop((account, inbox));
        let until = Instant::now() + SOON;
        while counts.listeners.load(Ordering::SeqCst) > 0 {
            assert!(Instant::now() < until, "somebody listens still");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn where_a_look_at_what_was_told_has_failed_the_patrol_looks_again() {
    let hasty = |options: &mut Options| {
        options.patience = Duration::ZERO;
        options.patrol = SOON / 10;
    };
    let it = Watched::new(Place::new(), hasty, false).await;
    let inbox = it.open("INBOX").await;
    let comes = || under_the_lock(&it, || it.place.write("new/1.x.agent", MAIL));
    assert!(is_told(&*inbox, comes).await);
    assert_eq!(shown(&*inbox).await.len(), 1);
}

#[tokio::test]
async fn where_nobody_tells_or_no_more_can_be_watched_the_patrol_finds_it() {
    let soon = |options: &mut Options| options.patrol = Duration::from_millis(20);
    let none = |options: &mut Options| {
        options.patrol = Duration::from_millis(20);
        options.watches = 0;
    };
    let deaf = Watched::new(Place::new(), soon, true).await;
    let without = Watched::new(Place::new(), none, false).await;
    for it in [deaf, without] {
        let inbox = it.open("INBOX").await;
        assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
        assert_eq!(it.counts.watches.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn only_so_many_are_watched_and_a_place_that_is_left_is_given_away() {
    let place = Place::of_dovecot();
    let it = Watched::new(place, |options| options.watches = 1, false).await;
    let (inbox, other) = (it.open("INBOX").await, it.open("X/Y/Ü").await);
    let watches = || it.counts.watches.load(Ordering::SeqCst);
    assert!(is_told(&*inbox, || it.place.write("new/1.x.agent", MAIL)).await);
    let known = level(&*other).await;
    assert!(
        timeout(Duration::from_millis(50), other.changed(known))
            .await
            .is_err()
    );
    assert_eq!(watches(), 3);
    drop(inbox);
    assert_eq!(watches(), 0);
    let again = it.open("X/Y/Ü").await;
    let path = ".X.Y.&ANw-/new/2.x.agent";
    assert!(is_told(&*again, || it.place.write(path, MAIL)).await);
    assert_eq!(watches(), 3);
}

#[tokio::test]
async fn a_thousand_mailboxes_are_watched_by_one_listener() {
    let place = Place::new();
    for n in 0..1000 {
        for dir in ["cur", "new", "tmp"] {
            fs::create_dir_all(place.at(&format!(".m{n}/{dir}"))).unwrap();
        }
        let list = format!("3 V1 N1 G{n:032x}\n");
        place.write(&format!(".m{n}/dovecot-uidlist"), list);
    }
    let it = Watched::new(place, |options| options.index = false, false).await;
    let mut open = Vec::new();
    for n in 0..1000 {
        let mailbox = it.open(&format!("m{n}")).await;
        let known = level(&*mailbox).await;
        let waits = timeout(Duration::ZERO, mailbox.changed(known)).await;
        assert!(waits.is_err());
        open.push(mailbox);
    }
    assert_eq!(it.counts.listeners.load(Ordering::SeqCst), 1);
    assert_eq!(it.counts.watches.load(Ordering::SeqCst), 3000);
    for n in [0, 777, 999] {
        let path = format!(".m{n}/new/1.x.agent");
        assert!(is_told(&*open[n], || it.place.write(&path, MAIL)).await);
    }
    drop(open);
    assert_eq!(it.counts.watches.load(Ordering::SeqCst), 0);
}

/// Polls until the directory's times are so old that a change of now would show.
async fn settle(it: &Watched) {
    let young = || {
        let times =
            ["cur", "new"].map(|dir| fs::metadata(it.place.at(dir)).unwrap().modified().unwrap());
        let newest = times.into_iter().max().unwrap();
        SystemTime::now().duration_since(newest).unwrap_or_default() < Duration::from_millis(1500)
    };
    while young() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_we_do_ourselves_is_not_looked_for_where_we_are_told() {
    for (watches, looks) in [(10, false), (0, true)] {
        let place = Place::of_dovecot();
        let it = Watched::new(place, |options| options.watches = watches, false).await;
        let inbox = it.open("INBOX").await;
        shown(&*inbox).await;
        let known = level(&*inbox).await;
        let waits = timeout(Duration::from_millis(50), inbox.changed(known)).await;
        assert!(waits.is_err());
        settle(&it).await;
        shown(&*inbox).await; // the last look at what was there before
        it.listed();
        for op in [FlagOp::Add, FlagOp::Remove] {
            inbox
                .flag(&UidSet::all(), &all(op, Flags::FLAGGED), None)
                .await
                .unwrap();
            shown(&*inbox).await;
        }
        append(&*it.account, MAIL.as_bytes()).await.unwrap();
        shown(&*inbox).await;
        inbox.expunge(&UidSet::all()).await.unwrap();
        settle(&it).await;
        assert_eq!(shown(&*inbox).await.len(), 0);
        shown(&*inbox).await;
        assert_eq!(it.listed() > 0, looks, "{watches} watches");
        // And what somebody else does in the midst of it is seen.
        append(&*it.account, MAIL.as_bytes()).await.unwrap();
        it.place.write("cur/7.x.agent:2,S", MAIL);
        append(&*it.account, MAIL.as_bytes()).await.unwrap();
        assert_eq!(shown(&*inbox).await.len(), 3);
    }
}

#[tokio::test]
async fn a_mailbox_that_another_program_removes_renames_or_makes_is_told_and_listed() {
    let place = Place::new();
    for name in ["gone", "moved"] {
        for dir in ["cur", "new", "tmp"] {
            fs::create_dir_all(place.at(&format!(".{name}/{dir}"))).unwrap();
        }
    }
    let it = Watched::new(place, |_| {}, false).await;
    for (name, away) in [("gone", ".aside"), ("moved", ".there")] {
        let mailbox = it.open(name).await;
        let (from, to) = (it.place.at(&format!(".{name}")), it.place.at(away));
        assert!(
            is_told(&*mailbox, || fs::rename(from, to).unwrap()).await,
            "{name}"
        );
        let gone = mailbox.sync(None).await.unwrap_err();
        assert_eq!(gone.kind(), Kind::NotFound);
    }
    fs::remove_dir_all(it.place.at(".aside")).unwrap();
    let listed = it.account.list(None, 10).await.unwrap();
    let names: Vec<_> = listed.iter().map(|l| l.name.to_string()).collect();
    assert_eq!(names, ["INBOX", "there"]);
}
