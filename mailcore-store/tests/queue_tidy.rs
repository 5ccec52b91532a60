//! Room for the queue's log: what is tidied away is needed no more, and what was held back is there.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{Call, Hook, Hooked, OfFile};
use mailcore_base::address::{Address, ForwardPath, Repertoire};
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::Result;
use mailcore_store::disk::{Disk, Loss, SimDisk};
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::log::{Options, SegmentQueue};
use mailcore_store::queue::{Identity, Lane, Queue};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn open(disk: Arc<dyn Disk>, segment: u64, life: u64) -> SegmentQueue {
    let mut options = Options::new("queue");
    options.segment = segment;
    options.buffer = 1 << 13;
    options.seed = life;
    SegmentQueue::on(disk, Clock::new(now), options).unwrap()
}

async fn commit(queue: &SegmentQueue, body: &[u8]) -> Result<Identity> {
    let mut draft = queue.create().await?;
    draft.write(body).await?;
    let header = Bytes::from_static(b"Subject: x\r\n");
    let mut envelope = Envelope::default();
    let address = Address::parse("r@tidy.example", Repertoire::Ascii).unwrap();
    let recipient = Recipient::new(ForwardPath::Address(address));
    envelope.recipients.push(recipient);
    draft.commit(header, envelope, now(), Lane::Incoming).await
}

/// Messages are gone whose segment stays; the records that say so lie in another, which is emptied while an operation
/// fails. They are true ever after.
async fn gone_while_it_fails(padding: usize, failing: u64) {
    let disk = SimDisk::new(now());
    let queue = open(Arc::new(disk.clone()), 1 << 14, 1);
    let kept = commit(&queue, &[b'k'; 5000]).await.unwrap();
    let mut gone = Vec::new();
    for _ in 0..40 {
        gone.push(commit(&queue, b"gone").await.unwrap());
    }
    let mut others = vec![commit(&queue, &vec![b'o'; 7000 - padding]).await.unwrap()];
    for identity in &gone {
        assert!(queue.remove(*identity).await.unwrap());
    }
    others.push(commit(&queue, &[b'o'; 7000]).await.unwrap());
    others.push(
        commit(&queue, &vec![b'o'; 4000 + 2 * padding])
            .await
            .unwrap(),
    );
    others.push(commit(&queue, &[b'o'; 3000]).await.unwrap());
    queue.quiet().await;
    disk.fail_at(disk.operations() + failing);
    for other in others {
        let _ = queue.remove(other).await; // one of them may fail
        queue.quiet().await;
    }
    // After what failed nothing is tidied for a while.
    for _ in 0..70 {
        if let Ok(other) = commit(&queue, b"other").await {
            let _ = queue.remove(other).await;
        }
    }
    queue.quiet().await;
    let queue = open(Arc::new(disk.restart(Loss::Lost, 0)), 1 << 14, 2);
    assert!(queue.entry(kept).await.unwrap().is_some());
    for identity in gone {
        let back = queue.entry(identity).await.unwrap();
        assert!(back.is_none(), "failed at {failing}, {padding}");
    }
}

#[tokio::test]
async fn what_is_gone_stays_gone_whatever_fails_while_its_record_is_moved() {
    for padding in (0..3000).step_by(300) {
        for failing in 1..60 {
            gone_while_it_fails(padding, failing).await;
        }
    }
}

/// A segment whose name was taken away, and the sync of that failed: others go all the same.
#[tokio::test]
async fn a_segment_that_could_not_be_taken_away_holds_up_no_other() {
    for failing in 1..30 {
        let disk = SimDisk::new(now());
        let queue = open(Arc::new(disk.clone()), 1 << 14, 1);
        disk.fail_at(disk.operations() + 20 + failing);
        for _ in 0..300 {
            if let Ok(identity) = commit(&queue, &[b'x'; 6000]).await {
                let _ = queue.remove(identity).await;
            }
            queue.quiet().await;
        }
        let mut segments = 0;
        let mut count =
            |name: &OsStr, _| segments += u32::from(name.as_encoded_bytes().ends_with(b".log"));
        disk.list(Path::new("queue"), &mut count).unwrap();
        // After what failed nothing is tidied for 64 batches.
        assert!(segments < 60, "failed at {failing}: {segments} segments");
    }
}

/// A disk that takes room for what has grown when it is synced, and may have none.
#[derive(Debug, Default)]
struct Room {
    full: AtomicBool,
    /// Octets that have room, by file.
    taken: Mutex<HashMap<u64, u64>>,
}

impl Hook for Room {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        let Call::Of(file, OfFile::SyncData | OfFile::Sync) = call else {
            return Ok(());
        };
        let stat = file.stat()?;
        let mut taken = self.taken.lock().unwrap();
        let has = taken.entry(stat.inode).or_default();
        if stat.len > *has && self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *has = stat.len;
        Ok(())
    }
}

#[tokio::test]
async fn on_a_full_disk_what_is_there_can_still_be_changed_and_removed() {
    let room = Arc::<Room>::default();
    let late = Hooked::new(SimDisk::new(now()), Arc::clone(&room));
    let queue = open(Arc::new(late), 1 << 15, 1);
    let mut there = vec![commit(&queue, b"first").await.unwrap()];
    room.full.store(true, Ordering::SeqCst);
    let refused = loop {
        assert!(there.len() < 100, "nothing is refused");
        match commit(&queue, &[b'x'; 3000]).await {
            Ok(identity) => there.push(identity),
            Err(e) => break e,
        }
    };
    assert_eq!(refused.kind(), mailcore_store::Kind::Full, "{refused:?}");
    // More than what is left of the segment.
    for _ in 0..60 {
        for lane in [Lane::Hold, Lane::Incoming] {
            queue.assign(there[0], lane).await.unwrap();
        }
    }
    for identity in there {
        assert!(queue.remove(identity).await.unwrap());
    }
}
