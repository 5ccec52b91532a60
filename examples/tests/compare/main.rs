//! Side by side with a real Dovecot over the same mail: whatever a client may ask of messages, both say the same, but for
//! what `differences.rs` lists. Root alone can start a Dovecot.
//!
//! The mail is made from a seed, in all ways in which mail can be odd; in the whole comparison, of 10,000 messages and
//! thousands of searches, the messages of `MAILCORE_CORPUS` join it. That is run by hand. Where Dovecot reads a message in
//! another way (`manners.rs`), it is predicted what it answers, and has to answer that.
//!
//! ```text
//! MAILCORE_TIER2=1 cargo test --release -p mailcore-examples --test compare -- --nocapture
//! ```

#![allow(clippy::unwrap_used)]

mod chance;
mod client;
mod closer;
mod content;
mod differences;
#[path = "../swap/dovecot.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod dovecot;
mod fetches;
mod header;
mod ledger;
mod mail;
mod maildir;
mod manners;
mod marks;
mod orders;
mod pair;
mod parts;
#[path = "../swap/patience.rs"]
mod patience;
mod phrases;
mod predict;
mod programs;
mod returned;
mod rewrite;
mod searches;
#[path = "../real/server.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod server;

use chance::Chance;
use ledger::Ledger;
use pair::Pair;
use std::time::Duration;

/// A number from the environment, for whoever looks closer: `MAILCORE_SEED`, `MAILCORE_COUNT` (messages made),
/// `MAILCORE_PROGRAMS` (searches). `MAILCORE_ONLY` names the messages.
fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn dovecot_and_we_tell_the_same_of_the_same_mail() {
    if !server::have(&["dovecot"]) || !patience::are_root() {
        return;
    }
    let whole = std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1");
    let (count, programs, seconds) = if whole {
        (10_000, 1_000, 120)
    } else {
        (300, 300, 8)
    };
    let seed = number("MAILCORE_SEED").unwrap_or(20_261_120) as u64;
    let count = number("MAILCORE_COUNT").unwrap_or(count);
    let programs = number("MAILCORE_PROGRAMS").unwrap_or(programs);
    let mut pair = Pair::start(seed, (count, whole), Duration::from_secs(seconds));
    let mut ledger = Ledger::default();
    let mut chance = Chance::new(seed);
    fetches::compare(&mut pair, &mut ledger, &mut chance);
    searches::by_modseq(&mut pair, &mut ledger);
    searches::compare(&mut pair, &mut ledger, &mut chance, programs, whole);
    orders::compare(&mut pair, &mut ledger, &mut chance, programs / 10);
    ledger.close(whole && number("MAILCORE_COUNT").is_none());
}
