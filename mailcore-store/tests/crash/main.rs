//! A client's commands on a disk that loses power after any operation, fills up, or fails: nothing that was answered
//! with success is lost, nothing half-written is shown, no UID is used twice. With syncing switched off the same
//! check must find a loss, or it would show nothing.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod alone;
mod life;
mod model;
#[path = "../power/mod.rs"]
mod power;

use life::{Life, drop_in};
use mailcore_store::disk::{Loss, SimDisk};
use mailcore_store::mailbox::Clock;
use mailcore_store::mailbox::maildir::{Maildir, Options};
use model::{Facts, Op};
use power::{Checked, Trial, finds_the_loss_without_syncs, operations, outlives_every_crash, run};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const COMMANDS: [Op; 27] = [
    Op::Create("A"),
    Op::Subscribe("A", true),
    Op::Append("INBOX", "one"),
    Op::Foreign("INBOX", "foreign"),
    Op::Deliver("INBOX", "two", 2 << 64),
    Op::Deliver("INBOX", "two", 2 << 64),
    Op::Large("A", "three"),
    Op::Together(&[
        ("INBOX", "four"),
        ("A", "five"),
        ("INBOX", "six"),
        ("A", "seven"),
    ]),
    Op::Batch("A", &["eleven", "twelve", "thirteen"]),
    Op::Flag("INBOX", "two", "new"),
    Op::Flag("A", "three", "first"),
    Op::Deliver("INBOX", "two", 2 << 64),
    Op::Copy("INBOX", "one", "A"),
    Op::Move("INBOX", "two", "A"),
    Op::Expunge("INBOX", "six"),
    Op::Expunge("A", "seven"),
    Op::Append("INBOX", "eight"),
    Op::Subscribe("B/C", true),
    Op::Create("B/C"),
    Op::Append("B/C", "nine"),
    Op::Delete("B/C"),
    Op::Create("B/C"),
    Op::Delete("B/C"),
    Op::Rename("A", "D"),
    Op::Append("D", "ten"),
    Op::Subscribe("A", false),
    Op::Rename("INBOX", "Old"),
];

fn disk() -> SimDisk {
    SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

fn store(disk: &SimDisk) -> Maildir {
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("mail/%d/%n");
    options.patience = Duration::ZERO; // nobody else is there
    options.patrol = Duration::ZERO;
    options.kept = 0; // what is true must be true of the disk
    options.pid = 1; // as in a container, in every life
    Maildir::on(Arc::new(disk.clone()), clock, options)
}

/// All commands, whatever becomes of each.
async fn to_the_end(disk: &SimDisk) -> Result<Facts, String> {
    let mut facts = Facts::new();
    let store = store(disk);
    let life = match Life::begin(&store, disk).await {
        // As with each command: a client that was refused tries once more.
        Err(_) => Life::begin(&store, disk).await,
        begun => begun,
    };
    let Ok(life) = life else {
        return Ok(facts);
    };
    let names = |op: &&Op| !matches!(op, Op::Rename(..) | Op::Delete(_) | Op::Append("D", _));
    for op in COMMANDS.iter().filter(names) {
        if life.perform(&mut facts, *op).await.is_err() {
            life.taken_back(&facts, *op).await?;
            let _ = life.perform(&mut facts, *op).await;
        }
    }
    Ok(facts)
}

struct Commands;

impl Trial for Commands {
    type Facts = Facts;

    fn disk() -> SimDisk {
        disk()
    }

    /// The commands, until the first that is not answered with success.
    async fn until_it_fails(disk: &SimDisk) -> Facts {
        let mut facts = Facts::new();
        let Ok(life) = Life::begin(&store(disk), disk).await else {
            return facts;
        };
        for op in COMMANDS {
            if life.perform(&mut facts, op).await.is_err() {
                break;
            }
        }
        facts
    }

    /// The next life, after some minutes: everything told is true, and it goes on.
    async fn afterwards(disk: &SimDisk, mut facts: Facts) -> Checked {
        // Longer than the lock of a dead process is honoured whose name was torn.
        disk.advance(Duration::from_secs(150));
        // Meanwhile another program has delivered, if there is a mailbox.
        if drop_in(disk, 2, "stranger").is_ok() {
            facts.perhaps("INBOX", "stranger");
        }
        let life = Life::begin(&store(disk), disk).await;
        let life = life.map_err(|e| format!("no start: {e} ({e:?})"))?;
        life.check(&facts).await?;
        life.go_on(&mut facts).await
    }
}

#[test]
fn without_a_crash_all_commands_succeed() {
    run(async {
        let disk = disk();
        let life = Life::begin(&store(&disk), &disk).await.unwrap();
        let mut facts = Facts::new();
        for op in COMMANDS {
            life.perform(&mut facts, op).await.unwrap();
        }
        life.check(&facts).await.unwrap();
        Commands::afterwards(&disk.restart(Loss::Lost, 0), facts)
            .await
            .unwrap();
    });
}

#[test]
fn a_crash_that_loses_all_unsynced_loses_nothing_told() {
    outlives_every_crash::<Commands>(Loss::Lost);
}

#[test]
fn a_crash_that_keeps_all_shows_nothing_half_done() {
    outlives_every_crash::<Commands>(Loss::Kept);
}

#[test]
fn a_crash_that_tears_loses_nothing_told() {
    outlives_every_crash::<Commands>(Loss::Torn);
}

/// The process is killed, the machine goes on: what the next life has built on must outlive a loss of power after it.
#[test]
fn what_a_killed_process_has_left_is_made_durable_before_it_is_built_on() {
    for after in 0..=operations::<Commands>() {
        let disk = disk();
        disk.crash_after(after);
        let mut facts = run(Commands::until_it_fails(&disk));
        let lived = run(async {
            let disk = disk.killed();
            disk.advance(Duration::from_secs(150));
            let failed = |e| format!("no start: {e} ({e:?})");
            let life = Life::begin(&store(&disk), &disk).await.map_err(failed)?;
            life.check(&facts).await?;
            life.go_on(&mut facts).await?;
            drop(life);
            let disk = disk.restart(Loss::Lost, 0);
            let life = Life::begin(&store(&disk), &disk).await.map_err(failed)?;
            let checked = life.check(&facts).await;
            checked.map_err(|why| format!("a life later: {why}"))
        });
        lived
            .map_err(|why| format!("killed after {after}: {why}"))
            .unwrap();
    }
}

#[test]
fn with_syncing_switched_off_the_check_finds_the_loss() {
    finds_the_loss_without_syncs::<Commands>();
}

#[test]
fn after_a_failed_operation_nothing_told_is_lost() {
    for at in 1..=operations::<Commands>() {
        let disk = disk();
        disk.fail_at(at);
        let facts = run(to_the_end(&disk));
        let facts = facts
            .map_err(|why| format!("failed at {at}: {why}"))
            .unwrap();
        for (loss, seed) in [(Loss::Lost, 0), (Loss::Torn, at)] {
            let survivor = disk.restart(loss, seed);
            run(Commands::afterwards(&survivor, facts.clone()))
                .map_err(|why| format!("failed at {at}, {loss:?}: {why}"))
                .unwrap();
        }
    }
}

#[test]
fn on_a_full_disk_nothing_told_is_lost() {
    for at in (1..=operations::<Commands>()).step_by(2) {
        let disk = disk();
        disk.full_from(Some(at));
        let facts = run(to_the_end(&disk));
        let facts = facts
            .map_err(|why| format!("full from {at}: {why}"))
            .unwrap();
        // Room is made, and the same server goes on; then power is lost.
        disk.full_from(None);
        run(Commands::afterwards(&disk, facts.clone()))
            .map_err(|why| format!("full from {at}: {why}"))
            .unwrap();
        run(Commands::afterwards(&disk.restart(Loss::Lost, 0), facts))
            .map_err(|why| format!("full from {at}, then a crash: {why}"))
            .unwrap();
    }
}
