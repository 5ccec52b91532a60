//! Everything at once: random traffic by all protocols against a running server, which is killed, and whose disk,
//! descriptors, names and peers fail meanwhile. Afterwards what it has acknowledged must be there (`ledger`, `judge`).
//!
//! `MAILCORE_SOAK` says for how many seconds, `MAILCORE_SEED` from which chance, `MAILCORE_FAULTS` which faults alone
//! (their names in `faults`). Half an hour of it:
//!
//! ```text
//! MAILCORE_TIER2=1 cargo test --release -p mailcore-examples --test soak -- --nocapture
//! ```

#![allow(clippy::unwrap_used)]

#[path = "../compare/chance.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod chance;
#[path = "../compare/client.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod client;
mod clock;
mod faults;
#[path = "../real/harm.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod harm;
mod house;
mod judge;
mod ledger;
#[path = "../real/relay/net.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod net;
#[path = "../attacks/peer.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod peer;
#[path = "../real/relay/scripted.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod scripted;
#[path = "../real/server.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod server;
mod traffic;

use chance::Chance;
use clock::Clock;
use house::House;
use ledger::Ledger;

#[test]
fn what_was_acknowledged_is_there_whatever_fails_meanwhile() {
    let Some(clock) = Clock::from_environment() else {
        eprintln!("skipped: MAILCORE_SOAK says for how many seconds");
        return;
    };
    println!("MAILCORE_SEED={}", clock.seed);
    let mut house = House::new();
    let ledger = Ledger::new(&clock);
    let world = traffic::World::furnished(&clock, &ledger, house.base);
    let faults = std::thread::scope(|scope| {
        // Whoever of them fails ends the traffic: the others need not go on.
        let all = traffic::start(&world, scope);
        let faults = faults::go_wrong(&mut house, &ledger, &clock, &mut Chance::new(clock.seed));
        clock.end();
        for client in all {
            client
                .join()
                .unwrap_or_else(|why| std::panic::resume_unwind(why));
        }
        faults
    });
    println!("faults: {faults:?}");
    judge::judge(&mut house, &ledger);
}
