//! The queue's flushes: how few there are, and what becomes of a message whose flush has failed although its octets
//! may have reached the medium.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{Call, Hook, Hooked, OfFile};
use mailcore_base::envelope::Envelope;
use mailcore_store::Result;
use mailcore_store::disk::{Disk, Loss, SimDisk};
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::log::{Options, SegmentQueue};
use mailcore_store::queue::{Identity, Lane, Outcome, Queue};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

/// A disk whose flushes are counted, can be held up, and can fail after they have done their work.
type Doubtful = Hooked<SimDisk, Flushes>;

#[derive(Debug, Default)]
struct Flushes {
    count: AtomicUsize,
    failing: AtomicBool,
    /// So many reads from here on are given nothing.
    unreadable: AtomicUsize,
    held: Mutex<bool>,
    go_on: Condvar,
}

impl Flushes {
    fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.go_on.notify_all();
    }
}

impl Hook for Flushes {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        match call {
            Call::Of(_, OfFile::Read) => {
                let left = |n: usize| n.checked_sub(1);
                let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
                match self.unreadable.fetch_update(set, fetch, left) {
                    Ok(_) => Err(io::Error::other("the medium does not answer")),
                    Err(_) => Ok(()),
                }
            }
            Call::Of(_, OfFile::SyncData) => {
                let mut held = self.held.lock().unwrap();
                while *held {
                    held = self.go_on.wait(held).unwrap();
                }
                drop(held);
                self.count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn after(&self, call: &Call<'_>, failed: Option<&io::Error>) -> io::Result<()> {
        let flushed = matches!(call, Call::Of(_, OfFile::SyncData)) && failed.is_none();
        match flushed && self.failing.swap(false, Ordering::SeqCst) {
            true => Err(io::Error::other("the flush failed")),
            false => Ok(()),
        }
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn open(disk: Arc<dyn Disk>, life: u64) -> SegmentQueue {
    let mut options = Options::new("queue");
    options.segment = 1 << 16;
    options.buffer = 1 << 12;
    options.seed = life;
    SegmentQueue::on(disk, Clock::new(now), options).unwrap()
}

fn doubtful() -> (Doubtful, Arc<Flushes>) {
    let flushes = Arc::<Flushes>::default();
    let disk = Hooked::new(SimDisk::new(now()), Arc::clone(&flushes));
    (disk, flushes)
}

async fn commit(queue: &SegmentQueue, body: &[u8]) -> Result<Identity> {
    let mut draft = queue.create().await?;
    draft.write(body).await?;
    let header = Bytes::from_static(b"Subject: x\r\n");
    let mut envelope = Envelope::default();
    envelope.recipients.push(recipient());
    draft.commit(header, envelope, now(), Lane::Incoming).await
}

fn recipient() -> mailcore_base::envelope::Recipient {
    use mailcore_base::address::{Address, ForwardPath, Repertoire};
    let address = Address::parse("r@flush.example", Repertoire::Ascii).unwrap();
    mailcore_base::envelope::Recipient::new(ForwardPath::Address(address))
}

/// What was refused stays refused, also where the medium has it, and is not found by the next life; so with every kind of
/// change.
#[tokio::test]
async fn what_was_refused_does_not_come_back() {
    let (disk, flushes) = doubtful();
    let queue = open(Arc::new(disk.clone()), 1);
    let kept = commit(&queue, b"kept").await.unwrap();
    let claims = queue
        .claim(now(), Duration::from_secs(60), 10)
        .await
        .unwrap();
    let mut kept_all = vec![kept];
    // Another is taken in first, so that it is the flush of what follows that fails.
    let fail = async || {
        let other = commit(&queue, b"another").await.unwrap();
        queue.quiet().await;
        flushes.failing.store(true, Ordering::SeqCst);
        other
    };
    kept_all.push(fail().await);
    assert!(commit(&queue, b"refused").await.is_err());
    kept_all.push(fail().await);
    let outcome = [(0, Outcome::Done)];
    let refused = queue.mark(&claims[0], &outcome, Some(now())).await;
    assert!(refused.is_err());
    let renewed = queue.renew(&claims[0], now()).await.unwrap();
    assert!(renewed.is_some(), "it is still this claim's");
    kept_all.push(fail().await);
    assert!(queue.assign(kept, Lane::Hold).await.is_err());
    kept_all.push(fail().await);
    assert!(queue.warned(kept).await.is_err());
    kept_all.push(fail().await);
    assert!(queue.remove(kept).await.is_err());
    kept_all.push(fail().await);
    let refused = commit(&queue, &[b'x'; 40_000]).await;
    assert!(refused.is_err(), "already while it came in");
    let last = commit(&queue, b"last").await.unwrap();
    kept_all.push(last);
    queue.quiet().await;
    for loss in [Loss::Lost, Loss::Kept] {
        let queue = open(Arc::new(disk.disk.restart(loss, 0)), 2);
        let page = queue.page(None, None, 100).await.unwrap();
        let there: Vec<_> = page.iter().map(|entry| entry.identity).collect();
        assert_eq!(there, kept_all, "{loss:?}");
        let entry = queue.entry(kept).await.unwrap().unwrap();
        let stands = (entry.lane, entry.attempts, entry.warned, entry.outcomes);
        assert_eq!(stands, (Lane::Incoming, 0, false, vec![None]), "{loss:?}");
    }
}

/// What says that a segment is cut off stays for as long as that segment does.
#[tokio::test]
async fn what_was_refused_does_not_come_back_with_time() {
    let (disk, flushes) = doubtful();
    let queue = open(Arc::new(disk.clone()), 1);
    // Too much for its segment to be worth emptying.
    let kept = commit(&queue, &[b'k'; 30_000]).await.unwrap();
    queue.quiet().await;
    flushes.failing.store(true, Ordering::SeqCst);
    assert!(commit(&queue, b"refused").await.is_err());
    for _ in 0..100 {
        let other = commit(&queue, &[b'o'; 3000]).await.unwrap();
        assert!(queue.remove(other).await.unwrap());
        queue.quiet().await;
    }
    let queue = open(Arc::new(disk.disk.restart(Loss::Kept, 0)), 2);
    let page = queue.page(None, None, 10).await.unwrap();
    let there: Vec<_> = page.iter().map(|entry| entry.identity).collect();
    assert_eq!(there, [kept]);
}

/// That the medium gives nothing for a while says nothing of what is on it.
#[tokio::test]
async fn a_message_that_could_not_be_read_for_a_while_is_read_again() {
    let (disk, flushes) = doubtful();
    let queue = open(Arc::new(disk.clone()), 1);
    let identity = commit(&queue, b"whole").await.unwrap();
    queue.quiet().await;
    drop(queue);
    let queue = open(Arc::new(disk), 2);
    let lease = Duration::from_secs(60);
    flushes.unreadable.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(queue.claim(now(), lease, 10).await.unwrap().len(), 0);
    flushes.unreadable.store(0, Ordering::SeqCst);
    let later = now() + Duration::from_secs(120);
    let claims = queue.claim(later, lease, 10).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].entry.identity, identity);
}

/// A start to which the medium gives nothing for a moment waits for it; one to which it gives nothing at all begins
/// nothing, and takes no mail for damaged.
#[tokio::test]
async fn a_start_that_cannot_read_everything_tries_again_and_then_stops() {
    let (disk, flushes) = doubtful();
    let queue = open(Arc::new(disk.clone()), 1);
    let identity = commit(&queue, b"whole").await.unwrap();
    let gone = commit(&queue, b"gone").await.unwrap();
    assert!(queue.remove(gone).await.unwrap());
    queue.quiet().await;
    drop(queue);
    for life in 2..20 {
        let mut options = Options::new("queue");
        options.segment = 1 << 16;
        options.seed = life;
        let failing = [1, 2, 3, usize::MAX][life as usize % 4];
        let stops = failing >= 3; // it reads three times
        flushes.unreadable.store(failing, Ordering::SeqCst);
        let started = SegmentQueue::on(Arc::new(disk.clone()), Clock::new(now), options);
        flushes.unreadable.store(0, Ordering::SeqCst);
        match started {
            Ok(queue) => {
                assert!(!stops, "{failing}");
                assert!(queue.recovery().damage.is_empty(), "{:?}", queue.recovery());
                assert!(is_whole(&queue, identity, b"whole").await);
                assert!(queue.entry(gone).await.unwrap().is_none());
                queue.quiet().await;
            }
            Err(e) => {
                assert!(stops, "{failing}: {e}");
                assert_eq!(e.kind(), mailcore_store::Kind::Unavailable);
                // Whoever has to see to it is told which file it is.
                assert!(e.to_string().contains(".log cannot be read"), "{e}");
            }
        }
    }
    let mut damaged = Vec::new();
    let mut names = |name: &OsStr, _| damaged.push(name.to_string_lossy().into_owned());
    disk.list(Path::new("queue"), &mut names).unwrap();
    damaged.retain(|name| name.ends_with("damaged"));
    assert!(damaged.is_empty(), "{damaged:?}");
}

async fn is_whole(queue: &SegmentQueue, identity: Identity, body: &[u8]) -> bool {
    let content = queue.content(identity).await.unwrap().unwrap();
    let mut octets = Vec::new();
    while (octets.len() as u64) < content.len() {
        let Ok(run) = content.read(octets.len() as u64..content.len()).await else {
            return false;
        };
        octets.extend_from_slice(&run);
    }
    octets == [b"Subject: x\r\n", body].concat()
}

/// A large message whose blocks lie in several segments is there as a whole or not at all, whichever operation fails.
#[tokio::test]
async fn a_message_in_several_segments_is_kept_whole_or_refused() {
    let body: Vec<u8> = (0..300_000u32).map(|n| (n % 241) as u8).collect();
    let mut refused = 0;
    for n in 1..40 {
        let disk = SimDisk::new(now());
        let open = |disk: &SimDisk, life| {
            let mut options = Options::new("queue");
            options.segment = 100_000;
            options.buffer = 1 << 17;
            options.seed = life;
            SegmentQueue::on(Arc::new(disk.clone()), Clock::new(now), options).unwrap()
        };
        let queue = open(&disk, 1);
        disk.fail_at(disk.operations() + n);
        let done = commit(&queue, &body).await;
        queue.quiet().await;
        let queue = open(&disk.restart(Loss::Lost, 0), 2);
        match done {
            Ok(identity) => assert!(is_whole(&queue, identity, &body).await, "failed at {n}"),
            Err(_) => {
                assert!(queue.is_empty(), "failed at {n}");
                refused += 1;
            }
        }
    }
    assert!(refused > 5, "{refused}");
}

/// More has gathered than is kept in memory: what was written out meanwhile is flushed like the rest.
#[tokio::test]
async fn a_message_that_is_written_out_before_its_batch_ends_is_flushed_with_it() {
    let body: Vec<u8> = (0..1_500_000u32).map(|n| (n % 241) as u8).collect();
    let disk = SimDisk::new(now());
    let open = |disk: &SimDisk, life| {
        let mut options = Options::new("queue");
        options.segment = 1 << 22;
        options.buffer = 1 << 21;
        options.seed = life;
        SegmentQueue::on(Arc::new(disk.clone()), Clock::new(now), options).unwrap()
    };
    let queue = open(&disk, 1);
    let identity = commit(&queue, &body).await.unwrap();
    let queue = open(&disk.restart(Loss::Lost, 0), 2);
    assert!(is_whole(&queue, identity, &body).await);
}

/// A message that is moved to another segment is there whole, whichever operation fails meanwhile.
#[tokio::test]
async fn a_message_that_is_moved_survives_failures() {
    let body: Vec<u8> = (0..6000u32).map(|n| (n % 241) as u8).collect();
    for (size, n) in (0..6).flat_map(|size| (1..100).map(move |n| (700 * size, n))) {
        let disk = SimDisk::new(now());
        let open = |disk: &SimDisk, life| {
            let mut options = Options::new("queue");
            options.segment = 1 << 15;
            options.buffer = 1024;
            options.seed = life;
            SegmentQueue::on(Arc::new(disk.clone()), Clock::new(now), options).unwrap()
        };
        let queue = open(&disk, 1);
        let kept = commit(&queue, &body).await.unwrap();
        let mut others = vec![commit(&queue, &vec![b'o'; 20_000 + size]).await.unwrap()];
        for _ in 0..5 {
            others.push(commit(&queue, &[b'o'; 5000]).await.unwrap());
        }
        queue.quiet().await;
        disk.fail_at(disk.operations() + n);
        for other in others {
            let _ = queue.remove(other).await; // one of them may fail
            queue.quiet().await;
        }
        // After what failed nothing is tidied for a while.
        for _ in 0..70 {
            let other = commit(&queue, b"other").await;
            if let Ok(other) = other {
                let _ = queue.remove(other).await;
            }
        }
        queue.quiet().await;
        let queue = open(&disk.restart(Loss::Lost, 0), 2);
        assert!(is_whole(&queue, kept, &body).await, "failed at {n}, {size}");
    }
}

/// Whoever comes while a flush is under way shares the next one.
#[tokio::test]
async fn those_who_wait_share_one_flush() {
    let (disk, flushes) = doubtful();
    let queue = open(Arc::new(disk), 1);
    commit(&queue, b"first").await.unwrap();
    queue.quiet().await;
    flushes.hold(true);
    let before = flushes.count.load(Ordering::SeqCst);
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let queue = queue.clone();
            tokio::spawn(async move { commit(&queue, &[n; 100]).await })
        })
        .collect();
    // On this one thread every task runs up to where it waits before this one goes on.
    tokio::task::yield_now().await;
    flushes.hold(false);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let shared = flushes.count.load(Ordering::SeqCst) - before;
    assert!((1..=2).contains(&shared), "{shared} flushes");
}
