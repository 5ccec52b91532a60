//! Few commands, so that nothing flushes by the way what somebody forgot to.

use crate::life::{INBOX, Life};
use crate::model::{Facts, Op};
use crate::power::run;
use crate::{disk, store};
use mailcore_store::disk::{Disk, Loss, SimDisk};
use std::path::Path;
use std::time::Duration;

const DELIVER: Op = Op::Deliver("INBOX", "two", 2 << 64);

async fn begin(disk: &SimDisk) -> Result<Life, String> {
    let life = Life::begin(&store(disk), disk).await;
    life.map_err(|e| format!("no start: {e} ({e:?})"))
}

/// Power is lost, and all that was told is true.
async fn outlives(disk: &SimDisk, facts: &Facts) -> Result<(), String> {
    let disk = disk.restart(Loss::Lost, 0);
    begin(&disk).await?.check(facts).await
}

/// The process is killed between a message's name and its flush; the queue delivers once more, and the message is found.
#[test]
fn a_message_that_is_found_delivered_is_durable_before_that_is_said() {
    let perform = async |disk: &SimDisk, facts: &mut Facts| {
        let failed = |e| format!("the store failed: {e} ({e:?})");
        let life = begin(disk).await?;
        life.perform(facts, DELIVER).await.map_err(failed)
    };
    let whole = disk();
    run(perform(&whole, &mut Facts::new())).unwrap();
    for after in 0..=whole.operations() {
        let disk = disk();
        disk.crash_after(after);
        let mut facts = Facts::new();
        let _ = run(perform(&disk, &mut facts));
        let disk = disk.killed();
        disk.advance(Duration::from_secs(150));
        let found = run(async {
            perform(&disk, &mut facts).await?;
            outlives(&disk, &facts).await
        });
        found
            .map_err(|why| format!("killed after {after}: {why}"))
            .unwrap();
    }
}

/// Somebody has removed a directory of the mailbox, whose list is there.
#[test]
fn a_directory_that_was_missing_is_durable_before_mail_in_it_is_told_of() {
    for failing in 0..12 {
        let disk = disk();
        let mut facts = Facts::new();
        let done = run(async {
            let life = begin(&disk).await?;
            disk.rmdir(&Path::new(INBOX).join("new")).unwrap();
            disk.sync_dir(Path::new(INBOX)).unwrap();
            if failing > 0 {
                disk.fail_at(disk.operations() + failing);
            }
            // A queue that was refused tries once more.
            if life.perform(&mut facts, DELIVER).await.is_err() {
                let again = life.perform(&mut facts, DELIVER).await;
                again.map_err(|e| format!("refused twice: {e} ({e:?})"))?;
            }
            outlives(&disk, &facts).await
        });
        done.map_err(|why| format!("failed at {failing}: {why}"))
            .unwrap();
    }
}

/// A client sets a flag, is refused, and tries once more.
#[test]
fn a_flag_that_was_refused_at_first_is_durable_once_it_is_told() {
    for failing in 1..12 {
        let disk = disk();
        let mut facts = Facts::new();
        let done = run(async {
            let life = begin(&disk).await?;
            let failed = |e| format!("the store failed: {e} ({e:?})");
            let append = life.perform(&mut facts, Op::Append("INBOX", "one"));
            append.await.map_err(failed)?;
            disk.fail_at(disk.operations() + failing);
            let flag = Op::Flag("INBOX", "one", "first");
            if life.perform(&mut facts, flag).await.is_err() {
                life.perform(&mut facts, flag).await.map_err(failed)?;
            }
            outlives(&disk, &facts).await
        });
        done.map_err(|why| format!("failed at {failing}: {why}"))
            .unwrap();
    }
}
