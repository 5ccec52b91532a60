//! The queue's log beyond what all queues promise: damage, full disks, failed flushes, room, and who may open it.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use mailcore_base::address::{Address, ForwardPath, Repertoire};
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::disk::{Disk, Loss, Open, SimDisk, read};
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::log::{Options, SegmentQueue};
use mailcore_store::queue::{Identity, Lane, Outcome, Queue};
use mailcore_store::{Error, Kind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

const LEASE: Duration = Duration::from_secs(60);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn options(segment: u64, buffer: usize) -> Options {
    static LIVES: AtomicU64 = AtomicU64::new(1);
    let mut options = Options::new("queue");
    options.segment = segment;
    options.buffer = buffer;
    options.seed = LIVES.fetch_add(1, Ordering::SeqCst);
    options
}

fn open(disk: &SimDisk, segment: u64) -> Result<SegmentQueue> {
    let clock = Clock::new(now);
    SegmentQueue::on(Arc::new(disk.clone()), clock, options(segment, 1024))
}

fn envelope(recipients: usize) -> Envelope {
    let address =
        |local: &str| Address::parse(&format!("{local}@log.example"), Repertoire::Ascii).unwrap();
    let mut envelope = Envelope::new(address("sender"));
    for n in 0..recipients {
        let path = ForwardPath::Address(address(&format!("r{n}")));
        envelope.recipients.push(Recipient::new(path));
    }
    envelope
}

async fn commit(queue: &SegmentQueue, body: &[u8], recipients: usize) -> Result<Identity> {
    let mut draft = queue.create().await?;
    draft.write(body).await?;
    let header = Bytes::from_static(b"Subject: x\r\n");
    draft
        .commit(header, envelope(recipients), now(), Lane::Incoming)
        .await
}

async fn content(queue: &SegmentQueue, identity: Identity) -> Result<Vec<u8>> {
    let body = queue.content(identity).await?;
    let body = body.ok_or_else(|| Error::new(Kind::NotFound, "content"))?;
    let mut octets = Vec::new();
    while (octets.len() as u64) < body.len() {
        octets.extend_from_slice(&body.read(octets.len() as u64..body.len()).await?);
    }
    Ok(octets)
}

fn whole(body: &[u8]) -> Vec<u8> {
    [b"Subject: x\r\n", body].concat()
}

fn files(disk: &SimDisk, what: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let folder = Path::new("queue");
    disk.list(folder, &mut |name, _| files.push(folder.join(name)))
        .unwrap();
    files.retain(|path| path.extension().is_some_and(|it| it == what));
    files.sort();
    files
}

#[tokio::test]
async fn a_folder_is_served_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = SegmentQueue::open(folder.path()).unwrap();
    let second = SegmentQueue::open(folder.path()).map(drop);
    assert_eq!(second.map_err(|e| e.kind()), Err(Kind::Busy));
    let identity = commit(&first, b"kept", 1).await.unwrap();
    first.quiet().await;
    drop(first);
    let second = SegmentQueue::open(folder.path()).unwrap();
    assert_eq!(second.recovery().messages, 1);
    assert_eq!(content(&second, identity).await.unwrap(), whole(b"kept"));
}

#[tokio::test]
async fn a_message_larger_than_a_segment_is_kept() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 4096).unwrap();
    let body: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    let large = commit(&queue, &body, 1).await.unwrap();
    let many = commit(&queue, b"to many", 1000).await.unwrap();
    queue.quiet().await;
    let queue = open(&disk.restart(Loss::Lost, 0), 4096).unwrap();
    assert_eq!(queue.recovery().damage, []);
    assert_eq!(content(&queue, large).await.unwrap(), whole(&body));
    let entry = queue.entry(many).await.unwrap().unwrap();
    assert_eq!(*entry.envelope, envelope(1000));
}

/// Whatever single octet of the log is changed, every other message is there as it was, and the damaged one is never
/// shown as if it were whole.
#[tokio::test]
async fn damage_costs_no_other_message() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 16384).unwrap();
    let bodies: Vec<Vec<u8>> = (0u8..4)
        .map(|n| vec![b'a' + n; 20 + 1500 * usize::from(n % 2)])
        .collect();
    let mut identities = Vec::new();
    for body in &bodies {
        identities.push(commit(&queue, body, 1).await.unwrap());
    }
    let claims = queue.claim(now(), LEASE, 1).await.unwrap();
    let marked = claims[0].entry.identity;
    let outcome = [(0, Outcome::Deferred("later".to_owned()))];
    assert!(queue.mark(&claims[0], &outcome, Some(now())).await.unwrap());
    // What was flushed last of all cannot be told from a write that was cut: something must come behind it.
    commit(&queue, b"last", 1).await.unwrap();
    queue.quiet().await;
    drop(queue);
    let logs = files(&disk, "log");
    assert_eq!(logs.len(), 1);
    let used = used(&disk, &logs[0]);
    let mut damaged = 0;
    for at in (0..used).filter(|at| *at < 52 || *at >= 500 && (at % 7 == 0 || at % 1024 < 200)) {
        let disk = disk.restart(Loss::Kept, 0);
        let file = disk.open(&logs[0], Open::Write).unwrap();
        let mut octet = [0];
        file.read_at(&mut octet, at).unwrap();
        file.write_at(&[octet[0] ^ 0x20], at).unwrap();
        file.sync().unwrap();
        let queue = open(&disk, 16384).unwrap();
        let mut lost = 0;
        for (identity, body) in identities.iter().zip(&bodies) {
            let Some(entry) = queue.entry(*identity).await.unwrap() else {
                lost += 1;
                continue;
            };
            match content(&queue, *identity).await {
                Ok(octets) => assert_eq!(octets, whole(body), "octet {at}"),
                Err(e) => {
                    assert_eq!(e.kind(), Kind::Corrupt, "octet {at}");
                    let entry = queue.entry(*identity).await.unwrap().unwrap();
                    assert_eq!(entry.lane, Lane::Corrupt);
                    lost += 1;
                    continue;
                }
            }
            assert_eq!(*entry.envelope, envelope(1), "octet {at}");
            if *identity == marked && queue.recovery().damage.is_empty() {
                assert_eq!(entry.attempts, 1);
            }
        }
        assert!(lost <= 1, "octet {at}: {lost} lost");
        damaged += lost;
        // The rest goes on.
        commit(&queue, b"and on", 1).await.unwrap();
        queue.quiet().await;
    }
    assert!(damaged > 100, "damage must show: {damaged}");
    let queue = open(&disk.restart(Loss::Kept, 0), 16384).unwrap();
    assert_eq!(
        (queue.recovery().messages, queue.recovery().damage.len()),
        (5, 0)
    );
}

/// How much of a log has been written.
fn used(disk: &SimDisk, path: &Path) -> u64 {
    let octets = read(disk, path, 1 << 30).unwrap();
    octets.iter().rposition(|octet| *octet != 0).unwrap() as u64
}

#[tokio::test]
async fn damage_is_told_of_and_its_segment_kept() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 4096).unwrap();
    let mut identities = Vec::new();
    for _ in 0..6 {
        identities.push(commit(&queue, &[b'x'; 900], 1).await.unwrap());
    }
    queue.quiet().await;
    drop(queue);
    let disk = disk.restart(Loss::Kept, 0);
    let log = files(&disk, "log").remove(0);
    let file = disk.open(&log, Open::Write).unwrap();
    file.write_at(b"rubbish", 1024 + 40).unwrap();
    let queue = open(&disk, 4096).unwrap();
    let damage = &queue.recovery().damage;
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert_eq!(
        (damage[0].file.as_path(), damage[0].range.start),
        (log.as_path(), 1024)
    );
    assert!(damage[0].to_string().contains("records"));
    assert_eq!(queue.recovery().messages, 5);
    for identity in &identities[1..] {
        assert!(queue.remove(*identity).await.unwrap());
    }
    queue.quiet().await;
    assert_eq!(files(&disk, "damaged"), [log.with_extension("damaged")]);
}

#[tokio::test]
async fn a_log_of_a_later_version_is_left_alone() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 4096).unwrap();
    commit(&queue, b"x", 1).await.unwrap();
    queue.quiet().await;
    drop(queue);
    let log = files(&disk, "log").remove(0);
    let file = disk.open(&log, Open::Write).unwrap();
    for at in [0, 512] {
        let mut header = [0; 52];
        file.read_at(&mut header, at).unwrap();
        header[8] = 2;
        let sum = crc32fast_of(&header[..48]);
        header[48..].copy_from_slice(&sum.to_le_bytes());
        file.write_at(&header, at).unwrap();
    }
    let refused = open(&disk, 4096).map(drop);
    assert_eq!(refused.map_err(|e| e.kind()), Err(Kind::Unsupported));
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32fast_of(octets: &[u8]) -> u32 {
    !octets.iter().fold(u32::MAX, |sum, octet| {
        (0..8).fold(sum ^ u32::from(*octet), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// A message that waits for days holds on to its own octets, not to the segment that it came in.
#[tokio::test]
async fn one_that_waits_pins_nothing() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 8192).unwrap();
    let waiting = commit(&queue, b"waits", 2).await.unwrap();
    let large = commit(&queue, &[b'l'; 3000], 1).await.unwrap();
    let claims = queue.claim(now(), LEASE, 10).await.unwrap();
    let first = claims
        .iter()
        .find(|claim| claim.entry.identity == waiting)
        .unwrap();
    assert!(
        queue
            .mark(first, &[(1, Outcome::Done)], Some(now() + LEASE))
            .await
            .unwrap()
    );
    for round in 0..200 {
        let identity = commit(&queue, &[b'c'; 900], 1).await.unwrap();
        assert!(queue.remove(identity).await.unwrap());
        queue.quiet().await;
        let logs = files(&disk, "log").len();
        assert!(logs <= 4, "{logs} segments in round {round}");
    }
    assert!(files(&disk, "spare").len() <= 4);
    assert_eq!(files(&disk, "damaged"), [] as [PathBuf; 0]);
    let queue = open(&disk.restart(Loss::Lost, 0), 8192).unwrap();
    assert_eq!(queue.recovery().messages, 2);
    let entry = queue.entry(waiting).await.unwrap().unwrap();
    assert_eq!((entry.attempts, entry.due), (1, Some(now() + LEASE)));
    assert_eq!(entry.outcomes, [None, Some(Outcome::Done)]);
    assert_eq!(content(&queue, waiting).await.unwrap(), whole(b"waits"));
    assert_eq!(content(&queue, large).await.unwrap(), whole(&[b'l'; 3000]));
}

/// What a spare file held before, and what a copy has since taken the place of, is no damage.
#[tokio::test]
async fn who_stops_in_good_order_is_told_of_no_damage() {
    let mut disk = SimDisk::new(now());
    let mut waiting = Vec::new();
    for round in 0..60 {
        let queue = open(&disk, 4096).unwrap();
        let damage = &queue.recovery().damage;
        assert!(damage.is_empty(), "round {round}: {damage:?}");
        if round % 5 == 0 {
            waiting.push(
                commit(&queue, &vec![b'w'; 40 * (round + 30)], 2)
                    .await
                    .unwrap(),
            );
        }
        for n in 0..4 {
            let identity = commit(&queue, &vec![b'x'; 37 * (round + n + 1)], 1)
                .await
                .unwrap();
            assert!(queue.remove(identity).await.unwrap());
        }
        if round % 7 == 6 {
            assert!(queue.remove(waiting.remove(0)).await.unwrap());
        }
        queue.quiet().await;
        drop(queue);
        disk = disk.restart(Loss::Lost, 0);
    }
}

/// Who reads while the message goes and its segment is used again still reads that message.
#[tokio::test]
async fn a_segment_that_is_read_is_not_written_over() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 8192).unwrap();
    let identity = commit(&queue, &[b'r'; 1000], 1).await.unwrap();
    let body = queue.content(identity).await.unwrap().unwrap();
    assert!(queue.remove(identity).await.unwrap());
    for _ in 0..100 {
        let other = commit(&queue, &[b'o'; 1000], 1).await.unwrap();
        assert!(queue.remove(other).await.unwrap());
        queue.quiet().await;
    }
    let mut octets = Vec::new();
    while (octets.len() as u64) < body.len() {
        octets.extend_from_slice(&body.read(octets.len() as u64..body.len()).await.unwrap());
    }
    assert_eq!(octets, whole(&[b'r'; 1000]));
}

#[tokio::test]
async fn a_full_disk_refuses_new_mail_and_goes_on_when_there_is_room() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 4096).unwrap();
    let identity = commit(&queue, b"before", 1).await.unwrap();
    queue.quiet().await;
    disk.full_from(Some(0));
    for _ in 0..5 {
        let refused = commit(&queue, &[b'x'; 3000], 1).await;
        assert_eq!(refused.map_err(|e| e.kind()), Err(Kind::Full));
    }
    disk.full_from(None);
    for _ in 0..5 {
        commit(&queue, &[b'y'; 3000], 1).await.unwrap();
    }
    assert!(queue.remove(identity).await.unwrap());
    queue.quiet().await;
    let queue = open(&disk.restart(Loss::Lost, 0), 4096).unwrap();
    assert_eq!(queue.recovery().messages, 5);
}

#[tokio::test]
async fn a_failed_flush_is_never_success_and_its_segment_never_written_again() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 16384).unwrap();
    let before = commit(&queue, b"before", 1).await.unwrap();
    queue.quiet().await;
    let old = files(&disk, "log");
    disk.fail_at(disk.operations() + 2); // the write, then the flush
    assert!(commit(&queue, b"refused", 1).await.is_err());
    let after = commit(&queue, b"after", 1).await.unwrap();
    queue.quiet().await;
    assert_ne!(files(&disk, "log"), old, "a new segment was begun");
    for loss in [Loss::Lost, Loss::Kept] {
        let queue = open(&disk.restart(loss, 0), 16384).unwrap();
        let all = queue.page(None, None, 10).await.unwrap();
        let all: Vec<_> = all.iter().map(|entry| entry.identity).collect();
        assert_eq!(all, [before, after], "{loss:?}");
    }
}

#[tokio::test]
async fn after_a_restart_what_was_claimed_is_due_at_once() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 16384).unwrap();
    commit(&queue, b"one", 1).await.unwrap();
    assert_eq!(queue.claim(now(), LEASE, 10).await.unwrap().len(), 1);
    assert_eq!(queue.claim(now(), LEASE, 10).await.unwrap(), []);
    let queue = open(&disk.restart(Loss::Lost, 0), 16384).unwrap();
    assert_eq!(queue.claim(now(), LEASE, 10).await.unwrap().len(), 1);
}

/// Content that looks like records is content, also where damage makes recovery search for the next record.
#[tokio::test]
async fn content_is_never_taken_for_records() {
    let disk = SimDisk::new(now());
    let queue = open(&disk, 1 << 16).unwrap();
    let victim = commit(&queue, b"victim", 1).await.unwrap();
    assert!(queue.remove(victim).await.unwrap());
    queue.quiet().await;
    let log = files(&disk, "log").remove(0);
    let octets = read(&disk, &log, 1 << 20).unwrap();
    // An earlier log of this very queue, sent through it by mail.
    let second = open(&disk.restart(Loss::Kept, 0), 1 << 16).unwrap();
    drop(queue);
    let mail = commit(&second, &octets[1024..3000], 1).await.unwrap();
    assert_eq!(
        content(&second, mail).await.unwrap(),
        whole(&octets[1024..3000])
    );
    assert_eq!(second.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let queue = SegmentQueue::open(folder.path()).unwrap();
    let mut tasks = Vec::new();
    for task in 0..32u8 {
        let queue = queue.clone();
        tasks.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for n in 0..20u8 {
                let body = vec![task; 100 * usize::from(n)];
                let identity = commit(&queue, &body, 1).await.unwrap();
                match n % 3 {
                    0 => assert!(queue.remove(identity).await.unwrap()),
                    _ => kept.push((identity, body)),
                }
            }
            kept
        }));
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.extend(task.await.unwrap());
    }
    queue.quiet().await;
    drop(queue);
    let queue = SegmentQueue::open(folder.path()).unwrap();
    assert_eq!(queue.recovery().messages, kept.len());
    for (identity, body) in kept {
        assert_eq!(content(&queue, identity).await.unwrap(), whole(&body));
    }
}
