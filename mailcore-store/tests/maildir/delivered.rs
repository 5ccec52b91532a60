//! Deliveries: who waits for whom, and what a copy does whose message is not where it was.

use crate::common::{Call, Hook, Hooked};
use crate::place::{Place, append};
use mailcore_base::mailbox::{MailboxName, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, RealDisk};
use mailcore_store::mailbox::{Access, MailStore};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

/// What has its answer as soon as it is asked.
fn at_once<T>(asked: impl Future<Output = T>) -> bool {
    let mut once = Context::from_waker(Waker::noop());
    pin!(asked).poll(&mut once).is_ready()
}

#[tokio::test]
async fn an_account_that_is_at_hand_takes_a_message_without_another_thread() {
    let place = Place::new();
    let store = place.store();
    let user = User::new("u");
    append(&*store.account(&user).await.unwrap(), b"first\r\n")
        .await
        .unwrap();
    if RealDisk::new(place.dir.path())
        .stat_now(Path::new("u/cur"))
        .is_err()
    {
        return; // nobody can tell at once here
    }
    assert!(at_once(store.account(&user)));
    let account = store.account(&user).await.unwrap();
    assert!(at_once(account.append(&MailboxName::inbox())));
    std::fs::remove_dir_all(place.at("cur")).unwrap();
    assert!(!at_once(store.account(&user)), "it must be made again");
    append(&*store.account(&user).await.unwrap(), b"second\r\n")
        .await
        .unwrap();
}

/// Holds up the flush of one account's mail until it is told to go on.
#[derive(Debug)]
struct Slow {
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
    holds: AtomicBool,
}

impl Hook for Slow {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        if let Call::SyncDir(path) = call
            && path.starts_with("slow")
            && self.holds.load(Ordering::SeqCst)
        {
            let _ = self.begun.lock().unwrap().send(());
            let _ = self.go_on.lock().unwrap().recv();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_for_one_mailbox_does_not_wait_for_the_flush_of_another() {
    let place = Place::new();
    let (begun, begins) = channel();
    let (release, go_on) = channel();
    let hook = Arc::new(Slow {
        begun: Mutex::new(begun),
        go_on: Mutex::new(go_on),
        holds: AtomicBool::new(false),
    });
    let store = place.store_on(Arc::new(Hooked::new(
        RealDisk::new(place.dir.path()),
        hook.clone(),
    )));
    let slow = store.account(&User::new("slow")).await.unwrap();
    let quick = store.account(&User::new("quick")).await.unwrap();
    append(&*slow, b"first\r\n").await.unwrap();
    hook.holds.store(true, Ordering::SeqCst);
    let waiting = tokio::spawn(async move { append(&*slow, b"slow\r\n").await });
    tokio::task::spawn_blocking(move || begins.recv())
        .await
        .unwrap()
        .unwrap();
    let delivered = tokio::time::timeout(Duration::from_secs(60), append(&*quick, b"quick\r\n"));
    let delivered = delivered.await;
    drop(release);
    assert_eq!(delivered.expect("it waits").unwrap(), 1);
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
}

/// Another program flags a message between its being looked up and its being copied.
#[derive(Debug, Default)]
struct Flagged(AtomicBool);

impl Hook for Flagged {
    fn before(&self, disk: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        if let (Call::Link(from, _), Some(disk)) = (call, disk)
            && !self.0.swap(true, Ordering::SeqCst)
        {
            let name = from.file_name().unwrap().to_str().unwrap();
            let base = name.split(':').next().unwrap();
            disk.rename(from, &from.with_file_name(format!("{base}:2,FS")))?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_message_that_another_program_renames_meanwhile_is_copied_all_the_same() {
    let place = Place::new();
    let flagged = Arc::<Flagged>::default();
    let disk = Hooked::new(RealDisk::new(place.dir.path()), flagged.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    let there = MailboxName::parse("there", '/').unwrap();
    account.create(&there, None).await.unwrap();
    for _ in 0..3 {
        append(&*account, b"text\r\n").await.unwrap();
    }
    let inbox = account
        .open(&MailboxName::inbox(), Access::Write)
        .await
        .unwrap();
    inbox.sync(None).await.unwrap();
    let copied = inbox.copy(&UidSet::all(), &there).await.unwrap();
    assert!(flagged.0.load(Ordering::SeqCst));
    assert_eq!((copied.from.len(), copied.to.len()), (3, 3));
    assert_eq!(
        place.names(".there/cur").len() + place.names(".there/new").len(),
        3
    );
}
