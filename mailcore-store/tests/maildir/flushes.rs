//! How often the disk is made to flush.

use crate::common::{Call, Hook, Hooked};
use crate::place::{Place, append};
use mailcore_base::mailbox::{MailboxName, Uid, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, RealDisk, Stat};
use mailcore_store::mailbox::{Access, MailStore, Stamp};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// How often a disk was made to flush.
#[derive(Debug, Default)]
struct Flushes(AtomicUsize);

impl Flushes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Hook for Flushes {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        if call.is_flush() {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test]
async fn messages_that_come_together_share_their_flushes() {
    let place = Place::new();
    let flushes = Arc::<Flushes>::default();
    let disk = Hooked::new(RealDisk::new(place.dir.path()), flushes.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    append(&*account, b"first\r\n").await.unwrap();
    let before = flushes.count();
    append(&*account, b"alone\r\n").await.unwrap();
    assert_eq!(flushes.count() - before, 3, "file, list, directory");
    let before = flushes.count();
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
    let count = flushes.count() - before;
    assert!(count < 100, "{count} flushes for 200 messages");
}

/// The same, where nobody has touched a file since the day that it bears.
#[derive(Debug, Default)]
struct Old(Flushes);

impl Hook for Old {
    fn before(&self, disk: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        self.0.before(disk, call)
    }

    fn shown(&self, call: &Call<'_>, stat: Stat) -> Stat {
        match call {
            Call::Stat(path) if path.to_string_lossy().contains("/cur/") => Stat {
                changed: stat.modified,
                ..stat
            },
            _ => stat,
        }
    }
}

/// The octets of old messages and of those that we have delivered are on the disk; only the names and the list are new.
#[tokio::test]
async fn a_copy_of_what_is_durable_takes_a_flush_of_the_list_and_one_of_the_directory() {
    let place = Place::new();
    let flushes = Arc::<Old>::default();
    let disk = Hooked::new(RealDisk::new(place.dir.path()), flushes.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    let there = MailboxName::parse("there", '/').unwrap();
    account.create(&there, None).await.unwrap();
    for n in 10..30 {
        let name = format!("cur/{n}.M1P1.elsewhere:2,S");
        place.write(&name, "old\n");
        let file = File::options().write(true).open(place.at(&name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_600_000_000))
            .unwrap();
    }
    append(&*account, b"ours\r\n").await.unwrap();
    place.write("cur/1.M1P1.elsewhere:2,S", "young\n");
    let inbox = account
        .open(&MailboxName::inbox(), Access::Write)
        .await
        .unwrap();
    inbox.sync(None).await.unwrap();
    for (uids, most) in [(1..=20, 2), (21..=21, 2), (22..=22, 3)] {
        let uids: UidSet = uids.filter_map(Uid::new).collect();
        let before = flushes.0.count();
        inbox.copy(&uids, &there).await.unwrap();
        assert_eq!(flushes.0.count() - before, most, "{uids:?}");
    }
}
