//! One measurement: so many things were done, and what that took.

use crate::group::Group;
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::time::{Duration, Instant};

/// What was measured in one round.
#[derive(Debug, Clone, Copy)]
pub enum Sample {
    /// Work that was done.
    Work {
        /// How many messages, logins, commands.
        count: u64,
        wall: Duration,
        /// What all processes of the side took of the processors, until they were quiet again.
        cpu: Duration,
        /// What the load driver took, where it is ours.
        driver: Duration,
    },
    /// Octets of memory of one thing, proportional.
    Memory { octets: u64 },
}

impl Sample {
    /// What is compared: more is better.
    pub fn score(&self) -> f64 {
        match self {
            Self::Work { count, wall, .. } => *count as f64 / wall.as_secs_f64().max(1e-9),
            Self::Memory { octets } => 1.0 / (*octets).max(1) as f64,
        }
    }

    /// Seconds of the processors for a thousand things.
    pub fn cpu(&self) -> Option<f64> {
        match self {
            Self::Work { count, cpu, .. } => Some(cpu.as_secs_f64() * 1000.0 / *count as f64),
            Self::Memory { .. } => None,
        }
    }
}

/// Does the work, and measures it. What the side does afterwards for it counts as processor time, not as waiting.
pub fn measure(
    group: &Group,
    count: u64,
    work: impl FnOnce() -> io::Result<()>,
) -> io::Result<Sample> {
    let (before, mine) = (group.cpu(), own_cpu());
    let start = Instant::now();
    work()?;
    let wall = start.elapsed();
    let driver = own_cpu() - mine;
    settle(group);
    Ok(Sample::Work {
        count,
        wall,
        cpu: group.cpu().saturating_sub(before),
        driver,
    })
}

/// Waits until the side does next to nothing.
pub fn settle(group: &Group) {
    let step = Duration::from_millis(100);
    let mut before = group.cpu();
    let mut calm = 0;
    for _ in 0..300 {
        std::thread::sleep(step);
        let now = group.cpu();
        calm = match now - before < step / 50 {
            true => calm + 1,
            false => 0,
        };
        if calm == 3 {
            return;
        }
        before = now;
    }
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
