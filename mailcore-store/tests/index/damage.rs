//! Each file of the index, and the list of UIDs, deleted, emptied, cut and with octets turned over: nothing depends on it.

use crate::house::{House, disk, flag, message, modseq, records};
use mailcore_base::mailbox::{FlagOp, Flags, Uid};
use mailcore_store::disk::{Disk, Open, SimDisk, read};
use mailcore_store::mailbox::Record;
use std::path::Path;
use std::time::Duration;

const FILES: [&str; 3] = [
    "mail/mailcore.index",
    "mail/mailcore.cache",
    "mail/dovecot-uidlist",
];

/// What becomes of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Deleted,
    Emptied,
    Cut(usize),
    Turned(usize),
}

fn damage(disk: &SimDisk, path: &str, damage: Damage) {
    let path = Path::new(path);
    let file = disk.open(path, Open::Write).unwrap();
    let len = file.stat().unwrap().len;
    match damage {
        Damage::Deleted => disk.unlink(path).unwrap(),
        Damage::Emptied => file.truncate(0).unwrap(),
        Damage::Cut(percent) => file.truncate(len * percent as u64 / 100).unwrap(),
        Damage::Turned(percent) => {
            let at = (len * percent as u64 / 100).min(len - 1);
            let mut octet = [0];
            file.read_at(&mut octet, at).unwrap();
            file.write_at(&[octet[0] ^ 0x10], at).unwrap();
        }
    }
}

/// A mailbox with a history, as it is left.
async fn lived_in() -> SimDisk {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..12 {
        house.deliver(&message(n)).await;
    }
    house.put("mail/new/1.foreign", "Subject: foreign\n\nx\n");
    let mailbox = house.select().await;
    flag(
        &*mailbox,
        &[2, 7],
        FlagOp::Add,
        Flags::FLAGGED | Flags::SEEN,
    )
    .await;
    mailbox.expunge(&crate::house::set(&[3, 12])).await.unwrap();
    records(&*mailbox).await;
    disk.advance(Duration::from_secs(5));
    mailbox.sync(None).await.unwrap();
    disk
}

/// All that does not depend on the store's own memory.
fn plain(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    for record in &mut records {
        record.modseq = mailcore_base::mailbox::ModSeq(0);
        record.envelope = None;
        record.structure = None;
        record.headers = None;
    }
    records
}

async fn outlives(path: &str, how: Damage, back: Duration) {
    let disk = lived_in().await;
    let (before, told, known) = {
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let now = mailbox.sync(None).await.unwrap().now;
        (now, records(&*mailbox).await, modseq(&*mailbox).await)
    };
    damage(&disk, path, how);
    let case = format!("{path} {how:?}");
    let uids_lost = path.ends_with("uidlist");
    for index in [false, true, true] {
        let house = House::set_back(&disk, index, back);
        let mailbox = house.select().await;
        let now = mailbox.sync(None).await.unwrap().now;
        let seen = records(&*mailbox).await;
        assert_eq!(seen.len(), told.len(), "{case}: messages");
        if uids_lost {
            continue;
        }
        assert_eq!(
            (now.uids, now.uid_validity),
            (before.uids.clone(), before.uid_validity),
            "{case}"
        );
        assert!(
            now.uid_next >= before.uid_next,
            "{case}: a UID would be used again"
        );
        assert_eq!(plain(&seen), plain(&told), "{case}");
        if !index {
            continue;
        }
        for (one, other) in seen.iter().zip(&told) {
            assert_eq!(
                (&one.envelope, &one.structure),
                (&other.envelope, &other.structure),
                "{case}"
            );
            assert_eq!(one.headers, other.headers, "{case}");
        }
        assert!(
            // A cut between two frames cannot be told from none.
            now.modseq >= known || matches!(how, Damage::Cut(_)),
            "{case}: {:?} {known:?}",
            now.modseq
        );
        assert!(read(&disk, Path::new(FILES[0]), 1 << 20).unwrap().len() > 100);
    }
    let house = House::set_back(&disk, true, back);
    let uid = house.deliver(&message(99)).await;
    assert!(uids_lost || uid >= before.uid_next, "{case}: UID {uid}");
    let mailbox = house.select().await;
    assert!(mailbox.body(uid).await.unwrap().is_some());
    assert_eq!(records(&*mailbox).await.len(), told.len() + 1, "{case}");
}

async fn in_every_way(path: &str) {
    for how in [Damage::Deleted, Damage::Emptied] {
        outlives(path, how, Duration::ZERO).await;
    }
    for percent in (0..100).step_by(3) {
        outlives(path, Damage::Cut(percent), Duration::ZERO).await;
        outlives(path, Damage::Turned(percent), Duration::ZERO).await;
    }
}

#[tokio::test]
async fn an_index_that_is_damaged_loses_nothing() {
    in_every_way(FILES[0]).await;
}

#[tokio::test]
async fn a_cache_that_is_damaged_loses_nothing() {
    in_every_way(FILES[1]).await;
}

#[tokio::test]
async fn a_list_of_uids_that_is_damaged_loses_no_message() {
    in_every_way(FILES[2]).await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_loses_nothing() {
    for path in &FILES[..2] {
        for how in [Damage::Deleted, Damage::Cut(50), Damage::Turned(70)] {
            outlives(path, how, Duration::from_secs(86_400)).await;
        }
    }
    let disk = lived_in().await;
    let house = House::on(&disk);
    let mailbox = house.select().await;
    flag(&*mailbox, &[1], FlagOp::Add, Flags::SEEN).await;
    let known = modseq(&*mailbox).await;
    let later = House::set_back(&disk, true, Duration::from_secs(86_400));
    let mailbox = later.select().await;
    flag(&*mailbox, &[1], FlagOp::Remove, Flags::SEEN).await;
    let changes = mailbox.sync(Some(known)).await.unwrap();
    assert_eq!(changes.flagged.first().map(|(uid, ..)| *uid), Uid::new(1));
}
