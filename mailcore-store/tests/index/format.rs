//! Files of the index that are right by their checks and nothing that we would have written.

use crate::house::{House, disk, flag, message, modseq, records, set};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags};
use mailcore_store::disk::{Disk, Loss, Open, SimDisk, read};
use std::path::Path;
use std::time::Duration;

const INDEX: &str = "mail/mailcore.index";
const CACHE: &str = "mail/mailcore.cache";
const LEARNED: u8 = 4;

fn index(disk: &SimDisk) -> Vec<u8> {
    read(disk, Path::new(INDEX), 1 << 30).unwrap()
}

fn put(disk: &SimDisk, octets: &[u8]) {
    let file = disk.open(Path::new(INDEX), Open::Write).unwrap();
    file.truncate(0).unwrap();
    file.write_at(octets, 0).unwrap();
}

/// A frame with the check that it ought to have.
fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let body = [&[kind], body].concat();
    let front = [
        (body.len() as u32).to_le_bytes(),
        crc32fast::hash(&body).to_le_bytes(),
    ];
    [&front.concat(), &body[..]].concat()
}

/// A mailbox that nobody need look at again.
async fn settled() -> SimDisk {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..3 {
        house.deliver(&message(n)).await;
    }
    let mailbox = house.select().await;
    flag(&*mailbox, &[1], FlagOp::Add, Flags::SEEN).await;
    records(&*mailbox).await;
    disk.advance(Duration::from_secs(5));
    mailbox.sync(None).await.unwrap();
    disk
}

/// Whether a later life builds on the file: then no modification sequence becomes another.
async fn is_believed(disk: &SimDisk, octets: &[u8]) -> bool {
    let known = modseq(&*House::on(&disk.killed()).select().await).await;
    let disk = disk.killed();
    put(&disk, octets);
    let house = House::on(&disk);
    let mailbox = house.select().await;
    let told = records(&*mailbox).await;
    assert_eq!(told.len(), 3);
    let now = modseq(&*mailbox).await;
    assert!(now >= known);
    flag(&*mailbox, &[1], FlagOp::Remove, Flags::SEEN).await;
    assert!(index(&disk).starts_with(b"MCINDEX1"));
    now == known
}

#[tokio::test]
async fn an_index_of_another_version_is_made_anew() {
    let disk = settled().await;
    let sound = index(&disk);
    assert!(is_believed(&disk, &sound).await);
    let mut other = sound.clone();
    other[7] = b'2';
    assert!(!is_believed(&disk, &other).await);
}

#[tokio::test]
async fn a_frame_that_is_longer_than_any_of_ours_ends_what_is_believed() {
    let disk = settled().await;
    let sound = index(&disk);
    // A message that is not there: such frames change nothing.
    let one = [
        &77u32.to_le_bytes()[..],
        &5i64.to_le_bytes(),
        &0u32.to_le_bytes(),
    ]
    .concat();
    let fits = (1 << 20) / one.len() - 1;
    for (count, believed) in [(1, true), (fits, true), (fits + 1, false)] {
        let octets = [&sound[..], &frame(LEARNED, &one.repeat(count))].concat();
        assert_eq!(is_believed(&disk, &octets).await, believed, "{count}");
    }
}

/// The file without its last frame.
fn without_last(octets: &[u8]) -> &[u8] {
    let (mut at, mut last) = (8, 8);
    while let Some(front) = octets.get(at..at + 4) {
        let length = u32::from_le_bytes(front.try_into().unwrap());
        (last, at) = (at, at + 8 + length as usize);
    }
    &octets[..last]
}

/// Of a change the frames are there, and the step behind them is lost: what was told of it is known.
#[tokio::test]
async fn a_change_whose_step_is_lost_is_still_known() {
    for removal in [false, true] {
        let disk = settled().await;
        let known = {
            // Its clock is ahead, so that nothing else tells how far it had come.
            let house = House::ahead(&disk, Duration::from_secs(86_400));
            let mailbox = house.select().await;
            match removal {
                true => drop(mailbox.expunge(&set(&[2])).await.unwrap()),
                false => flag(&*mailbox, &[2], FlagOp::Add, Flags::DRAFT).await,
            }
            modseq(&*mailbox).await
        };
        let octets = index(&disk);
        put(&disk, without_last(&octets));
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let now = mailbox.sync(None).await.unwrap().now;
        assert!(now.modseq >= known, "{removal}: {:?} {known:?}", now.modseq);
        assert_eq!(now.uids.len(), 3 - u32::from(removal));
    }
}

/// Not again and again: clients resynchronise once.
#[tokio::test]
async fn an_index_that_is_not_believed_is_made_anew_once() {
    let disk = settled().await;
    let octets = [&index(&disk)[..], b"torn"].concat();
    put(&disk, &octets);
    let mut told = Vec::new();
    for _ in 0..3 {
        let house = House::on(&disk);
        let mailbox = house.select().await;
        disk.advance(Duration::from_secs(5));
        told.push(modseq(&*mailbox).await);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[1], told[2]);
    assert!(!index(&disk).windows(4).any(|four| four == b"torn"));
}

#[tokio::test]
async fn after_power_was_lost_the_directories_are_read_whatever_the_index_says() {
    let disk = settled().await;
    disk.sync_all(Path::new("mail")).unwrap();
    let house = House::on(&disk.killed());
    house.select().await;
    assert_eq!(house.seen.take().1, 0, "nothing has happened");
    let house = House::on(&disk.restart(Loss::Kept, 0));
    house.select().await;
    assert!(house.seen.take().1 > 0);
}

#[tokio::test]
async fn an_index_begins_with_its_head_and_has_no_other() {
    let disk = settled().await;
    let sound = index(&disk);
    let head = &sound[8..8 + 8 + 45];
    assert_eq!(head[8], 1, "a head");
    let late = [&sound[..8], &frame(LEARNED, &[]), &sound[8..]].concat();
    assert!(!is_believed(&disk, &late).await);
    let twice = [&sound[..], head].concat();
    assert!(!is_believed(&disk, &twice).await);
}

/// Message files that are opened to tell everything of all messages.
async fn opened(disk: &SimDisk) -> usize {
    let house = House::on(disk);
    let mailbox = house.select().await;
    house.seen.take();
    assert_eq!(records(&*mailbox).await.len(), 3);
    house.seen.take().0
}

#[tokio::test]
async fn a_cache_of_another_version_or_number_is_made_anew() {
    let disk = settled().await;
    assert_eq!(opened(&disk.killed()).await, 0);
    for at in [7, 8, 16, 23] {
        let disk = disk.killed();
        let file = disk.open(Path::new(CACHE), Open::Write).unwrap();
        let mut octet = [0];
        file.read_at(&mut octet, at).unwrap();
        file.write_at(&[octet[0] ^ 1], at).unwrap();
        assert_eq!(opened(&disk).await, 3, "octet {at}");
        assert_eq!(opened(&disk).await, 0, "octet {at}, once more");
    }
}

/// The envelope that is told of the first message when its record in the cache is this one.
async fn told_by(disk: &SimDisk, lengths: [u32; 3], texts: &[u8], behind: &[u8]) -> Vec<u8> {
    let disk = disk.killed();
    let cache = read(&disk, Path::new(CACHE), 1 << 30).unwrap();
    let body: Vec<u8> = [1, lengths[0], lengths[1], lengths[2]]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .chain(texts.iter().copied())
        .collect();
    let check = crc32fast::hash(&[&cache[8..16], &body].concat());
    let front = [(body.len() as u32).to_le_bytes(), check.to_le_bytes()].concat();
    let at = cache.len().next_multiple_of(8);
    let file = disk.open(Path::new(CACHE), Open::Write).unwrap();
    let record = [&front, &body, behind].concat();
    file.write_at(&record, at as u64).unwrap();
    let learned = [
        &1u32.to_le_bytes()[..],
        &i64::MIN.to_le_bytes(),
        &(at as u32 / 8).to_le_bytes(),
    ];
    let log = disk.open(Path::new(INDEX), Open::Write).unwrap();
    log.append(&frame(LEARNED, &learned.concat())).unwrap();
    let told = records(&*House::on(&disk).select().await).await;
    told[0].envelope.as_deref().unwrap().to_vec()
}

#[tokio::test]
async fn a_record_that_we_would_not_have_written_is_none() {
    const NONE: u32 = u32::MAX;
    let disk = settled().await;
    let sound = told_by(&disk, [3, NONE, NONE], b"(X)", b"").await;
    assert_eq!(sound, b"(X)", "it is the record that tells");
    let beyond = told_by(&disk, [30, NONE, NONE], b"(X)", &[b'Y'; 100]).await;
    assert!(
        beyond.starts_with(b"(NIL \"message 0\""),
        "a text beyond its record"
    );
    let long = [&b"(X)"[..], &vec![b' '; 1 << 20]].concat();
    let long = told_by(&disk, [3, NONE, NONE], &long, b"").await;
    assert!(
        long.starts_with(b"(NIL \"message 0\""),
        "a record without a bound"
    );
}

#[tokio::test]
async fn a_cache_that_is_removed_under_us_is_made_anew() {
    let disk = settled().await;
    let house = House::on(&disk);
    let mailbox = house.select().await;
    disk.unlink(Path::new(CACHE)).unwrap();
    for n in 3..6 {
        house.deliver(&message(n)).await;
    }
    mailbox.sync(None).await.unwrap();
    assert_eq!(records(&*mailbox).await.len(), 6);
    drop(house);
    let later = House::on(&disk);
    let mailbox = later.select().await;
    later.seen.take();
    assert_eq!(records(&*mailbox).await.len(), 6);
    assert_eq!(later.seen.take().0, 0, "message files opened");
}

#[tokio::test]
async fn a_record_that_is_longer_than_most_is_read_whole() {
    let disk = settled().await;
    let house = House::on(&disk);
    let subject = "long ".repeat(2000);
    let text = message(7).replace("message 7", &subject);
    house.deliver(&text).await;
    let mailbox = house.select().await;
    house.seen.take();
    let told = records(&*mailbox).await;
    assert!(told[3].headers.as_deref().unwrap().len() > 8192);
    assert_eq!(house.seen.take().0, 0, "message files opened");
}

/// A write to the index fails, whichever: flags that go on and off afterwards are news to whoever was told of them.
#[tokio::test]
async fn an_index_that_could_not_be_written_is_not_believed_later() {
    let base = settled().await;
    let (first, last) = {
        let disk = base.killed();
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let first = disk.operations();
        flag(&*mailbox, &[2], FlagOp::Add, Flags::FLAGGED).await;
        (first, disk.operations())
    };
    assert!(last > first + 2);
    for at in first + 1..=last {
        let disk = base.killed();
        let house = House::on(&disk);
        let mailbox = house.select().await;
        disk.fail_at(at);
        let mut told = Vec::new();
        for op in [FlagOp::Add, FlagOp::Remove] {
            let change = FlagChange::of(op, Flags::FLAGGED);
            if mailbox.flag(&set(&[2]), &change, None).await.is_err() {
                // A lock that could not be given back is honoured for a while.
                disk.advance(Duration::from_secs(150));
                mailbox.flag(&set(&[2]), &change, None).await.unwrap();
            }
            told.push(modseq(&*mailbox).await);
        }
        let disk = disk.killed();
        let house = House::on(&disk);
        let mailbox = house.select().await;
        let changes = mailbox.sync(Some(told[0])).await.unwrap();
        assert!(changes.now.modseq >= told[1], "failed at {at}");
        let news = changes.flagged.iter().any(|it| it.0.number() == 2);
        assert!(news, "failed at {at}: who saw the flag keeps it");
    }
}
