//! How often the disk is made to flush.

use crate::place::{Place, append};
use mailcore_base::mailbox::MailboxName;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, File, FileKind, Open, RealDisk, Stat};
use mailcore_store::mailbox::{MailStore, Stamp};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// A disk that counts its flushes.
#[derive(Debug)]
struct Counting(RealDisk, Arc<AtomicUsize>);

impl Counting {
    fn count(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct CountingFile(Box<dyn File>, Arc<AtomicUsize>);

impl Disk for Counting {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.0.open(path, how)?;
        Ok(Box::new(CountingFile(file, self.1.clone())))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.link(from, to)
    }
    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.0.unlink(path)
    }
    fn mkdir(&self, path: &Path) -> io::Result<()> {
        self.0.mkdir(path)
    }
    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.0.rmdir(path)
    }
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.0.list(path, each)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.stat(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.count();
        self.0.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.0.lock(path)
    }
    fn listen(&self) -> io::Result<Box<dyn mailcore_store::disk::Watcher>> {
        self.0.listen()
    }
    fn boot(&self) -> u128 {
        self.0.boot()
    }
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.count();
        self.0.sync_all(path)
    }
}

impl File for CountingFile {
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
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync_data()
    }
    fn sync(&self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

#[tokio::test]
async fn messages_that_come_together_share_their_flushes() {
    let place = Place::new();
    let flushes = Arc::new(AtomicUsize::new(0));
    let disk = Counting(RealDisk::new(place.dir.path()), flushes.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    append(&*account, b"first\r\n").await.unwrap();
    let before = flushes.load(Ordering::SeqCst);
    append(&*account, b"alone\r\n").await.unwrap();
    assert_eq!(
        flushes.load(Ordering::SeqCst) - before,
        3,
        "file, list, directory"
    );
    let before = flushes.load(Ordering::SeqCst);
    let mut tickets = Vec::new();
    for n in 0..200 {
        let mut append = account.append(&MailboxName::inbox()).await.unwrap();
        append.write(format!("{n}\r\n").as_bytes()).await.unwrap();
        tickets.push(append);
    }
    let tickets: Vec<_> = tickets
        .into_iter()
        .map(|a| a.commit(Stamp::default()))
        .collect();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    let count = flushes.load(Ordering::SeqCst) - before;
    assert!(count < 100, "{count} flushes for 200 messages");
}
