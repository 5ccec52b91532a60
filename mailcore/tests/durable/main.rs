//! What a client was told stays true: whole sessions through our drivers over a simulated disk that loses power after
//! any operation, with what was not synced lost, kept or torn. `MAILCORE_TIER2=1` tries every operation of all
//! sessions together; without it some of those are passed over.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod clients;
mod promises;
mod world;

use mailcore::store::disk::{Loss, SimDisk};
use promises::Promises;
use std::time::{Duration, UNIX_EPOCH};
use world::World;

/// Who talks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clients {
    Smtp,
    Lmtp,
    Imap,
    All,
}

/// What a power cut may leave.
const LOSSES: [(Loss, u64); 6] = [
    (Loss::Lost, 0),
    (Loss::Kept, 0),
    (Loss::Torn, 1),
    (Loss::Torn, 2),
    (Loss::Torn, 3),
    (Loss::Torn, 4),
];

/// The disk as it is found some minutes after power was lost: locks without an owner's name have run out by then.
fn restarted(disk: &SimDisk, loss: Loss, seed: u64) -> SimDisk {
    let left = disk.restart(loss, seed);
    left.advance(Duration::from_secs(180));
    left
}

fn disk() -> SimDisk {
    SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

async fn talk(clients: Clients, disk: &SimDisk, told: &Promises, round: &str) {
    let world = World::on(disk);
    let all = clients == Clients::All;
    let smtp = async {
        if all || clients == Clients::Smtp {
            clients::smtp(world.clone(), told.clone(), round).await;
        }
    };
    let lmtp = async {
        if all || clients == Clients::Lmtp {
            clients::lmtp(world.clone(), told.clone(), round).await;
        }
    };
    let imap = async {
        if all || clients == Clients::Imap {
            clients::imap(world.clone(), told.clone(), round).await;
        }
    };
    let done = async { tokio::join!(smtp, lmtp, imap) };
    tokio::time::timeout(Duration::from_secs(120), done)
        .await
        .expect("no session hangs");
}

/// How one run goes wrong.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Power is lost after this operation.
    Crash(u64),
    /// This operation fails, and power is lost at the end.
    Fault(u64),
}

/// Lets the clients talk to a server with this trouble and says which promise does not hold afterwards. Nothing if
/// all do; how many promises there were and whether the trouble came at all, besides.
async fn run(clients: Clients, trouble: Trouble, honest: bool) -> (Option<String>, usize, bool) {
    let (disk, told) = (disk(), Promises::default());
    disk.honour_syncs(honest);
    let at = match trouble {
        Trouble::Crash(n) => {
            disk.crash_after(n);
            n
        }
        Trouble::Fault(n) => {
            disk.fail_at(n);
            n
        }
    };
    talk(clients, &disk, &told, "first").await;
    let came = disk.operations() >= at;
    for (loss, seed) in LOSSES {
        let left = restarted(&disk, loss, seed);
        if let Some(broken) = told.broken(&left).await {
            return (
                Some(format!("{trouble:?}, {loss:?} {seed}: {broken}")),
                told.count(),
                came,
            );
        }
    }
    (None, told.count(), came)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

fn thorough() -> bool {
    std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1")
}

/// Runs with trouble at every `step`-th operation until none comes any more.
fn sweep(clients: Clients, trouble: fn(u64) -> Trouble, step: u64) {
    runtime().block_on(async {
        let (mut n, mut most) = (1, 0);
        loop {
            let (broken, count, came) = run(clients, trouble(n), true).await;
            assert_eq!(broken, None, "{clients:?}");
            most = most.max(count);
            if !came {
                break;
            }
            n += step;
        }
        println!("{clients:?}: {n} operations, {most} promises");
        assert!(
            n > 20 && most >= 4,
            "{clients:?}: {n} operations, {most} promises: too few"
        );
    });
}

#[test]
fn what_smtp_has_acknowledged_outlives_a_crash_after_any_operation() {
    sweep(Clients::Smtp, Trouble::Crash, 1);
}

#[test]
fn what_lmtp_has_acknowledged_outlives_a_crash_after_any_operation() {
    sweep(Clients::Lmtp, Trouble::Crash, 1);
}

#[test]
fn what_imap_has_acknowledged_outlives_a_crash_after_any_operation() {
    sweep(Clients::Imap, Trouble::Crash, 1);
}

#[test]
fn what_sessions_at_once_were_told_outlives_a_crash() {
    sweep(Clients::All, Trouble::Crash, if thorough() { 1 } else { 7 });
}

#[test]
fn an_operation_that_fails_is_never_answered_with_yes() {
    let step = if thorough() { 1 } else { 3 };
    for clients in [Clients::Smtp, Clients::Lmtp, Clients::Imap] {
        sweep(clients, Trouble::Fault, step);
    }
}

#[test]
fn the_same_test_is_red_when_flushing_does_nothing() {
    runtime().block_on(async {
        for clients in [Clients::Smtp, Clients::Lmtp, Clients::Imap] {
            let (broken, count, came) = run(clients, Trouble::Crash(u64::MAX), false).await;
            assert!(!came && count >= 3, "{clients:?}: all was acknowledged");
            let broken = broken.expect("a disk that forgets is found out");
            println!("{clients:?}: {broken}");
        }
    });
}

#[test]
fn a_server_started_after_a_crash_takes_mail_and_keeps_the_old() {
    runtime().block_on(async {
        let (whole, told) = (disk(), Promises::default());
        talk(Clients::All, &whole, &told, "first").await;
        let operations = whole.operations();
        for part in 1..8 {
            let (first, told) = (disk(), Promises::default());
            first.crash_after(operations * part / 8);
            talk(Clients::All, &first, &told, "first").await;
            let second = restarted(&first, Loss::Torn, part);
            for clients in [Clients::Smtp, Clients::Lmtp] {
                talk(clients, &second, &told, "second").await;
            }
            let third = restarted(&second, Loss::Lost, part);
            assert_eq!(told.broken(&third).await, None, "part {part}");
        }
    });
}
