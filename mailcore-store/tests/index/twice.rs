//! Two faults at once: a clock that was set back and a lost index, index and list both damaged. No message is lost, and no
//! UID ever means another message.

use crate::house::{House, disk, flag, message, modseq, records, set};
use mailcore_base::mailbox::{FlagOp, Flags};
use mailcore_store::disk::{Disk, Open, SimDisk};
use mailcore_store::mailbox::Record;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const INDEX: &str = "mail/mailcore.index";
const CACHE: &str = "mail/mailcore.cache";
const LIST: &str = "mail/dovecot-uidlist";
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone, Copy)]
enum Damage {
    Deleted,
    Emptied,
    /// So many percent are left.
    Cut(u64),
    Turned(u64),
}

fn damage(disk: &SimDisk, path: &str, how: Damage) {
    let path = Path::new(path);
    let file = disk.open(path, Open::Write).unwrap();
    let len = file.stat().unwrap().len;
    match how {
        Damage::Deleted => disk.unlink(path).unwrap(),
        Damage::Emptied => file.truncate(0).unwrap(),
        Damage::Cut(percent) => file.truncate(len * percent / 100).unwrap(),
        Damage::Turned(percent) => {
            let (at, mut octet) = (len * percent / 100, [0]);
            file.read_at(&mut octet, at).unwrap();
            file.write_at(&[octet[0] ^ 4], at).unwrap();
        }
    }
}

/// A UID in some life of the mailbox, and the message that it meant.
type Meant = BTreeMap<(u32, u32), Vec<u8>>;

fn note(meant: &mut Meant, validity: u32, records: &[Record], case: &str) {
    for record in records {
        let envelope = record.envelope.as_deref().unwrap().to_vec();
        let before = meant.insert((validity, record.uid.number()), envelope.clone());
        let same = before.is_none_or(|before| before == envelope);
        assert!(same, "{case}: UID {} is another message now", record.uid);
    }
}

/// A mailbox of which messages have come and gone since its index's last checkpoint; all UIDs that anybody was told.
async fn lived_in() -> (SimDisk, Meant) {
    let (disk, mut meant) = (disk(), Meant::new());
    let house = House::on(&disk);
    for n in 0..8 {
        house.deliver(&message(n)).await;
    }
    let mailbox = house.select().await;
    let validity = mailbox.uid_validity().0.get();
    note(&mut meant, validity, &records(&*mailbox).await, "");
    mailbox.expunge(&set(&[2, 5, 8])).await.unwrap();
    for n in 8..12 {
        house.deliver(&message(n)).await;
    }
    mailbox.sync(None).await.unwrap();
    note(&mut meant, validity, &records(&*mailbox).await, "");
    mailbox.expunge(&set(&[10, 12])).await.unwrap();
    disk.advance(Duration::from_secs(5));
    mailbox.sync(None).await.unwrap();
    (disk, meant)
}

/// Those that must be there, whatever their UIDs.
fn texts(records: &[Record]) -> Vec<Vec<u8>> {
    let texts = records
        .iter()
        .map(|r| r.envelope.as_deref().unwrap().to_vec());
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts
}

async fn no_uid_comes_back(disk: &SimDisk, back: Duration, meant: &Meant, case: &str) {
    let (mut meant, mut there) = (meant.clone(), None);
    for life in 0..3 {
        let house = House::set_back(disk, true, back);
        let mailbox = house.select().await;
        let seen = records(&*mailbox).await;
        let now = mailbox.sync(None).await.unwrap().now;
        let oldest = meant.keys().map(|(validity, _)| *validity).max().unwrap();
        assert!(
            now.uid_validity.0.get() >= oldest,
            "{case}: UIDVALIDITY fell"
        );
        note(&mut meant, now.uid_validity.0.get(), &seen, case);
        let there = there.get_or_insert_with(|| texts(&seen));
        assert_eq!(&texts(&seen), there, "{case}, life {life}: messages");
        assert_eq!(there.len(), 7 + life, "{case}: messages");
        house.deliver(&message(100 + life)).await;
        mailbox.sync(None).await.unwrap();
        let seen = records(&*mailbox).await;
        note(&mut meant, now.uid_validity.0.get(), &seen, case);
        *there = texts(&seen);
    }
}

fn every_damage() -> impl Iterator<Item = Damage> {
    let percents = (0..100).step_by(9);
    let cut = percents.clone().map(Damage::Cut);
    let turned = percents.map(Damage::Turned);
    [Damage::Deleted, Damage::Emptied]
        .into_iter()
        .chain(cut)
        .chain(turned)
}

#[tokio::test]
async fn with_index_and_list_both_damaged_no_uid_comes_back() {
    let (disk, meant) = lived_in().await;
    // Of a list that is cut behind its first line nobody can tell that there was more.
    for list in [Damage::Deleted, Damage::Emptied, Damage::Cut(3)] {
        for index in every_damage() {
            for back in [Duration::ZERO, DAY] {
                let disk = disk.killed();
                damage(&disk, LIST, list);
                damage(&disk, INDEX, index);
                let case = format!("list {list:?}, index {index:?}, back {back:?}");
                no_uid_comes_back(&disk, back, &meant, &case).await;
            }
        }
    }
}

#[tokio::test]
async fn with_index_and_cache_both_damaged_every_text_is_told_all_the_same() {
    let (disk, meant) = lived_in().await;
    for cache in every_damage() {
        for index in [
            Damage::Deleted,
            Damage::Emptied,
            Damage::Cut(50),
            Damage::Turned(30),
        ] {
            let disk = disk.killed();
            damage(&disk, CACHE, cache);
            damage(&disk, INDEX, index);
            let case = format!("cache {cache:?}, index {index:?}");
            no_uid_comes_back(&disk, Duration::ZERO, &meant, &case).await;
        }
    }
}

/// The index that knew the list's UIDs has missed what another program did since, and the list is lost.
#[tokio::test]
async fn an_index_that_has_missed_something_does_not_stand_in_for_a_lost_list() {
    let (disk, meant) = lived_in().await;
    for list in [Damage::Deleted, Damage::Emptied] {
        let disk = disk.killed();
        let known = mailcore_store::disk::read(&disk, Path::new(INDEX), 1 << 20).unwrap();
        let mut meant = meant.clone();
        {
            let house = House::on(&disk);
            let mailbox = house.select().await;
            house.deliver(&message(50)).await;
            house.deliver(&message(51)).await;
            mailbox.sync(None).await.unwrap();
            let validity = mailbox.uid_validity().0.get();
            note(&mut meant, validity, &records(&*mailbox).await, "");
            mailbox.expunge(&set(&[13])).await.unwrap();
        }
        // The index as it was before that, to the octet.
        let file = disk.open(Path::new(INDEX), Open::Write).unwrap();
        file.truncate(0).unwrap();
        file.write_at(&known, 0).unwrap();
        damage(&disk, LIST, list);
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let seen = records(&*mailbox).await;
        assert_eq!(seen.len(), 8);
        let validity = mailbox.uid_validity().0.get();
        note(&mut meant, validity, &seen, &format!("{list:?}"));
    }
}

/// Somebody has set the clock back, and the index is lost: what is left of time is in the files.
#[tokio::test]
async fn a_clock_set_back_and_a_lost_index_let_no_modification_sequence_fall() {
    for how in [
        Damage::Deleted,
        Damage::Emptied,
        Damage::Cut(40),
        Damage::Turned(0),
    ] {
        for last in 0..3 {
            let (disk, _) = lived_in().await;
            let (known, validity, next) = {
                let house = House::on(&disk);
                let mailbox = house.select().await;
                match last {
                    0 => flag(&*mailbox, &[1], FlagOp::Add, Flags::SEEN).await,
                    1 => drop(mailbox.expunge(&set(&[4])).await.unwrap()),
                    _ => drop(house.deliver(&message(70)).await),
                }
                let now = mailbox.sync(None).await.unwrap().now;
                (now.modseq, now.uid_validity, now.uid_next)
            };
            damage(&disk, INDEX, how);
            let house = House::set_back(&disk, true, DAY);
            let mailbox = house.select().await;
            let case = format!("{how:?}, {last}");
            let now = mailbox.sync(None).await.unwrap().now;
            assert!(
                now.modseq >= known,
                "{case}: {:?} was {known:?}",
                now.modseq
            );
            assert_eq!((now.uid_validity, now.uid_next), (validity, next), "{case}");
            let before = modseq(&*mailbox).await;
            flag(&*mailbox, &[1], FlagOp::Add, Flags::FLAGGED).await;
            let changes = mailbox.sync(Some(known.max(before))).await.unwrap();
            let told: Vec<u32> = changes.flagged.iter().map(|it| it.0.number()).collect();
            assert_eq!(
                told,
                [1],
                "{case}: who kept {known:?} is told of the next change"
            );
        }
    }
}

/// The clock was ahead when a flag was set, and is right now: only the index knows what was told, and its end is lost.
#[tokio::test]
async fn a_clock_that_was_ahead_and_an_index_cut_let_no_modification_sequence_fall() {
    let (disk, _) = lived_in().await;
    let known = {
        let house = House::ahead(&disk, DAY);
        let mailbox = house.select().await;
        flag(&*mailbox, &[1], FlagOp::Add, Flags::SEEN).await;
        modseq(&*mailbox).await
    };
    let file = disk.open(Path::new(INDEX), Open::Write).unwrap();
    file.append(b"torn").unwrap();
    let house = House::on(&disk);
    let mailbox = house.select().await;
    let changes = mailbox.sync(Some(known)).await.unwrap();
    assert!(changes.now.modseq > known);
    assert_eq!(changes.flagged.len() as u32, changes.now.uids.len());
    assert_eq!(mailbox.expunged(known).await.unwrap(), None);
}
