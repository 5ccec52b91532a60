//! What the index spares: opening messages, reading directories.

use crate::house::{House, disk, flag, message, records};
use mailcore_base::mailbox::{FlagOp, Flags, MailboxName, UidSet};
use mailcore_store::disk::Disk;
use mailcore_store::mailbox::Fields;
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn of_a_message_that_we_delivered_everything_but_its_body_is_told_without_opening_it() {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..20 {
        house.deliver(&message(n)).await;
    }
    house.seen.take();
    for life in [&house, &House::on(&disk)] {
        let mailbox = life.select().await;
        let told = records(&*mailbox).await;
        assert_eq!(told.len(), 20);
        for (n, record) in told.iter().enumerate() {
            let envelope = record.envelope.as_deref().unwrap();
            let subject = format!("\"message {n}\"");
            assert!(String::from_utf8_lossy(envelope).contains(&subject));
            assert!(
                record
                    .structure
                    .as_deref()
                    .unwrap()
                    .starts_with(b"((\"text\"")
            );
            let headers = String::from_utf8_lossy(record.headers.as_deref().unwrap()).into_owned();
            assert!(
                headers.starts_with("From: a") && !headers.contains("Received"),
                "{headers}"
            );
            assert!(record.date.is_some() && record.size == Some(message(n).len() as u64));
        }
        assert_eq!(life.seen.take().0, 0, "message files opened");
    }
}

#[tokio::test]
async fn what_others_delivered_is_opened_once_and_never_again() {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(0)).await;
    for n in 1..5 {
        house.put(
            &format!("mail/new/{n}.foreign"),
            &message(n).replace("\r\n", "\n"),
        );
    }
    let mailbox = house.select().await;
    house.seen.take();
    let first = records(&*mailbox).await;
    assert!(
        first
            .iter()
            .all(|r| r.envelope.is_some() && r.structure.is_some())
    );
    // Once for how long it is with CRLF, once for what is in it.
    assert_eq!(house.seen.take().0, 8);
    assert_eq!(records(&*mailbox).await, first);
    assert_eq!(house.seen.take().0, 0);
    let later = House::on(&disk);
    let told = records(&*later.select().await).await;
    assert_eq!(told.len(), first.len());
    for (one, other) in told.iter().zip(&first) {
        assert_eq!(
            (&one.envelope, &one.headers),
            (&other.envelope, &other.headers)
        );
        assert_eq!((one.size, one.date), (other.size, other.date));
    }
    assert_eq!(later.seen.take().0, 0);
}

#[tokio::test]
async fn a_copy_is_told_by_what_was_known_of_its_source() {
    let house = House::on(&disk());
    house.deliver(&message(7)).await;
    let account = house.account().await;
    let target = MailboxName::parse("other", '/').unwrap();
    account.create(&target, None).await.unwrap();
    let mailbox = house.select().await;
    let source = records(&*mailbox).await;
    house.seen.take();
    mailbox.copy(&UidSet::all(), &target).await.unwrap();
    let other = account
        .open(&target, mailcore_store::mailbox::Access::Read)
        .await
        .unwrap();
    house.seen.take(); // the file is linked, and flushed under its new name
    let copy = records(&*other).await;
    assert_eq!(
        copy.first().unwrap().envelope,
        source.first().unwrap().envelope
    );
    assert_eq!(copy.first().unwrap().date, source.first().unwrap().date);
    assert_eq!(house.seen.take().0, 0);
}

#[tokio::test]
async fn a_mailbox_that_looks_as_it_did_is_opened_without_reading_its_directories() {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..10 {
        house.deliver(&message(n)).await;
    }
    let mailbox = house.select().await;
    flag(&*mailbox, &[3], FlagOp::Add, Flags::FLAGGED).await;
    // What others might have done in the same moment has been looked for.
    disk.advance(Duration::from_secs(5));
    let before = mailbox.sync(None).await.unwrap().now;
    let told = records(&*mailbox).await;
    disk.advance(Duration::from_secs(5));
    let later = House::on(&disk);
    let mailbox = later.select().await;
    assert_eq!(later.seen.take(), (0, 0), "files opened, directories read");
    let now = mailbox.sync(None).await.unwrap().now;
    assert_eq!(
        (now.uids, now.uid_next, now.modseq),
        (before.uids, before.uid_next, before.modseq)
    );
    assert_eq!(records(&*mailbox).await, told);
    // What somebody does meanwhile is seen all the same.
    later.put("mail/new/9.foreign", "Subject: x\n\nx\n");
    assert_eq!(mailbox.sync(None).await.unwrap().now.uids.len(), 11);
    assert!(later.seen.take().1 > 0);
}

#[tokio::test]
async fn a_size_that_the_list_tells_is_not_counted() {
    let disk = disk();
    let validity = House::on(&disk).select().await.uid_validity();
    let house = House::on(&disk);
    disk.unlink(Path::new("mail/dovecot-uidlist")).unwrap();
    house.put(
        "mail/dovecot-uidlist",
        &format!("3 V{validity} N2 Gff\n1 W20 :1.a,S=17\n"),
    );
    house.put("mail/cur/1.a,S=17:2,", "Subject: x\n\nbody\n");
    // Told by the list, and in a later life by the index.
    for life in [house, House::on(&disk)] {
        let mailbox = life.select().await;
        life.seen.take();
        let mut told = Vec::new();
        let all = UidSet::all();
        mailbox
            .records(&all, Fields::SIZE, &mut told)
            .await
            .unwrap();
        assert_eq!(told.first().unwrap().size, Some(20));
        assert_eq!(life.seen.take().0, 0, "message files opened");
    }
}

#[tokio::test]
async fn what_others_did_in_the_moment_of_our_last_change_is_looked_for_in_a_later_life() {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(0)).await;
    flag(&*house.select().await, &[1], FlagOp::Add, Flags::SEEN).await;
    let disk = disk.killed();
    disk.advance(Duration::from_secs(5));
    let later = House::on(&disk);
    let mailbox = later.select().await;
    assert!(later.seen.take().1 > 0, "one more look");
    mailbox.sync(None).await.unwrap();
    assert_eq!(later.seen.take().1, 0, "and no more");
}

/// Its envelope takes its front alone; whoever then wants its structure is not told that there is none.
#[tokio::test]
async fn of_a_large_message_the_structure_is_read_when_somebody_wants_it() {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(0)).await;
    let text = format!("Subject: large\n\n{}", "x\n".repeat(200_000));
    house.put("mail/new/1.foreign", &text);
    let mut told = Vec::new();
    let mailbox = house.select().await;
    let uids = UidSet::all();
    let wanted = Fields::ENVELOPE;
    mailbox.records(&uids, wanted, &mut told).await.unwrap();
    assert!(told.iter().all(|record| record.structure.is_none()));
    for life in [&house, &House::on(&disk)] {
        let told = records(&*life.select().await).await;
        assert!(told.iter().all(|record| record.structure.is_some()));
    }
}
