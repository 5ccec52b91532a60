//! What is done to every store that keeps its word on a disk: power is lost after each operation, and with syncing switched
//! off the same check must find a loss, or it would show nothing.

use mailcore_store::disk::{Loss, SimDisk};
use std::future::Future;

/// Whether everything that was told is true, or why not.
pub(crate) type Checked = Result<(), String>;

/// Leaves with the reason unless it is so.
macro_rules! ensure {
    ($it:expr, $($why:tt)*) => { if !$it { return Err(format!($($why)*)); } };
}
pub(crate) use ensure;

/// A store, what is asked of it, and what it answered.
pub(crate) trait Trial {
    /// What was told.
    type Facts;
    /// An empty disk.
    fn disk() -> SimDisk;
    /// Asks until the first answer that is no success.
    async fn until_it_fails(disk: &SimDisk) -> Self::Facts;
    /// The next life: all that was told is true, and it goes on.
    async fn afterwards(disk: &SimDisk, facts: Self::Facts) -> Checked;
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// Operations of the disk until all is done.
pub(crate) fn operations<T: Trial>() -> u64 {
    let disk = T::disk();
    run(T::until_it_fails(&disk));
    disk.operations()
}

fn crash<T: Trial>(after: u64, loss: Loss, seed: u64, syncing: bool) -> Checked {
    let disk = T::disk();
    disk.honour_syncs(syncing);
    disk.crash_after(after);
    let facts = run(T::until_it_fails(&disk));
    let survivor = disk.restart(loss, seed);
    run(T::afterwards(&survivor, facts))
        .map_err(|why| format!("crash after {after}, {loss:?}, seed {seed}: {why}"))
}

/// Power is lost after each operation.
pub(crate) fn outlives_every_crash<T: Trial>(loss: Loss) {
    let seeds = if loss == Loss::Torn { 3 } else { 1 };
    for after in 0..=operations::<T>() {
        for seed in 0..seeds {
            crash::<T>(after, loss, seed * 1000 + after, true).unwrap();
        }
    }
}

/// A check of durability that is content without any checks nothing.
pub(crate) fn finds_the_loss_without_syncs<T: Trial>() {
    let all = operations::<T>();
    let found = |loss, part| {
        let crashes = (0..=all).filter(|n| crash::<T>(*n, loss, *n, false).is_err());
        let count = crashes.count() as u64;
        assert!(count > all / part, "{loss:?}: {count} of {all}");
    };
    found(Loss::Lost, 2);
    found(Loss::Torn, 4);
}
