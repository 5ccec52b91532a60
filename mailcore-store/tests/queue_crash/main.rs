//! The queue's log on a disk that loses power after any operation, fills up, or fails: whatever was answered with success
//! is true ever after, whatever was answered with an error is not (once anything else has been answered), nothing
//! half-written is shown. With syncing switched off the same check must find a loss, or it would show nothing.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod model;
#[path = "../power/mod.rs"]
mod power;

use mailcore_store::Result;
use mailcore_store::disk::{Loss, SimDisk};
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::Lane;
use mailcore_store::queue::log::{Options, SegmentQueue};
use model::{Facts, Life, Op, at};
use power::{Checked, Trial, finds_the_loss_without_syncs, operations, outlives_every_crash, run};
use std::sync::Arc;

const OPS: [Op; 33] = [
    Op::Commit("one", 1, Lane::Incoming),
    Op::Commit("two", 3, Lane::Incoming),
    Op::Commit("held", 1, Lane::Hold),
    Op::Abandon,
    Op::Large("three"),
    Op::Claim,
    Op::Done("two", 1),
    Op::Defer("three", 40),
    Op::Together(&["four", "five", "six", "seven"]),
    Op::Warned("three"),
    Op::Remove("five"),
    Op::Churn(6),
    Op::Claim,
    Op::Defer("two", 5),
    Op::Defer("six", 50),
    Op::Assign("held", Lane::Incoming),
    Op::Assign("seven", Lane::Hold),
    Op::Remove("one"),
    Op::Churn(5),
    Op::Claim,
    Op::Done("two", 2),
    Op::Large("eight"),
    Op::Assign("three", Lane::Corrupt),
    Op::Defer("two", 7),
    Op::Churn(12),
    Op::Remove("eight"),
    Op::Commit("nine", 2, Lane::Incoming),
    Op::Claim,
    Op::Done("nine", 0),
    Op::Done("nine", 1),
    Op::Remove("nine"),
    Op::Churn(9),
    Op::Assign("seven", Lane::Deferred),
];

/// A life of the queue; each has a number of its own.
fn queue(disk: &SimDisk, life: u64) -> Result<SegmentQueue> {
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("var/queue");
    options.segment = 4096;
    options.buffer = 1024;
    options.seed = life;
    SegmentQueue::on(Arc::new(disk.clone()), clock, options)
}

/// All that can be done, whatever becomes of each.
async fn to_the_end(disk: &SimDisk) -> Facts {
    let mut facts = Facts::default();
    let Ok(queue) = queue(disk, 1) else {
        return facts;
    };
    let life = Life(queue);
    for op in OPS {
        if facts.knows(op) && life.perform(&mut facts, op).await.is_err() && op.is_commit() {
            // Whoever was refused tries once more.
            let _ = life.perform(&mut facts, op).await;
        }
    }
    facts
}

struct Queued;

impl Trial for Queued {
    type Facts = Facts;

    fn disk() -> SimDisk {
        SimDisk::new(at(0))
    }

    /// What is done, until the first that is not answered with success.
    async fn until_it_fails(disk: &SimDisk) -> Facts {
        let mut facts = Facts::default();
        let Ok(queue) = queue(disk, 1) else {
            return facts;
        };
        let life = Life(queue);
        for op in OPS {
            if life.perform(&mut facts, op).await.is_err() {
                break;
            }
        }
        facts
    }

    /// The next life: everything told is true, it goes on, and the life after that says the same.
    async fn afterwards(disk: &SimDisk, mut facts: Facts) -> Checked {
        let started = |e| format!("no start: {e} ({e:?})");
        let life = Life(queue(disk, 2).map_err(started)?);
        life.check(&facts).await?;
        life.go_on(&mut facts).await?;
        drop(life);
        let life = Life(queue(&disk.restart(Loss::Lost, 0), 3).map_err(started)?);
        life.check(&facts)
            .await
            .map_err(|why| format!("a life later: {why}"))
    }
}

#[test]
fn without_a_crash_everything_succeeds() {
    let disk = Queued::disk();
    let facts = run(async {
        let life = Life(queue(&disk, 1).unwrap());
        let mut facts = Facts::default();
        for op in OPS {
            life.perform(&mut facts, op).await.unwrap();
        }
        facts
    });
    run(Queued::afterwards(&disk.restart(Loss::Lost, 0), facts)).unwrap();
}

#[test]
fn a_crash_that_loses_all_unsynced_loses_nothing_told() {
    outlives_every_crash::<Queued>(Loss::Lost);
}

#[test]
fn a_crash_that_keeps_all_shows_nothing_half_done() {
    outlives_every_crash::<Queued>(Loss::Kept);
}

#[test]
fn a_crash_that_tears_loses_nothing_told() {
    outlives_every_crash::<Queued>(Loss::Torn);
}

/// The process is killed, the machine goes on: what the next life has seen must outlive a loss of power after it.
#[test]
fn what_a_killed_process_has_left_is_made_durable_before_it_is_believed() {
    for after in 0..=operations::<Queued>() {
        let disk = Queued::disk();
        disk.crash_after(after);
        let facts = run(Queued::until_it_fails(&disk));
        disk.crash_after(u64::MAX);
        run(Queued::afterwards(&disk, facts))
            .map_err(|why| format!("killed after {after}: {why}"))
            .unwrap();
    }
}

#[test]
fn with_syncing_switched_off_the_check_finds_the_loss() {
    finds_the_loss_without_syncs::<Queued>();
}

#[test]
fn after_a_failed_operation_nothing_told_is_lost_and_nothing_refused_comes_back() {
    for at in 1..=operations::<Queued>() {
        let disk = Queued::disk();
        disk.fail_at(at);
        let facts = run(to_the_end(&disk));
        for (loss, seed) in [(Loss::Lost, 0), (Loss::Kept, 0), (Loss::Torn, at)] {
            let survivor = disk.restart(loss, seed);
            run(Queued::afterwards(&survivor, facts.clone()))
                .map_err(|why| format!("failed at {at}, {loss:?}: {why}"))
                .unwrap();
        }
    }
}

#[test]
fn on_a_full_disk_nothing_told_is_lost() {
    for at in (1..=operations::<Queued>()).step_by(2) {
        let disk = Queued::disk();
        disk.full_from(Some(at));
        let facts = run(to_the_end(&disk));
        // Room is made, and power is lost.
        disk.full_from(None);
        run(Queued::afterwards(&disk.restart(Loss::Lost, 0), facts))
            .map_err(|why| format!("full from {at}, then a crash: {why}"))
            .unwrap();
    }
}
