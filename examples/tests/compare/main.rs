//! Side by side with a real Dovecot over the same mail: whatever a client may ask of messages, both say the same, but for
//! what `differences.rs` lists. Root alone can start a Dovecot.
//!
//! The mail is made from a seed, in all ways in which mail can be odd; the messages of `MAILCORE_CORPUS` join it where it
//! is set. The whole comparison, of 10,000 messages and thousands of searches, is run by hand:
//!
//! ```text
//! MAILCORE_TIER2=1 cargo test --release -p mailcore-examples --test compare -- --nocapture
//! ```

#![allow(clippy::unwrap_used)]

mod chance;
mod client;
mod closer;
mod differences;
#[path = "../swap/dovecot.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod dovecot;
mod fetches;
mod header;
mod ledger;
mod mail;
mod maildir;
mod pair;
#[path = "../swap/patience.rs"]
mod patience;
mod phrases;
#[path = "../real/server.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod server;

use chance::Chance;
use ledger::Ledger;
use pair::Pair;
use std::time::Duration;

#[test]
fn dovecot_and_we_tell_the_same_of_the_same_mail() {
    if !server::have(&["dovecot"]) || !patience::are_root() {
        return;
    }
    let whole = std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1");
    let seed = std::env::var("MAILCORE_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(20_261_120);
    let (count, patience) = if whole { (10_000, 80) } else { (600, 8) };
    let count = std::env::var("MAILCORE_COUNT")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(count);
    let mut pair = Pair::start(seed, count, Duration::from_secs(patience));
    let mut ledger = Ledger::default();
    let mut chance = Chance::new(seed);
    fetches::compare(&mut pair, &mut ledger, &mut chance);
    ledger.close(whole);
}
