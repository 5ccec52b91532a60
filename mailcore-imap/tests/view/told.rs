//! What is told when, what is never told, and what it weighs.

use crate::client::{Client, Mailbox, row, set, sync};
use mailcore_base::mailbox::{Changes, Flags, Keyword, ModSeq, Uid, UidMap, UidSet, UidValidity};
use mailcore_imap::server::view::{News, NoSuchMessage, Permit, Replaced, View};
use std::num::NonZeroU32;
use std::sync::Arc;

#[test]
fn a_message_that_came_and_went_between_two_tellings_is_never_mentioned() {
    let mut mailbox = Mailbox::with(2);
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    mailbox.append(1);
    view.apply(mailbox.since(view.known()), UidSet::new())
        .unwrap();
    mailbox.expunge([3]);
    view.apply(mailbox.since(view.known()), UidSet::new())
        .unwrap();
    assert_eq!(view.news(Permit::All).collect::<Vec<_>>(), []);
}

#[test]
fn an_expunge_waits_for_its_permit_and_what_is_new_does_not() {
    let mut mailbox = Mailbox::with(3);
    mailbox.recent.clear();
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    mailbox.flag([1], Flags::SEEN);
    sync(&mut view, &mailbox, &[]);
    mailbox.expunge([1, 3]);
    mailbox.append(1);
    mailbox.flag([2], Flags::SEEN);
    sync(&mut view, &mailbox, &[]);
    let told: Vec<News> = view.news(Permit::NoExpunge).collect();
    assert!(matches!(told[0], News::Flags { number: 2, .. }), "{told:?}");
    assert_eq!(told[1..], [News::Exists(4), News::Recent(1)]);
    assert!(view.is_gone(Uid::FIRST) && !view.is_gone(Uid::new(2).unwrap()));
    let told: Vec<News> = view.news(Permit::All).collect();
    assert_eq!(told, [News::Expunged(3), News::Expunged(1)]);
    assert_eq!(view.exists(), 2);
}

#[test]
fn keywords_are_named_before_flags_use_them() {
    let mut mailbox = Mailbox::with(1);
    mailbox.recent.clear();
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    let flag = mailbox.keywords.add(&Keyword::parse("$Junk").unwrap());
    mailbox.flag([1], flag.unwrap());
    sync(&mut view, &mailbox, &[]);
    let told: Vec<News> = view.news(Permit::NoExpunge).collect();
    assert!(
        matches!(told[..], [News::Keywords, News::Flags { .. }]),
        "{told:?}"
    );
}

#[test]
fn a_silent_store_echoes_nothing_but_what_others_did_before_it() {
    let mut mailbox = Mailbox::with(2);
    mailbox.recent.clear();
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    mailbox.flag([2], Flags::FLAGGED);
    sync(&mut view, &mailbox, &[]);
    mailbox.flag([1, 2], Flags::SEEN);
    let own = [1, 2].map(|n| (Uid::new(n).unwrap(), Flags::SEEN));
    sync(&mut view, &mailbox, &own);
    let told: Vec<News> = view.news(Permit::All).collect();
    assert!(
        matches!(told[..], [News::Flags { number: 2, flags, .. }] if flags == Flags::SEEN),
        "{told:?}"
    );

    view.tell_modseqs(true);
    mailbox.flag([1], Flags::DELETED);
    sync(&mut view, &mailbox, &[(Uid::FIRST, Flags::DELETED)]);
    let told: Vec<News> = view.news(Permit::All).collect();
    assert!(matches!(told[..], [News::ModSeq { number: 1, .. }]));

    // Somebody else was at it in the same moment.
    mailbox.flag([1], Flags::DELETED | Flags::SEEN);
    sync(&mut view, &mailbox, &[(Uid::FIRST, Flags::DELETED)]);
    let told: Vec<News> = view.news(Permit::All).collect();
    assert!(matches!(told[..], [News::Flags { number: 1, .. }]));
}

#[test]
fn a_flood_of_changed_flags_costs_a_view_next_to_nothing_and_is_told_in_full() {
    // Every second message, so that the set of them has the most gaps that it can have.
    let count = 100_000;
    let mut mailbox = Mailbox::with(count);
    let mut view = View::new(&mailbox.snapshot(), mailbox.recent());
    let mut client = Client::select(&view, &mailbox);
    mailbox.flag((1..=count).step_by(2), Flags::SEEN);
    sync(&mut view, &mailbox, &[]);
    assert!(view.weight() < 16 * 1024, "{}", view.weight());
    let (mut asked, mut told) = (0, 0);
    while let Some(news) = view.news(Permit::NoExpunge).next() {
        match news {
            News::Ask(uids) => {
                asked += 1;
                let from = mailbox.messages.range(uids.first().unwrap().number()..);
                let rows = from.take_while(|(n, _)| **n <= uids.last().unwrap().number());
                let rows: Vec<_> = rows.map(|(n, m)| row(*n, *m)).collect();
                assert!(rows.len() <= 256);
                view.learn(&uids, rows);
            }
            news => {
                told += 1;
                client.believe(news, &view, &mailbox, Permit::NoExpunge);
            }
        }
        assert!(view.weight() < 16 * 1024);
    }
    assert_eq!((asked, told), (391, 50_000));
    client.knows_the_truth(&mailbox, &view);
}

#[test]
fn an_idle_view_weighs_little() {
    let mut mailbox = Mailbox::with(100);
    let mut view = View::new(&mailbox.snapshot(), mailbox.recent());
    assert!(view.weight() <= 300, "{}", view.weight());
    // And again, once everything that happened has been told.
    mailbox.append(50);
    mailbox.expunge(20..90);
    mailbox.flag(1..=10, Flags::SEEN);
    sync(&mut view, &mailbox, &[]);
    assert!(view.weight() > 300, "{}", view.weight());
    let told = view.news(Permit::All).count();
    assert_eq!(told, 10 + 70 + 2);
    assert!(view.weight() <= 300, "{}", view.weight());
}

#[test]
fn sessions_share_the_snapshot_whatever_they_have_been_told() {
    let mut mailbox = Mailbox::with(1_000);
    let mut views = [0; 3].map(|_| View::new(&mailbox.snapshot(), UidSet::new()));
    mailbox.expunge((1..1_000).step_by(2));
    let changes = mailbox.since(ModSeq(mailbox.modseq));
    for view in &mut views {
        view.apply(changes.clone(), UidSet::new()).unwrap();
    }
    views[1].news(Permit::All).for_each(drop);
    views[2].news(Permit::NoExpunge).for_each(drop);
    for view in &views {
        assert!(Arc::ptr_eq(&view.now().uids, &changes.now.uids));
    }
    assert_eq!(views.map(|view| view.exists()), [1_000, 500, 1_000]);
}

#[test]
fn a_message_that_appears_below_those_told_waits_for_the_next_select() {
    let mut mailbox = Mailbox::with(5);
    mailbox.expunge([2, 4]);
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    // The store breaks its promise: an expunged message comes back.
    let mut changes = mailbox.since(view.known());
    changes.now.uids = Arc::new([1, 2, 3, 5, 6].into_iter().filter_map(Uid::new).collect());
    view.apply(changes.clone(), UidSet::new()).unwrap();
    assert_eq!(
        view.news(Permit::All).collect::<Vec<_>>(),
        [News::Exists(4)]
    );
    view.apply(changes, UidSet::new()).unwrap();
    assert_eq!(view.news(Permit::All).next(), None);
    assert_eq!(view.number(Uid::new(2).unwrap()), None);
    assert_eq!(view.uid(4), Uid::new(6));
}

#[test]
fn a_replaced_mailbox_ends_the_view() {
    let mailbox = Mailbox::with(5);
    let mut view = View::new(&mailbox.snapshot(), UidSet::new());
    let mut changes = mailbox.since(ModSeq(0));
    changes.now.uid_validity = UidValidity(NonZeroU32::MAX);
    assert_eq!(view.apply(changes, UidSet::new()), Err(Replaced));
    assert_eq!(view.exists(), 5);
}

#[test]
fn the_star_is_the_last_message_and_ranges_go_both_ways() {
    let mut mailbox = Mailbox::with(6);
    mailbox.expunge([2, 5]);
    let view = View::new(&mailbox.snapshot(), UidSet::new());
    let numbers = |ranges: &[(Option<u32>, Option<u32>)]| view.numbers(ranges.iter().copied());
    let uids = |ranges: &[(Option<u32>, Option<u32>)]| view.uids(ranges.iter().copied());
    assert_eq!(
        numbers(&[(Some(2), Some(3)), (None, None)]),
        Ok(set([3, 4, 6]))
    );
    assert_eq!(
        numbers(&[(None, Some(1)), (Some(1), Some(1))]),
        Ok(set([1, 3, 4, 6]))
    );
    assert_eq!(numbers(&[(Some(1), Some(5))]), Err(NoSuchMessage));
    assert_eq!(numbers(&[(Some(0), Some(0))]), Err(NoSuchMessage));
    assert_eq!(
        uids(&[(Some(5), Some(2)), (Some(6), Some(6))]),
        set([3, 4, 6])
    );
    // RFC 3501 §6.4.8: 559:* names the last message even where its UID is lower.
    assert_eq!(uids(&[(Some(559), None)]), set([6]));
    assert_eq!(uids(&[(Some(5), Some(5)), (Some(0), Some(0))]), set([]));

    let empty = View::new(&Mailbox::with(0).snapshot(), UidSet::new());
    assert_eq!(empty.numbers([(None, None)]), Err(NoSuchMessage));
    assert_eq!(empty.uids([(Some(1), None)]), UidSet::new());
}

#[test]
fn the_highest_uid_is_no_special_case() {
    let top: UidMap = [u32::MAX - 1, u32::MAX]
        .into_iter()
        .filter_map(Uid::new)
        .collect();
    let mut snapshot = Mailbox::with(0).snapshot();
    snapshot.uids = Arc::new(top);
    let mut view = View::new(&snapshot, UidSet::all());
    assert_eq!(view.number(Uid::LAST), Some(2));
    snapshot.uids = Arc::default();
    view.apply(Changes::new(snapshot, Vec::new()), UidSet::new())
        .unwrap();
    assert_eq!(view.uid(2), Some(Uid::LAST));
    let told: Vec<News> = view.news(Permit::All).collect();
    assert_eq!(
        told,
        [News::Expunged(2), News::Expunged(1), News::Recent(0)]
    );
}
