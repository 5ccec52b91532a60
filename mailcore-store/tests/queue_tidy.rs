//! Room for the queue's log: what is tidied away is needed no more, and what was held back is there.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use mailcore_base::address::{Address, ForwardPath, Repertoire};
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::Result;
use mailcore_store::disk::{Disk, File, FileKind, Loss, Open, SimDisk, Stat};
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
#[derive(Debug, Clone)]
struct Late {
    disk: SimDisk,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Room {
    full: AtomicBool,
    /// Octets that have room, by file.
    taken: Mutex<HashMap<u64, u64>>,
}

#[derive(Debug)]
struct LateFile(Box<dyn File>, Arc<Room>);

impl LateFile {
    fn take_room(&self) -> io::Result<()> {
        let stat = self.0.stat()?;
        let mut taken = self.1.taken.lock().unwrap();
        let has = taken.entry(stat.inode).or_default();
        if stat.len > *has && self.1.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *has = stat.len;
        Ok(())
    }
}

impl Disk for Late {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.disk.open(path, how)?;
        Ok(Box::new(LateFile(file, Arc::clone(&self.room))))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }
    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.disk.unlink(path)
    }
    fn mkdir(&self, path: &Path) -> io::Result<()> {
        self.disk.mkdir(path)
    }
    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.disk.rmdir(path)
    }
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.disk.list(path, each)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.disk.stat(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.disk.lock(path)
    }
    fn listen(&self) -> io::Result<Box<dyn mailcore_store::disk::Watcher>> {
        self.disk.listen()
    }
    fn boot(&self) -> u128 {
        self.disk.boot()
    }
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_all(path)
    }
}

impl File for LateFile {
    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(out, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_at(bytes, at)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.0.append(bytes)
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
    fn date(&self, modified: SystemTime) -> io::Result<()> {
        self.0.date(modified)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.take_room()?;
        self.0.sync_data()
    }
    fn sync(&self) -> io::Result<()> {
        self.take_room()?;
        self.0.sync()
    }
}

#[tokio::test]
async fn on_a_full_disk_what_is_there_can_still_be_changed_and_removed() {
    let room = Arc::<Room>::default();
    let disk = SimDisk::new(now());
    let late = Late {
        disk,
        room: Arc::clone(&room),
    };
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
