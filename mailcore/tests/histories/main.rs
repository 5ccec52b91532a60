//! Random histories: four IMAP sessions on the same mailboxes, through the real driver and a real store, while mail is
//! delivered. Each client believes exactly what it is told. Whenever all is told, what it believes is what there is.
//!
//! ```text
//!   event ──► World ──command──► Client ◄══ IMAP ══► ImapServer ──► store
//!               │                  │ believes                         │ observed
//!               └──► Truth ◄───────┴────────── compared ──────────────┘
//! ```
//!
//! Where sessions take turns, `Truth` foretells what the store must hold; where their commands overlap, nobody can
//! foretell in which order they take effect, and the store itself is the truth.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod client;
mod event;
mod foretell;
mod reply;
mod settle;
mod truth;
mod world;

use event::Event;
use mailcore_store::disk::SimDisk;
use mailcore_store::mailbox::maildir::Options;
use mailcore_store::mailbox::{Clock, MailStore, Maildir, MemoryStore};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use world::{Pace, World};

fn memory() -> Arc<dyn MailStore> {
    Arc::new(MemoryStore::new())
}

fn maildir() -> Arc<dyn MailStore> {
    let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("%n");
    options.patrol = Duration::ZERO; // no other program is there
    Arc::new(Maildir::on(Arc::new(disk), clock, options))
}

fn live(store: Arc<dyn MailStore>, pace: Pace, history: Vec<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(store, pace).await;
        for event in history {
            world.happens(event).await;
        }
        world.settle().await;
    });
}

/// So many cases, unless `PROPTEST_CASES` asks for others.
fn cases(cases: u32) -> ProptestConfig {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig { cases, ..config },
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn clients_that_take_turns_know_the_mailbox_in_memory(history in event::history(60)) {
        live(memory(), Pace::InTurn, history);
    }

    #[test]
    fn clients_at_once_know_the_mailbox_in_memory(history in event::history(60)) {
        live(memory(), Pace::AtOnce, history);
    }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn clients_that_take_turns_know_the_maildir(history in event::history(60)) {
        live(maildir(), Pace::InTurn, history);
    }

    #[test]
    fn clients_at_once_know_the_maildir(history in event::history(60)) {
        live(maildir(), Pace::AtOnce, history);
    }
}
