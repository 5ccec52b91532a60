//! Random histories: eight IMAP sessions on the same mailboxes, through the real driver and a real store, while mail is
//! delivered, mailboxes are made, renamed and removed, and another program is at the files. Each client believes exactly what it is told. Whenever all is told, what
//! it believes is what there is. Two know RFC 3501 alone, two CONDSTORE, four QRESYNC; connections break wherever they are,
//! the store is started anew, and those that come back go on from what they remember.
//!
//! ```text
//!   event ──► World ──command──► Client ◄══ IMAP ══► ImapServer ──► store
//!               │                  │ believes                         │ observed
//!               └──► Truth ◄───────┴────────── compared ──────────────┘
//! ```
//!
//! Where sessions take turns, `Truth` foretells what the store must hold; where their commands overlap, nobody can
//! foretell in which order they take effect, and the store itself is the truth; where another program is at the files,
//! those are.
//!
//! A failure names its seed. `MAILCORE_SEED` lives the same histories again; `MAILCORE_TIER2` lives many.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod belief;
mod client;
mod event;
mod files;
mod foretell;
mod memory;
mod reply;
mod settle;
mod spell;
mod truth;
mod world;

use event::Event;
use files::Files;
use mailcore_store::disk::{RealDisk, SimDisk};
use mailcore_store::mailbox::maildir::Options;
use mailcore_store::mailbox::{Clock, MailStore, Maildir, MemoryStore};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use world::{Home, Pace, World};

fn memory() -> Home {
    let store = Arc::new(MemoryStore::new());
    Home {
        start: Box::new(move || store.clone()),
        files: None,
    }
}

fn maildir() -> Home {
    on_disk(Duration::ZERO).0 // no other program is there
}

fn shared_maildir() -> Home {
    let (home, disk) = on_disk(Duration::from_millis(5));
    Home {
        files: Some(Files::on_still(disk)),
        ..home
    }
}

/// On real files, where every change is told, and nobody looks for himself.
fn watched_maildir() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::on(RealDisk::new(folder.path()));
    let start = move || -> Arc<dyn MailStore> {
        let mut options = Options::new("%n");
        options.patrol = Duration::ZERO;
        let disk = Arc::new(RealDisk::new(folder.path()));
        Arc::new(Maildir::on(disk, Clock::system(), options))
    };
    Home {
        start: Box::new(start),
        files: Some(files),
    }
}

fn on_disk(patrol: Duration) -> (Home, SimDisk) {
    let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let files = disk.clone();
    let start = move || -> Arc<dyn MailStore> {
        let disk = disk.clone();
        let clock = {
            let disk = disk.clone();
            Clock::new(move || disk.now())
        };
        let mut options = Options::new("%n");
        options.patrol = patrol;
        Arc::new(Maildir::on(Arc::new(disk), clock, options))
    };
    let home = Home {
        start: Box::new(start),
        files: None,
    };
    (home, files)
}

fn live(home: Home, pace: Pace, history: Vec<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(home, pace).await;
        for event in history {
            world.happens(event).await;
        }
        world.settle().await;
    });
}

/// Lives so many histories, many more in the second tier, in a share of which another program takes part.
fn histories(few: u32, others: u32, home: fn() -> Home, pace: Pace) {
    let named = ["MAILCORE_SEED", "PROPTEST_RNG_SEED"].map(std::env::var);
    let seed = match named.into_iter().find_map(Result::ok) {
        Some(seed) => seed.parse().unwrap(),
        None => RandomState::new().hash_one(std::process::id()),
    };
    println!("MAILCORE_SEED={seed}");
    let many = std::env::var_os("MAILCORE_TIER2").is_some();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: if many { 40 * few } else { few },
        failure_persistence: None,
        max_shrink_iters: 1_000,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    });
    let lived = runner.run(&event::history(60, others), |history| {
        live(home(), pace, history);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failed) = lived {
        panic!("{failed}");
    }
}

#[test]
fn clients_that_take_turns_know_the_mailbox_in_memory() {
    histories(120, 0, memory, Pace::InTurn);
}

#[test]
fn clients_at_once_know_the_mailbox_in_memory() {
    histories(120, 0, memory, Pace::AtOnce);
}

#[test]
fn clients_that_take_turns_know_the_maildir() {
    histories(60, 0, maildir, Pace::InTurn);
}

#[test]
fn clients_at_once_know_the_maildir() {
    histories(60, 0, maildir, Pace::AtOnce);
}

#[test]
fn clients_know_the_maildir_that_is_watched_while_another_program_is_at_it() {
    histories(30, 6, watched_maildir, Pace::AtOnce);
}

#[test]
fn clients_know_the_maildir_that_another_program_is_at() {
    histories(60, 6, shared_maildir, Pace::AtOnce);
}
