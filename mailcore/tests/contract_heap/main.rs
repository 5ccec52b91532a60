//! The contract's heap, counted: what a long answer to a slow reader, a bomb and an idle session cost.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    dead_code,
    reason = "a test program exports nothing, and uses a part of what it shares"
)]

#[path = "../contract/harness.rs"]
mod harness;
mod idle;
mod peak;
#[path = "../contract/toy/mod.rs"]
mod toy;

use peak_alloc::PeakAlloc;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One measurement at a time: the heap is everybody's.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` in virtual time on this thread.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}
