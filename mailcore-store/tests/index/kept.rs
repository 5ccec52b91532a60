//! What the index keeps from one start to the next: modification sequences, and what was expunged.

use crate::house::{House, disk, flag, message, modseq, set};
use mailcore_base::mailbox::{FlagOp, Flags, MailboxName, ModSeq};
use mailcore_store::disk::Loss;
use mailcore_store::mailbox::Mailbox;

/// UIDs whose flags changed since.
async fn changed(mailbox: &dyn Mailbox, since: ModSeq) -> Vec<u32> {
    let changes = mailbox.sync(Some(since)).await.unwrap();
    changes
        .flagged
        .iter()
        .map(|(uid, ..)| uid.number())
        .collect()
}

#[tokio::test]
async fn who_comes_back_after_a_restart_is_told_what_changed_and_no_more() {
    let disk = disk();
    let (known, after);
    {
        let house = House::on(&disk);
        for n in 0..6 {
            house.deliver(&message(n)).await;
        }
        let mailbox = house.select().await;
        known = modseq(&*mailbox).await;
        flag(&*mailbox, &[2], FlagOp::Add, Flags::SEEN).await;
        mailbox.expunge(&set(&[4, 5])).await.unwrap();
        after = modseq(&*mailbox).await;
    }
    for _ in 0..3 {
        let house = House::on(&disk);
        let mailbox = house.select().await;
        assert_eq!(modseq(&*mailbox).await, after);
        assert_eq!(changed(&*mailbox, known).await, [2]);
        assert_eq!(changed(&*mailbox, after).await, [] as [u32; 0]);
        assert_eq!(mailbox.expunged(known).await.unwrap(), Some(set(&[4, 5])));
        assert_eq!(mailbox.expunged(after).await.unwrap(), Some(set(&[])));
        assert_eq!(
            mailbox.expunged(ModSeq(1)).await.unwrap(),
            None,
            "before its history"
        );
    }
}

#[tokio::test]
async fn after_power_was_lost_every_message_counts_as_changed() {
    for loss in [Loss::Lost, Loss::Kept, Loss::Torn] {
        let disk = disk();
        let house = House::on(&disk);
        for n in 0..4 {
            house.deliver(&message(n)).await;
        }
        let mailbox = house.select().await;
        flag(&*mailbox, &[2], FlagOp::Add, Flags::SEEN).await;
        let told = modseq(&*mailbox).await;
        // This was told to nobody who came back, and the index may not know of it.
        flag(&*mailbox, &[2], FlagOp::Remove, Flags::SEEN).await;
        let last = modseq(&*mailbox).await;
        let survivor = disk.restart(loss, 3);
        let later = House::on(&survivor);
        let mailbox = later.select().await;
        assert!(modseq(&*mailbox).await > last, "{loss:?}");
        assert_eq!(changed(&*mailbox, told).await, [1, 2, 3, 4], "{loss:?}");
        assert_eq!(mailbox.expunged(told).await.unwrap(), None, "{loss:?}");
        let since = modseq(&*mailbox).await;
        assert_eq!(mailbox.expunged(since).await.unwrap(), Some(set(&[])));
    }
}

#[tokio::test]
async fn what_a_killed_process_told_is_still_so() {
    let disk = disk();
    let house = House::on(&disk);
    for n in 0..4 {
        house.deliver(&message(n)).await;
    }
    let mailbox = house.select().await;
    let known = modseq(&*mailbox).await;
    flag(&*mailbox, &[3], FlagOp::Add, Flags::FLAGGED).await;
    flag(&*mailbox, &[3], FlagOp::Remove, Flags::FLAGGED).await;
    mailbox.expunge(&set(&[1])).await.unwrap();
    let last = modseq(&*mailbox).await;
    let killed = disk.killed();
    let later = House::on(&killed);
    let mailbox = later.select().await;
    assert_eq!(modseq(&*mailbox).await, last);
    assert_eq!(
        changed(&*mailbox, known).await,
        [3],
        "there and back is a change, too"
    );
    assert_eq!(mailbox.expunged(known).await.unwrap(), Some(set(&[1])));
}

#[tokio::test]
async fn two_processes_on_one_mailbox_make_whoever_comes_next_look_at_everything() {
    let disk = disk();
    let (one, two) = (House::on(&disk), House::on(&disk));
    for n in 0..3 {
        one.deliver(&message(n)).await;
    }
    let (here, there) = (one.select().await, two.select().await);
    flag(&*here, &[1], FlagOp::Add, Flags::SEEN).await;
    flag(&*there, &[2], FlagOp::Add, Flags::SEEN).await;
    flag(&*there, &[2], FlagOp::Remove, Flags::SEEN).await;
    let told = modseq(&*there).await;
    flag(&*here, &[3], FlagOp::Add, Flags::SEEN).await;
    let last = modseq(&*here).await.max(told);
    let later = House::on(&disk);
    let mailbox = later.select().await;
    assert!(modseq(&*mailbox).await > last);
    assert_eq!(changed(&*mailbox, told).await, [1, 2, 3]);
}

#[tokio::test]
async fn mail_that_no_session_has_seen_is_recent_in_a_later_life_too() {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(0)).await;
    drop(house.select().await);
    house.deliver(&message(1)).await;
    house.deliver(&message(2)).await;
    let later = House::on(&disk);
    let account = later.account().await;
    let status = account.status(&MailboxName::inbox()).await.unwrap();
    assert_eq!((status.messages, status.recent), (3, 2));
}
