//! The queue's folder as somebody left it: segments of any octets, records with good checksums around any heads, and real
//! logs with octets changed. The queue opens, what it shows can be claimed, read, marked and removed, what was removed
//! stays so, and new mail is taken.

use crate::Choices;
use bytes::Bytes;
use mailcore_base::envelope::Envelope;
use mailcore_store::disk::{Disk, Loss, Open, SimDisk, mkdir_all};
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::log::{Options, SegmentQueue};
use mailcore_store::queue::{Identity, Lane, Outcome, Queue};
use mailcore_store::{Kind, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// Octets of a segment.
const SEGMENT: u64 = 4096;
/// Of one message no more is read than that.
const ENOUGH: u64 = 1 << 18;
/// What made segments have for a marker.
const MARKER: u64 = 0x6d61_726b_6572_2121;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

/// The last octet says what the rest is: segments as they are, records (kind, length of the head and of the rest in two
/// octets each, then both; kind 255 begins another segment), or changes of a real log (a place in two octets, then
/// what is put there).
pub fn body(input: &[u8]) {
    let disk = SimDisk::new(now());
    mkdir_all(&disk, Path::new("queue")).expect("an empty disk");
    let mut choices = Choices::new(input);
    match choices.below(3) {
        0 => raw(&disk, choices.rest()),
        1 => records(&disk, choices.rest()),
        _ => changed(&disk, choices.rest()),
    }
    let disk = disk.restart(Loss::Kept, 0);
    RUNTIME.block_on(serve(&disk));
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn open(disk: &SimDisk, life: u64) -> Result<SegmentQueue> {
    let mut options = Options::new("queue");
    options.segment = SEGMENT;
    options.buffer = 512;
    options.seed = life;
    SegmentQueue::on(Arc::new(disk.clone()), Clock::new(now), options)
}

fn log(number: u64) -> PathBuf {
    Path::new("queue").join(format!("{number:016x}.log"))
}

fn write(disk: &SimDisk, number: u64, octets: &[u8]) {
    let file = disk.open(&log(number), Open::Create).expect("a free name");
    file.write_at(octets, 0).expect("a disk with room");
}

fn raw(disk: &SimDisk, octets: &[u8]) {
    for (n, part) in (1..).zip(octets.chunks(SEGMENT as usize)) {
        write(disk, n, part);
    }
}

fn records(disk: &SimDisk, mut octets: &[u8]) {
    let mut number = 1;
    let mut segment = front(number);
    let mut settled = 1024;
    while let Some((&[kind, h1, h2, r1, r2], rest)) = octets.split_first_chunk() {
        octets = rest;
        if kind == 255 {
            write(disk, number, &segment);
            number += 1;
            segment = front(number);
            settled = u64::from(u16::from_le_bytes([h1, h2]));
            continue;
        }
        let take = |octets: &mut &'_ [u8], len: u16| {
            let (taken, rest) = octets.split_at(usize::from(len).min(octets.len()));
            let taken = taken.to_vec();
            *octets = rest;
            taken
        };
        let head = take(&mut octets, u16::from_le_bytes([h1, h2]));
        let rest = take(&mut octets, u16::from_le_bytes([r1, r2]));
        let from = segment.len();
        segment.extend(MARKER.to_le_bytes());
        segment.extend(u64::to_le_bytes(settled));
        for it in [
            u32::from(kind),
            head.len() as u32,
            rest.len() as u32,
            sum(&head),
        ] {
            segment.extend(it.to_le_bytes());
        }
        segment.extend(sum(&segment[from..]).to_le_bytes());
        segment.extend(head);
        segment.extend(rest);
    }
    write(disk, number, &segment);
}

/// A segment's first 1024 octets.
fn front(number: u64) -> Vec<u8> {
    let mut header = b"mailqueu\x01\0\0\0\0\0\0\0".to_vec();
    for it in [number, MARKER, 0, 0] {
        header.extend(it.to_le_bytes());
    }
    header.extend(sum(&header).to_le_bytes());
    header.resize(512, 0);
    [&header[..], &header].concat()
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn sum(octets: &[u8]) -> u32 {
    !octets.iter().fold(u32::MAX, |sum, octet| {
        (0..8).fold(sum ^ u32::from(*octet), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

fn changed(disk: &SimDisk, mut changes: &[u8]) {
    let furnished = RUNTIME.block_on(async {
        let queue = open(disk, 1)?;
        for n in 0..3 {
            commit(&queue, &vec![b'a'; n * 700]).await?;
        }
        let claims = queue.claim(now(), Duration::from_secs(60), 2).await?;
        for claim in &claims {
            queue.mark(claim, &[], Some(now())).await?;
        }
        if let Some(claim) = claims.first() {
            queue.remove(claim.entry.identity).await?;
        }
        queue.quiet().await;
        Result::Ok(())
    });
    furnished.expect("a sound disk");
    let mut names = Vec::new();
    let listed = disk.list(Path::new("queue"), &mut |name, _| {
        names.push(name.to_owned())
    });
    listed.expect("a folder");
    names.sort();
    while let Some((&[a, b, octet], rest)) = changes.split_first_chunk() {
        changes = rest;
        let at = usize::from(u16::from_le_bytes([a, b]));
        let name = names.get(at % names.len()).expect("within");
        let file = disk.open(&Path::new("queue").join(name), Open::Write);
        let file = file.expect("it is there");
        file.write_at(&[octet], (at % SEGMENT as usize) as u64)
            .expect("room");
    }
}

async fn commit(queue: &SegmentQueue, body: &[u8]) -> Result<Identity> {
    let mut draft = queue.create().await?;
    draft.write(body).await?;
    let header = Bytes::from_static(b"Subject: x\r\n");
    draft
        .commit(header, Envelope::default(), now(), Lane::Incoming)
        .await
}

async fn serve(disk: &SimDisk) {
    let queue = match open(disk, 2) {
        Ok(queue) => queue,
        Err(e) => return assert_eq!(e.kind(), Kind::Unsupported, "{e}"),
    };
    let entries = queue.page(None, None, usize::MAX).await.expect("a page");
    assert_eq!(entries.len(), queue.len());
    let all: BTreeSet<_> = entries.iter().map(|entry| entry.identity).collect();
    assert_eq!(all.len(), entries.len(), "each once");
    for entry in &entries {
        assert!(entry.lane != Lane::Active);
        read(&queue, entry.identity).await;
    }
    let later = now() + Duration::from_secs(1 << 40);
    let claims = queue
        .claim(later, Duration::from_secs(60), usize::MAX)
        .await;
    for claim in claims.expect("claims") {
        assert!(all.contains(&claim.entry.identity));
        let count = claim.entry.outcomes.len();
        assert_eq!(count, claim.entry.envelope.recipients.len());
        let marks: Vec<_> = (0..count).map(|at| (at, Outcome::Done)).collect();
        assert!(
            queue
                .mark(&claim, &marks, Some(later))
                .await
                .expect("a mark")
        );
    }
    let kept = commit(&queue, b"after all").await.expect("room");
    for identity in &all {
        assert!(queue.remove(*identity).await.expect("removed"));
    }
    queue.quiet().await;
    let again = open(&disk.restart(Loss::Lost, 0), 3).expect("it was opened before");
    let left = again.page(None, None, 10).await.expect("a page");
    let left: Vec<_> = left.iter().map(|entry| entry.identity).collect();
    assert_eq!(left, [kept]);
    read(&again, kept).await;
}

/// Reads of a message what there is: as long as it says, or not at all.
async fn read(queue: &SegmentQueue, identity: Identity) {
    let Ok(Some(body)) = queue.content(identity).await else {
        return;
    };
    let mut at = 0;
    while at < body.len().min(ENOUGH) {
        match body.read(at..body.len()).await {
            Ok(run) => {
                assert!(!run.is_empty(), "within the content");
                at += run.len() as u64;
            }
            Err(_) => return,
        }
    }
}
