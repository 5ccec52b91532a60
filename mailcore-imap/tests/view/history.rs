//! Any history of changes and tellings.

use crate::client::{Client, Mailbox, set, sync};
use mailcore_base::mailbox::{Flags, Keyword, Uid};
use mailcore_imap::server::view::{Permit, View};
use proptest::prelude::*;

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
