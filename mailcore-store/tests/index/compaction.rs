//! The cache written anew, and the index's checkpoint behind a long log: power is lost, the process is killed, or the disk
//! fails at each operation of them; their files are damaged afterwards; others hold the old ones.

use crate::house::{House, disk, flag, message, records, set};
use mailcore_base::mailbox::{
    FlagChange, FlagOp, Flags, MailboxName, ModSeq, UidMap, UidSet, UidValidity,
};
use mailcore_store::Result;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Loss, Open, SimDisk};
use mailcore_store::mailbox::{Access, MailStore, Mailbox, Record, Stamp};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const INDEX: &str = "mail/mailcore.index";
const CACHE: &str = "mail/mailcore.cache";
/// As many as make the cache worth writing anew once they are gone.
const MANY: usize = 1100;
/// Those that stay: the last, so that their texts come to lie elsewhere.
const FEW: u32 = 8;
const FIRST: u32 = MANY as u32 - FEW + 1;

fn len(disk: &SimDisk, path: &str) -> u64 {
    disk.stat(Path::new(path)).unwrap().len
}

async fn deliver_all(house: &House, count: usize) {
    let account = house.account().await;
    let mut append = account.append(&MailboxName::inbox()).await.unwrap();
    for n in 0..count {
        if n > 0 {
            append.another(Stamp::default()).await.unwrap();
        }
        append.write(message(n).as_bytes()).await.unwrap();
    }
    append.commit(Stamp::default()).await.unwrap();
}

/// What a client was told, and takes with it.
struct Told {
    uids: Arc<UidMap>,
    validity: UidValidity,
    next: u32,
    modseq: ModSeq,
    records: Vec<Record>,
}

impl Told {
    async fn by(mailbox: &dyn Mailbox) -> Self {
        let now = mailbox.sync(None).await.unwrap().now;
        Self {
            uids: now.uids,
            validity: now.uid_validity,
            next: now.uid_next.number(),
            modseq: now.modseq,
            records: records(mailbox).await,
        }
    }
}

/// A flag goes on and off; each time is a line of the index's log.
async fn change(mailbox: &dyn Mailbox, on: bool) {
    let op = if on { FlagOp::Add } else { FlagOp::Remove };
    let all: Vec<u32> = (FIRST..=MANY as u32).collect();
    flag(mailbox, &all, op, Flags::FLAGGED).await;
}

/// A mailbox most of whose messages are gone, one change before its index gets a checkpoint and its cache is written anew;
/// and whether that change sets a flag.
async fn on_the_brink() -> (SimDisk, bool, Told) {
    let disk = disk();
    {
        let house = House::on(&disk);
        deliver_all(&house, MANY).await;
        let mailbox = house.select().await;
        // All had to be told that they are in cur: this makes a checkpoint, and the next log begins.
        flag(&*mailbox, &[1], FlagOp::Add, Flags::SEEN).await;
        let gone: UidSet = set(&(1..FIRST).collect::<Vec<_>>());
        mailbox.expunge(&gone).await.unwrap();
        records(&*mailbox).await;
    }
    let (mut at, mut on) = (disk.killed(), true);
    loop {
        let (index, cache) = (len(&at, INDEX), len(&at, CACHE));
        let next = at.killed();
        let house = House::on(&next);
        let mailbox = house.select().await;
        change(&*mailbox, on).await;
        if len(&next, INDEX) < index {
            assert!(len(&next, CACHE) < cache / 10, "the cache, too");
            let told = Told::by(&*House::on(&at.killed()).select().await).await;
            return (at.killed(), on, told);
        }
        at = next;
        on = !on;
    }
}

fn but_flags(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    for record in &mut records {
        (record.modseq, record.flags) = (ModSeq(0), Flags::NONE);
    }
    records
}

/// All that was told is so still, and who comes back is told what has changed.
async fn stands(disk: &SimDisk, told: &Told, case: &str) {
    for _ in 0..2 {
        let house = House::on(disk);
        let mailbox = house.select().await;
        let changes = mailbox.sync(Some(told.modseq)).await.unwrap();
        let now = &changes.now;
        assert_eq!(now.uids, told.uids, "{case}");
        assert_eq!(now.uid_validity, told.validity, "{case}");
        assert_eq!(now.uid_next.number(), told.next, "{case}");
        assert!(now.modseq >= told.modseq, "{case}: {:?}", now.modseq);
        let seen = records(&*mailbox).await;
        assert_eq!(but_flags(&seen), but_flags(&told.records), "{case}");
        for (record, before) in seen.iter().zip(&told.records) {
            let news = changes.flagged.iter().any(|it| it.0 == record.uid);
            let same = record.flags == before.flags;
            assert!(same || news, "{case}: UID {} is another", record.uid);
        }
        let gone = mailbox.expunged(told.modseq).await.unwrap();
        assert!(gone.is_none_or(|gone| gone.is_empty()), "{case}");
    }
    let later = House::on(disk);
    let uid = later.deliver(&message(0)).await;
    assert_eq!(uid.number(), told.next, "{case}");
    let texts = records(&*later.select().await).await;
    assert!(texts.iter().all(|r| r.envelope.is_some()), "{case}");
}

/// A life that makes the checkpoint, as far as the disk lets it; whether the flags were told.
async fn live(house: &House, on: bool) -> Result<Box<dyn Mailbox>> {
    let account = house.store.account(&User::new("u")).await?;
    let mailbox = account.open(&MailboxName::inbox(), Access::Write).await?;
    mailbox.sync(None).await?;
    let op = if on { FlagOp::Add } else { FlagOp::Remove };
    let change = FlagChange::of(op, Flags::FLAGGED);
    mailbox.flag(&UidSet::all(), &change, None).await?;
    Ok(mailbox)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Power(Loss, u64),
    /// The operation fails, and the same server goes on.
    Failed,
    Full,
}

#[tokio::test]
async fn a_checkpoint_that_is_cut_off_anywhere_loses_nothing() {
    let (disk, on, told) = on_the_brink().await;
    let last = {
        let disk = disk.killed();
        live(&House::on(&disk), on).await.unwrap();
        disk.operations()
    };
    assert!(last > 20, "{last}");
    let ends = [
        End::Killed,
        End::Power(Loss::Lost, 0),
        End::Power(Loss::Kept, 0),
        End::Power(Loss::Torn, 1),
        End::Power(Loss::Torn, 2),
        End::Failed,
        End::Full,
    ];
    for at in 0..=last {
        for end in ends {
            let disk = disk.killed();
            match end {
                End::Failed => disk.fail_at(at + 1),
                End::Full => disk.full_from(Some(at + 1)),
                _ => disk.crash_after(at),
            }
            let case = format!("{end:?} at {at}");
            let done = live(&House::on(&disk), on).await;
            let later = match end {
                End::Killed => disk.killed(),
                End::Power(loss, seed) => disk.restart(loss, seed * 1000 + at),
                End::Failed | End::Full => {
                    disk.full_from(None);
                    if let Ok(mailbox) = &done {
                        let seen = records(&**mailbox).await;
                        assert_eq!(but_flags(&seen), but_flags(&told.records), "{case}");
                    }
                    disk.killed()
                }
            };
            // Longer than the lock of the dead is honoured.
            later.advance(Duration::from_secs(150));
            if done.is_ok() {
                let now = records(&*House::on(&later).select().await).await;
                let flagged = |r: &Record| r.flags.contains(Flags::FLAGGED) == on;
                assert!(now.iter().all(flagged), "{case}: flags are lost");
            }
            stands(&later, &told, &case).await;
        }
    }
}

#[tokio::test]
async fn a_cache_that_was_written_anew_holds_what_the_old_one_held() {
    let (disk, on, told) = on_the_brink().await;
    let house = House::on(&disk);
    let mailbox = house.select().await;
    house.seen.take();
    change(&*mailbox, on).await;
    for life in [&house, &House::on(&disk)] {
        let mailbox = life.select().await;
        let seen = records(&*mailbox).await;
        assert_eq!(but_flags(&seen), but_flags(&told.records));
        assert_eq!(life.seen.take().0, 0, "message files opened");
    }
    assert!(len(&disk, CACHE) < 24 + u64::from(FEW) * 1024);
}

#[tokio::test]
async fn what_a_dead_process_has_left_aside_is_no_obstacle() {
    let (disk, on, told) = on_the_brink().await;
    let house = House::on(&disk);
    for aside in [INDEX, CACHE] {
        house.put(&format!("{aside}.tmp"), "half a file");
    }
    let (index, cache) = (len(&disk, INDEX), len(&disk, CACHE));
    change(&*house.select().await, on).await;
    assert!(len(&disk, INDEX) < index && len(&disk, CACHE) < cache / 10);
    stands(&disk, &told, "left aside").await;
}

/// What came since the last checkpoint counts, too, in a later life.
#[tokio::test]
async fn a_cache_that_an_earlier_life_has_filled_is_written_anew() {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(0)).await;
    deliver_all(&house, MANY).await;
    let full = len(&disk, CACHE);
    let disk = disk.killed();
    let house = House::on(&disk);
    let mailbox = house.select().await;
    let gone: UidSet = set(&(1..=FIRST).collect::<Vec<_>>());
    mailbox.expunge(&gone).await.unwrap();
    change(&*mailbox, true).await;
    assert!(len(&disk, CACHE) < full / 10, "{}", len(&disk, CACHE));
    assert_eq!(records(&*mailbox).await.len(), FEW as usize);
}

/// Another process holds the old cache's places, and what it has learned since it appends to the new one.
#[tokio::test]
async fn who_holds_the_old_cache_is_told_nothing_wrong_and_spoils_nothing() {
    let (disk, on, told) = on_the_brink().await;
    let (one, two) = (House::on(&disk), House::on(&disk));
    let (here, there) = (one.select().await, two.select().await);
    assert_eq!(records(&*there).await, told.records);
    change(&*here, on).await;
    assert_eq!(but_flags(&records(&*there).await), but_flags(&told.records));
    let (more, others) = (
        one.deliver(&message(71)).await,
        two.deliver(&message(72)).await,
    );
    for (mailbox, uid, n) in [(&here, others, 72), (&there, more, 71)] {
        mailbox.sync(None).await.unwrap();
        let seen = records(&**mailbox).await;
        let text =
            |r: &Record| String::from_utf8_lossy(r.envelope.as_deref().unwrap()).into_owned();
        let subject = format!("\"message {n}\"");
        assert!(
            seen.iter()
                .any(|r| r.uid == uid && text(r).contains(&subject))
        );
        assert_eq!(but_flags(&seen[..FEW as usize]), but_flags(&told.records));
    }
    // Who has found that the index is another's leaves the cache to him, too.
    let full = len(&disk, CACHE);
    two.deliver(&message(73)).await;
    assert_eq!(len(&disk, CACHE), full);
    let later = House::on(&disk);
    let seen = records(&*later.select().await).await;
    assert_eq!(seen.len(), FEW as usize + 3);
    assert_eq!(but_flags(&seen[..FEW as usize]), but_flags(&told.records));
}

/// What becomes of a file at a place in it.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Cut,
    Turned,
    Blanked,
}

fn damage(disk: &SimDisk, path: &str, at: u64, how: Damage) {
    let file = disk.open(Path::new(path), Open::Write).unwrap();
    let mut octets = [0; 16];
    let n = file.read_at(&mut octets, at).unwrap();
    match how {
        Damage::Cut => file.truncate(at).unwrap(),
        Damage::Turned => file.write_at(&[octets[0] ^ 0x40], at).unwrap(),
        Damage::Blanked => file.write_at(&[0; 16][..n], at).unwrap(),
    }
}

fn ends_of_frames(disk: &SimDisk) -> Vec<u64> {
    let octets = mailcore_store::disk::read(disk, Path::new(INDEX), 1 << 30).unwrap();
    let (mut at, mut ends) = (8, vec![8]);
    while let Some(front) = octets.get(at..at + 4) {
        at += 8 + u32::from_le_bytes(front.try_into().unwrap()) as usize;
        ends.push(at as u64);
    }
    ends
}

/// Before the checkpoint the damage is in the log or in a checkpoint with a log behind it, after it in a checkpoint alone,
/// and then in one with a log again.
#[tokio::test]
async fn a_checkpoint_or_a_long_log_that_is_damaged_loses_nothing() {
    let (brink, on, told) = on_the_brink().await;
    let after = brink.killed();
    let house = House::on(&after);
    change(&*house.select().await, on).await;
    let behind = after.killed();
    let house = House::on(&behind);
    let mailbox = house.select().await;
    change(&*mailbox, !on).await;
    change(&*mailbox, on).await;
    change(&*mailbox, !on).await;
    behind.advance(Duration::from_secs(5));
    drop(mailbox);
    for (state, disk) in [("before", &brink), ("after", &after), ("behind", &behind)] {
        let told = match state {
            "before" => &told,
            _ => &Told::by(&*House::on(&disk.killed()).select().await).await,
        };
        for path in [INDEX, CACHE] {
            let len = len(&disk.killed(), path);
            for at in (0..len).step_by((len / 40).max(1) as usize) {
                for how in [Damage::Cut, Damage::Turned, Damage::Blanked] {
                    let disk = disk.killed();
                    // A cut between two frames cannot be told from none.
                    let between = path == INDEX && ends_of_frames(&disk).contains(&at);
                    let at = at + u64::from(between);
                    damage(&disk, path, at, how);
                    let case = format!("{state}: {path} {how:?} at {at} of {len}");
                    stands(&disk, told, &case).await;
                }
            }
        }
    }
}
