//! One bit turned over in each octet of each small file beside a mailbox: what is told is right all the same, or found anew.

use crate::house::{House, disk, flag, message, records, set};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Keyword, ModSeq, Snapshot, Uid};
use mailcore_store::disk::{Disk, Open, SimDisk, read};
use mailcore_store::mailbox::Record;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const LIST: &str = "mail/dovecot-uidlist";

/// What a client was told, and what it asks when it comes back.
struct Told {
    now: Snapshot,
    records: Vec<Record>,
}

/// A mailbox with one of each: a flag, a keyword, a message of another program, one that went; the checkpoint of its index
/// has a log behind it.
async fn lived_in() -> (SimDisk, Told) {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..3 {
        house.deliver(&message(n)).await;
    }
    house.put("mail/new/1.foreign", "Subject: foreign\n\nx\n");
    let mailbox = house.select().await;
    flag(&*mailbox, &[2], FlagOp::Add, Flags::FLAGGED).await;
    let change = FlagChange {
        keywords: vec![Keyword::parse("first").unwrap()],
        ..FlagChange::of(FlagOp::Add, Flags::NONE)
    };
    mailbox.flag(&set(&[1]), &change, None).await.unwrap();
    mailbox.expunge(&set(&[3])).await.unwrap();
    records(&*mailbox).await;
    disk.advance(Duration::from_secs(5));
    mailbox.sync(None).await.unwrap();
    let records = records(&*mailbox).await;
    let now = mailbox.sync(None).await.unwrap().now;
    (disk, Told { now, records })
}

fn turn(disk: &SimDisk, path: &str, at: u64) {
    let file = disk.open(Path::new(path), Open::Write).unwrap();
    let mut octet = [0];
    file.read_at(&mut octet, at).unwrap();
    file.write_at(&[octet[0] ^ (1 << (at % 8))], at).unwrap();
}

/// All but the modification sequences, which may begin anew.
fn but_modseqs(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    records.iter_mut().for_each(|r| r.modseq = ModSeq(0));
    records
}

/// What a client sees that kept what it was told is right, and what comes next is new.
async fn stands(disk: &SimDisk, told: &Told, case: &str) {
    for _ in 0..2 {
        let house = House::on(disk);
        let mailbox = house.select().await;
        let changes = mailbox.sync(Some(told.now.modseq)).await.unwrap();
        let (now, known) = (changes.now, &told.now);
        assert_eq!(now.uids, known.uids, "{case}");
        assert_eq!(now.uid_validity, known.uid_validity, "{case}");
        assert!(now.uid_next >= known.uid_next, "{case}: {}", now.uid_next);
        assert!(now.modseq >= known.modseq, "{case}: {:?}", now.modseq);
        let seen = records(&*mailbox).await;
        assert_eq!(but_modseqs(&seen), but_modseqs(&told.records), "{case}");
        let gone = mailbox.expunged(ModSeq(1)).await.unwrap();
        assert!(gone.is_none_or(|gone| gone == set(&[3])), "{case}");
    }
    let house = House::on(disk);
    let uid = house.deliver(&message(9)).await;
    assert!(uid >= told.now.uid_next, "{case}: UID {uid} comes back");
}

async fn wherever(path: &str) {
    let (disk, told) = lived_in().await;
    let len = read(&disk, Path::new(path), 1 << 20).unwrap().len() as u64;
    for at in 0..len {
        let disk = disk.killed();
        turn(&disk, path, at);
        stands(&disk, &told, &format!("{path}, octet {at}")).await;
    }
}

#[tokio::test]
async fn a_bit_of_the_index_turned_over_is_never_believed() {
    wherever("mail/mailcore.index").await;
}

#[tokio::test]
async fn a_bit_of_the_cache_turned_over_is_never_believed() {
    wherever("mail/mailcore.cache").await;
}

/// Which message each UID is, by what its envelope says.
fn identities(records: &[Record]) -> BTreeMap<Uid, Vec<u8>> {
    let texts = records.iter().map(|record| {
        let envelope = record.envelope.as_deref().unwrap_or_default();
        (record.uid, envelope.to_vec())
    });
    texts.collect()
}

/// The list has no check of its own: the index knows what it said, all but the UIDVALIDITY, which is the list's to say.
#[tokio::test]
async fn a_bit_of_the_list_of_uids_turned_over_gives_no_message_the_uid_of_another() {
    let (disk, told) = lived_in().await;
    let list = read(&disk, Path::new(LIST), 1 << 20).unwrap();
    let known = identities(&told.records);
    let (mut lives, mut renumbered) = (0, Vec::new());
    for at in 0..list.len() as u64 {
        let disk = disk.killed();
        turn(&disk, LIST, at);
        let case = format!("octet {at}, {:?}", list[at as usize] as char);
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let now = mailbox.sync(None).await.unwrap().now;
        let seen = identities(&records(&*mailbox).await);
        let texts = |all: &BTreeMap<Uid, Vec<u8>>| {
            let mut texts: Vec<_> = all.values().cloned().collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(&seen), texts(&known), "{case}: messages");
        if now.uid_validity != told.now.uid_validity {
            assert!((3..13).contains(&at), "{case}: UIDVALIDITY");
            lives += 1;
            continue;
        }
        assert!(now.uid_next >= told.now.uid_next, "{case}");
        for (uid, text) in &seen {
            let same = known.get(uid) == Some(text);
            assert!(same || *uid >= told.now.uid_next, "{case}: UID {uid}");
        }
        if seen != known {
            renumbered.push(case.clone());
        }
        let again = House::on(&disk);
        let seen_again = identities(&records(&*again.select().await).await);
        assert_eq!(seen_again, seen, "{case}: a life later");
        let uid = again.deliver(&message(9)).await;
        assert!(uid >= now.uid_next, "{case}: UID {uid} comes back");
    }
    // A digit may become another digit: in the UIDVALIDITY, and in the last line, whose UID may grow. And a line behind one of
    // a message that is gone may become part of it.
    assert!(
        lives < 10 && renumbered.len() <= 2,
        "{lives}, {renumbered:?}"
    );
}

/// Nor has the list of keywords: a flag may come to be called otherwise. What it has lost altogether is known, and written
/// anew with the next keyword.
#[tokio::test]
async fn a_bit_of_the_keywords_turned_over_takes_no_message_and_no_flag_of_the_system() {
    let (disk, told) = lived_in().await;
    let path = Path::new("mail/dovecot-keywords");
    let len = read(&disk, path, 1 << 20).unwrap().len() as u64;
    let plain = |records: &[Record]| {
        let mut records = but_modseqs(records);
        let system = |flags: Flags| Flags::from_bits(flags.bits() & 0x1f);
        records.iter_mut().for_each(|r| r.flags = system(r.flags));
        records
    };
    for at in 0..=len {
        let disk = disk.killed();
        let gone = at == len;
        match gone {
            true => disk.unlink(path).unwrap(),
            false => turn(&disk, "mail/dovecot-keywords", at),
        }
        for life in 0..2 {
            let house = House::on(&disk);
            let mailbox = house.select().await;
            let now = mailbox.sync(None).await.unwrap().now;
            assert_eq!(
                (&now.uids, now.uid_validity),
                (&told.now.uids, told.now.uid_validity)
            );
            let seen = records(&*mailbox).await;
            assert_eq!(plain(&seen), plain(&told.records), "octet {at}");
            let same = but_modseqs(&seen) == but_modseqs(&told.records);
            assert!(same || !gone || life > 0, "the index knows");
            let change = FlagChange {
                keywords: vec![Keyword::parse("first").unwrap()],
                ..FlagChange::of(FlagOp::Add, Flags::NONE)
            };
            mailbox.flag(&set(&[2]), &change, None).await.unwrap();
        }
        if gone {
            assert_eq!(read(&disk, path, 1 << 20).unwrap(), b"0 first\n");
        }
    }
}
