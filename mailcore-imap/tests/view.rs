//! The view promises: a client that believes whatever it is told is never wrong about a number, and knows the
//! true mailbox once it has been told all.

#![allow(clippy::unwrap_used)]

use mailcore_base::mailbox::{
    Changes, Flags, Keyword, Keywords, ModSeq, Snapshot, Uid, UidMap, UidSet, UidValidity,
};
use mailcore_imap::server::view::{News, NoSuchMessage, Permit, Replaced, View};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The true mailbox, which any number of writers change.
struct Mailbox {
    messages: BTreeMap<u32, (Flags, u64)>,
    uid_next: u32,
    modseq: u64,
    keywords: Keywords,
    recent: BTreeSet<u32>,
}

impl Mailbox {
    fn with(messages: u32) -> Self {
        let mut mailbox = Self {
            messages: BTreeMap::new(),
            uid_next: 1,
            modseq: 1,
            keywords: Keywords::default(),
            recent: BTreeSet::new(),
        };
        mailbox.append(messages);
        mailbox
    }

    fn append(&mut self, messages: u32) {
        for _ in 0..messages {
            self.modseq += 1;
            self.messages
                .insert(self.uid_next, (Flags::NONE, self.modseq));
            self.recent.insert(self.uid_next);
            self.uid_next += 1;
        }
    }

    fn expunge(&mut self, uids: impl IntoIterator<Item = u32>) {
        self.modseq += 1;
        for uid in uids {
            self.messages.remove(&uid);
            self.recent.remove(&uid);
        }
    }

    fn flag(&mut self, uids: impl IntoIterator<Item = u32>, flags: Flags) {
        self.modseq += 1;
        for uid in uids {
            if let Some(message) = self.messages.get_mut(&uid) {
                *message = (flags, self.modseq);
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let validity = UidValidity(NonZeroU32::new(7).unwrap());
        let mut snapshot = Snapshot::empty(validity);
        snapshot.uid_next = Uid::new(self.uid_next).unwrap();
        snapshot.modseq = ModSeq(self.modseq);
        snapshot.uids = Arc::new(self.messages.keys().filter_map(|n| Uid::new(*n)).collect());
        snapshot.keywords = Arc::new(self.keywords.clone());
        snapshot
    }

    fn recent(&self) -> UidSet {
        set(self.recent.iter().copied())
    }

    fn since(&self, known: ModSeq) -> Changes {
        let flagged = self.messages.iter().filter(|(_, m)| m.1 > known.0);
        Changes::new(self.snapshot(), flagged.map(|(n, m)| row(*n, *m)).collect())
    }

    fn rows(&self, asked: &UidSet) -> Vec<(Uid, Flags, ModSeq)> {
        let all = self.messages.iter().map(|(n, m)| row(*n, *m));
        all.filter(|row| asked.contains(row.0)).collect()
    }
}

fn row(uid: u32, message: (Flags, u64)) -> (Uid, Flags, ModSeq) {
    (Uid::new(uid).unwrap(), message.0, ModSeq(message.1))
}

fn set(of: impl IntoIterator<Item = u32>) -> UidSet {
    of.into_iter().filter_map(Uid::new).collect()
}

/// A client that believes every untagged response, and fetches the UID and flags of what is new.
#[derive(Default)]
struct Client {
    messages: Vec<(Uid, Flags)>,
    recent: u32,
    keywords: usize,
    modseqs: BTreeMap<Uid, ModSeq>,
}

impl Client {
    fn select(view: &View, mailbox: &Mailbox) -> Self {
        let mut client = Self {
            recent: mailbox.recent.len() as u32,
            keywords: mailbox.keywords.iter().len(),
            ..Self::default()
        };
        client.fetch_new(view, mailbox, view.exists());
        client
    }

    fn fetch_new(&mut self, view: &View, mailbox: &Mailbox, exists: u32) {
        assert!(exists >= self.messages.len() as u32, "EXISTS shrank");
        for number in self.messages.len() as u32 + 1..=exists {
            let uid = view.uid(number).unwrap();
            let flags = mailbox.messages.get(&uid.number()).map(|m| m.0);
            self.messages.push((uid, flags.unwrap_or_default()));
        }
    }

    fn believe(&mut self, news: News, view: &View, mailbox: &Mailbox, permit: Permit) {
        match news {
            News::Keywords => self.keywords = view.keywords().iter().len(),
            News::Flags {
                number, uid, flags, ..
            } => {
                let message = &mut self.messages[number as usize - 1];
                assert_eq!(message.0, uid);
                message.1 = flags;
            }
            News::ModSeq {
                number,
                uid,
                modseq,
            } => {
                assert_eq!(self.messages[number as usize - 1].0, uid);
                self.modseqs.insert(uid, modseq);
            }
            News::Expunged(number) => {
                assert_eq!(permit, Permit::All);
                self.messages.remove(number as usize - 1);
            }
            News::Vanished(uids) => {
                assert_eq!(permit, Permit::All);
                let before = self.messages.len();
                self.messages.retain(|(uid, _)| !uids.contains(*uid));
                assert_eq!(before - self.messages.len(), uids.len() as usize);
            }
            News::Exists(exists) => {
                assert!(exists > self.messages.len() as u32, "nothing new in EXISTS");
                self.fetch_new(view, mailbox, exists);
            }
            News::Recent(recent) => self.recent = recent,
            News::Ask(_) => unreachable!("not for the client"),
        }
    }

    /// Numbers mean the same to both at every moment.
    fn agrees(&self, view: &View) {
        assert_eq!(view.exists() as usize, self.messages.len());
        for (index, (uid, _)) in self.messages.iter().enumerate() {
            assert_eq!(view.uid(index as u32 + 1), Some(*uid));
            assert_eq!(view.number(*uid), Some(index as u32 + 1));
        }
        assert_eq!(view.uid(0), None);
        assert_eq!(view.uid(view.exists() + 1), None);
    }

    /// Listens to at most so many facts; true once there is nothing left.
    fn hear(&mut self, view: &mut View, mailbox: &Mailbox, permit: Permit, most: usize) -> bool {
        for _ in 0..most {
            match view.news(permit).next() {
                None => return true,
                Some(News::Ask(asked)) => view.learn(&asked, mailbox.rows(&asked)),
                Some(news) => self.believe(news, view, mailbox, permit),
            }
            self.agrees(view);
        }
        false
    }

    fn knows_the_truth(&self, mailbox: &Mailbox, view: &View) {
        let truth: Vec<(Uid, Flags)> = mailbox
            .messages
            .iter()
            .map(|(n, m)| (Uid::new(*n).unwrap(), m.0))
            .collect();
        assert_eq!(self.messages, truth);
        assert_eq!(self.recent as usize, mailbox.recent.len());
        assert_eq!(self.keywords, mailbox.keywords.iter().len());
        assert_eq!(view.settled(), ModSeq(mailbox.modseq));
    }
}

/// What happens next in a history.
#[derive(Debug, Clone)]
enum Event {
    Append(u32),
    Expunge(Vec<u32>),
    Flag(Vec<u32>, u64),
    Keyword,
    /// The client's own STORE .SILENT, which the session makes and syncs.
    Silent(Vec<u32>, u64),
    Owe(Vec<u32>),
    Sync,
    Tell(Permit, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let uids = || proptest::collection::vec(1u32..60, 0..12);
    let permit = prop_oneof![Just(Permit::All), Just(Permit::NoExpunge)];
    prop_oneof![
        (0u32..6).prop_map(Event::Append),
        uids().prop_map(Event::Expunge),
        (uids(), 0u64..32).prop_map(|(uids, bits)| Event::Flag(uids, bits)),
        Just(Event::Keyword),
        (uids(), 0u64..32).prop_map(|(uids, bits)| Event::Silent(uids, bits)),
        uids().prop_map(Event::Owe),
        Just(Event::Sync),
        (permit, 0usize..12).prop_map(|(permit, most)| Event::Tell(permit, most)),
    ]
}

fn live(start: u32, history: Vec<Event>, by_uid: bool, modseqs: bool) {
    let mut mailbox = Mailbox::with(start);
    let mut view = View::new(&mailbox.snapshot(), mailbox.recent());
    view.tell_by_uid(by_uid);
    view.tell_modseqs(modseqs);
    let mut client = Client::select(&view, &mailbox);
    for event in history {
        match event {
            Event::Append(n) => mailbox.append(n),
            Event::Expunge(uids) => mailbox.expunge(uids),
            Event::Flag(uids, bits) => mailbox.flag(uids, Flags::from_bits(bits)),
            Event::Keyword => {
                let name = format!("k{}", mailbox.keywords.iter().len());
                let flag = mailbox.keywords.add(&Keyword::parse(&name).unwrap());
                mailbox.flag(1..60, flag.unwrap_or(Flags::NONE));
            }
            Event::Silent(uids, bits) => {
                sync(&mut view, &mailbox, &[]);
                let flags = Flags::from_bits(bits);
                let own = view.all().intersection(&set(uids));
                mailbox.flag(own.iter().map(Uid::number), flags);
                for (uid, believed) in &mut client.messages {
                    if own.contains(*uid) {
                        *believed = flags;
                    }
                }
                let own: Vec<_> = own.iter().map(|uid| (uid, flags)).collect();
                sync(&mut view, &mailbox, &own);
            }
            Event::Owe(uids) => view.owe(&set(uids)),
            Event::Sync => sync(&mut view, &mailbox, &[]),
            Event::Tell(permit, most) => {
                client.hear(&mut view, &mailbox, permit, most);
            }
        }
        client.agrees(&view);
    }
    sync(&mut view, &mailbox, &[]);
    assert!(client.hear(&mut view, &mailbox, Permit::All, 100_000));
    client.knows_the_truth(&mailbox, &view);
    assert_eq!(view.news(Permit::All).next(), None);
}

fn sync(view: &mut View, mailbox: &Mailbox, own: &[(Uid, Flags)]) {
    let changes = mailbox.since(view.known());
    view.apply_own(changes, mailbox.recent(), own).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_client_that_believes_all_it_is_told_knows_the_mailbox(
        start in 0u32..20, history in proptest::collection::vec(event(), 0..40),
        by_uid: bool, modseqs: bool,
    ) {
        live(start, history, by_uid, modseqs);
    }
}

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
