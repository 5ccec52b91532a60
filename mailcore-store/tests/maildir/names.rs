//! File names change under the list's lock alone: a Dovecot that reads a directory holds it, and takes who is not shown to
//! it for gone.

use crate::common::{Call, Hook, Hooked};
use crate::place::{MAIL, Place, all, append, shown};
use mailcore_base::mailbox::{FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::Kind;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Open, RealDisk, SimDisk};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Clock, MailStore, Mailbox, Stamp};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// What a store did to names in `cur/` and `new/`, and whether the mailbox was locked then.
#[derive(Debug, Default)]
struct Seen {
    locks: AtomicUsize,
    under_lock: AtomicUsize,
    without: AtomicUsize,
}

impl Seen {
    fn take(&self) -> (usize, usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (
            take(&self.locks),
            take(&self.under_lock),
            take(&self.without),
        )
    }
}

impl Hook for Seen {
    fn before(&self, disk: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        let (Call::Rename(_, path) | Call::Link(_, path) | Call::Unlink(path)) = call else {
            return Ok(());
        };
        let (Some(dir), Some(disk)) = (path.parent(), disk) else {
            return Ok(());
        };
        if dir.ends_with("cur") || dir.ends_with("new") {
            let count = match disk.stat(&dir.with_file_name("dovecot-uidlist.lock")) {
                Ok(_) => &self.under_lock,
                Err(_) => &self.without,
            };
            count.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn after(&self, call: &Call<'_>, failed: Option<&io::Error>) -> io::Result<()> {
        if let Call::Open(path, Open::Create) = call
            && path.ends_with("dovecot-uidlist.lock")
            && failed.is_none()
        {
            self.locks.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test]
async fn every_command_that_changes_names_locks_the_mailbox_once() {
    let (place, seen) = (Place::new(), Arc::new(Seen::default()));
    let disk = Hooked::new(RealDisk::new(place.dir.path()), seen.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    let (inbox, work) = (
        MailboxName::inbox(),
        MailboxName::parse("work", '/').unwrap(),
    );
    account.create(&work, None).await.unwrap();
    account.open(&work, Access::Read).await.unwrap();
    for n in 0..20 {
        place.write(&format!("new/{n}.a.x"), MAIL);
    }
    let inbox = account.open(&inbox, Access::Write).await.unwrap();
    seen.take();
    inbox.sync(None).await.unwrap();
    assert_eq!(seen.take(), (1, 20, 0), "new to cur");
    let flagged = all(FlagOp::Add, Flags::FLAGGED);
    inbox.flag(&UidSet::all(), &flagged, None).await.unwrap();
    assert_eq!(seen.take(), (1, 20, 0), "flags");
    inbox.flag(&UidSet::all(), &flagged, None).await.unwrap();
    assert_eq!(seen.take(), (0, 0, 0), "nothing to be changed");
    inbox.copy(&UidSet::all(), &work).await.unwrap();
    assert_eq!(seen.take(), (1, 20, 0), "a copy");
    let three: UidSet = (1..=3).filter_map(Uid::new).collect();
    inbox.relocate(&three, &work).await.unwrap();
    assert_eq!(seen.take(), (2, 6, 0), "a move locks both");
    inbox.expunge(&UidSet::all()).await.unwrap();
    assert_eq!(seen.take(), (1, 17, 0), "removal");
    inbox.expunge(&UidSet::all()).await.unwrap();
    assert_eq!(seen.take(), (0, 0, 0), "nothing to be removed");
    append(&*account, MAIL.as_bytes()).await.unwrap();
    assert_eq!(seen.take(), (1, 1, 0), "a delivery");
}

#[tokio::test]
async fn a_locked_mailbox_is_read_and_changed_later() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    shown(&*inbox).await;
    place.write("dovecot-uidlist.lock", "1:elsewhere.example");
    let flagged = all(FlagOp::Add, Flags::FLAGGED);
    let names = place.names("cur");
    let busy = inbox.flag(&UidSet::all(), &flagged, None).await;
    assert_eq!(busy.unwrap_err().kind(), Kind::Busy);
    let busy = inbox.expunge(&UidSet::all()).await;
    assert_eq!(busy.unwrap_err().kind(), Kind::Busy);
    assert_eq!(place.names("cur"), names);
    assert_eq!(shown(&*inbox).await.len(), 2);
    fs::remove_file(place.at("dovecot-uidlist.lock")).unwrap();
    inbox.flag(&UidSet::all(), &flagged, None).await.unwrap();
    assert_ne!(place.names("cur"), names);
}

#[tokio::test]
async fn who_is_not_shown_while_another_program_changes_names_is_not_gone() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    let known = inbox.sync(None).await.unwrap().now.modseq;
    place.write("dovecot-uidlist.lock", "1:elsewhere.example");
    let (name, aside) = (
        place.at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,PRb"),
        place.at("aside"),
    );
    fs::rename(&name, &aside).unwrap();
    assert_eq!(shown(&*inbox).await.len(), 2);
    fs::rename(&aside, &name).unwrap();
    assert_eq!(shown(&*inbox).await.len(), 2);
    assert_eq!(inbox.expunged(known).await.unwrap(), Some(UidSet::new()));
    fs::remove_file(&name).unwrap();
    assert_eq!(shown(&*inbox).await.len(), 2);
    fs::remove_file(place.at("dovecot-uidlist.lock")).unwrap();
    assert_eq!(shown(&*inbox).await.len(), 1);
}

#[tokio::test]
async fn mail_is_shown_though_a_lock_keeps_it_in_new() {
    let place = Place::of_dovecot();
    place.select().await;
    place.write("dovecot-uidlist.lock", "1:elsewhere.example");
    let inbox = place.select().await;
    assert_eq!(shown(&*inbox).await.len(), 2);
    assert_eq!(inbox.recent().to_string(), "2");
    assert_eq!(place.names("new").len(), 1);
    fs::remove_file(place.at("dovecot-uidlist.lock")).unwrap();
    shown(&*inbox).await;
    assert_eq!(place.names("new").len(), 0);
}

#[tokio::test]
async fn on_a_full_disk_messages_can_be_flagged_and_removed() {
    let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let store = Maildir::on(Arc::new(disk.clone()), clock, Options::new("mail"));
    let account = store.account(&User::new("u")).await.unwrap();
    for _ in 0..2 {
        let mut append = account.append(&MailboxName::inbox()).await.unwrap();
        append.write(MAIL.as_bytes()).await.unwrap();
        append.commit(Stamp::default()).await.unwrap();
    }
    disk.full_from(Some(0));
    let inbox = account.open(&MailboxName::inbox(), Access::Write).await;
    let inbox: Box<dyn Mailbox> = inbox.unwrap();
    inbox.sync(None).await.unwrap();
    let deleted = all(FlagOp::Add, Flags::DELETED);
    inbox.flag(&UidSet::all(), &deleted, None).await.unwrap();
    let gone = inbox.expunge(&UidSet::all()).await.unwrap();
    assert_eq!(gone.to_string(), "1:2");
}
