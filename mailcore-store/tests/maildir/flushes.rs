//! How often the disk is made to flush.

use crate::common::{Call, Hook, Hooked};
use crate::place::{Place, append};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, MailboxName, Uid, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, RealDisk, Stat};
use mailcore_store::mailbox::{Access, MailStore, Stamp};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Their octets are on the disk already; only the names and the list are new.
#[tokio::test]
async fn a_copy_of_old_messages_takes_a_flush_of_the_list_and_one_of_the_directory() {
    let place = Place::new();
    let flushes = Arc::<Old>::default();
    let disk = Hooked::new(RealDisk::new(place.dir.path()), flushes.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    let there = MailboxName::parse("there", '/').unwrap();
    account.create(&there, None).await.unwrap();
    let old = Stamp {
        flags: Flags::SEEN,
        date: Some(DateTime::utc(1_600_000_000)),
        ..Stamp::default()
    };
    for n in 0..20 {
        let mut append = account.append(&MailboxName::inbox()).await.unwrap();
        append.write(format!("{n}\r\n").as_bytes()).await.unwrap();
        append.commit(old.clone()).await.unwrap();
    }
    append(&*account, b"young\r\n").await.unwrap();
    let inbox = account
        .open(&MailboxName::inbox(), Access::Write)
        .await
        .unwrap();
    inbox.sync(None).await.unwrap();
    for (uids, most) in [(1..=20, 2), (21..=21, 3)] {
        let uids: UidSet = uids.filter_map(Uid::new).collect();
        let before = flushes.0.count();
        inbox.copy(&uids, &there).await.unwrap();
        assert_eq!(flushes.0.count() - before, most, "{uids:?}");
    }
}
