//! How long a run is, and what chance it starts from: both from the environment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of one run.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    length: Duration,
    /// What all chance of the run derives from. It repeats who does what in which order, as far as the server's answers
    /// and the scheduler let it.
    pub seed: u64,
    over: AtomicBool,
}

impl Clock {
    /// `MAILCORE_SOAK` seconds (half an hour in the second tier), from `MAILCORE_SEED` or from a seed of its own; nothing
    /// where nobody has said for how long: what is random does not decide whether others' work is sound.
    pub fn from_environment() -> Option<Self> {
        let second = std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1");
        let length = number("MAILCORE_SOAK").or(second.then_some(1_800))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Some(Self {
            start: Instant::now(),
            length: Duration::from_secs(length),
            seed: number("MAILCORE_SEED").unwrap_or(now.as_micros() as u64 % 1_000_000_000),
            over: AtomicBool::new(false),
        })
    }

    /// Whether traffic goes on.
    pub fn running(&self) -> bool {
        !self.over.load(Ordering::Relaxed) && self.start.elapsed() < self.length
    }

    /// Traffic ends now, whatever the time: what has gone wrong cannot be bettered by more of it.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Seconds since the run began.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Lets traffic go on for a while, no longer than the run is.
    pub fn pass(&self, while_: Duration) {
        let end = Instant::now() + while_;
        while self.running() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
