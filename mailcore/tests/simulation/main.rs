//! Whole lives of a server in stopped time: clients, machines, queue, mailboxes, our client machine and its servers, DNS.
//! Power is lost after any operation of the disk, and what was not flushed is lost or torn; processes are killed; operations
//! and flushes fail, and there is no room for a while; the network refuses, loses, slows down or falls silent after any
//! octet; names cannot be looked up. Again and again, until all is settled. What was acknowledged arrives whole with each
//! recipient or is reported back, exactly once but for records of a delivery that power, disk or network have cut off; what
//! was not acknowledged arrives with all of them or with nobody, and not at all if it was refused and another taken after it.
//!
//! `removals.py` lists the flushes, checksums and orders of the code, and which test turns red without each: this one, or a
//! crash test of mailcore-store. `mutants` takes each out of a copy of the tree and looks; `removed.md` is what it saw.
//!
//! Not in here: TLS (its octets are never twice the same); reading that fails while the log is recovered (it counts as
//! damage, told of and kept); damage of content; two threads at work on the disk at once (mailboxes are slow instead).
//!
//! `MAILCORE_SIM_SEED=n` lives the life of one seed, `MAILCORE_SIM_TRACE=1` tells it, `MAILCORE_TIER2=1` lives many;
//! `MAILCORE_SIM_FIRST=1` ends with the first that is red.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod chance;
mod client;
mod faults;
mod journal;
mod letter;
mod life;
mod names;
mod net;
mod power;
mod remote;
mod server;
mod slow;
mod turns;
mod verdict;
mod world;

use life::live;

/// The seeds to live: one that was asked for, few, or many.
fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("MAILCORE_SIM_SEED");
    if let Some(seed) = asked.ok().and_then(|it| it.parse().ok()) {
        return seed..seed + 1;
    }
    match std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1") {
        true => 1..5_000,
        false => 1..120,
    }
}

#[test]
fn nothing_acknowledged_is_lost_nothing_is_half_there_and_nothing_comes_twice_without_a_cause() {
    let (mut acknowledged, mut cuts, mut faults, mut again) = (0, 0, 0, 0);
    let mut failed = Vec::new();
    for seed in seeds() {
        let lived = live(seed, true);
        acknowledged += lived.acknowledged;
        cuts += lived.cuts;
        faults += lived.faults;
        again += lived.again;
        for wrong in lived.wrong {
            println!("MAILCORE_SIM_SEED={seed}: {wrong}");
            failed.push(seed);
        }
        if !failed.is_empty() && std::env::var_os("MAILCORE_SIM_FIRST").is_some() {
            break;
        }
    }
    println!("{acknowledged} acknowledged, {cuts} power cuts, {faults} faults, {again} again");
    assert!(failed.is_empty(), "seeds {failed:?}");
    if seeds().count() > 1 {
        assert!(acknowledged > 200 && cuts > 150, "the lives are not empty");
        assert!(faults > 50, "the disk fails, too");
        assert!(again > 0, "cuts fall right behind deliveries, too");
    }
}

#[test]
fn a_disk_that_forgets_is_found_out() {
    let found = (1..12).filter(|seed| !live(*seed, false).wrong.is_empty());
    assert!(found.count() > 3, "or it would show nothing");
}

#[test]
fn the_same_seed_gives_the_same_life() {
    for seed in [3, 4, 5] {
        assert_eq!(
            live(seed, true).lines,
            live(seed, true).lines,
            "seed {seed}"
        );
    }
}
