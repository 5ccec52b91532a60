//! Figures that grow while a server works: what backends, and those who use them, count. Plain atomics, written without
//! waiting for anybody; whoever reads them sees each figure as it is, and no two at exactly the same moment.
//!
//! Nothing here knows what is counted, nor how it is told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Something that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One that stands at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// How many there were so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How values are spread: how many were no larger than each bound, and their sum. The unit is the owner's.
#[derive(Debug)]
pub struct Spread {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above them all.
    counts: Box<[Count]>,
    sum: Count,
}

impl Spread {
    /// One with these bounds, in rising order.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| Count::new()).collect();
        Self {
            bounds,
            counts,
            sum: Count::new(),
        }
    }

    /// A value.
    pub fn record(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.one();
        }
        self.sum.add(value);
    }

    /// For each bound how many values were no larger; the last, without a bound, is how many there were.
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<u64>, u64)> + '_ {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let mut sum = 0;
        bounds.zip(self.counts.iter()).map(move |(bound, count)| {
            sum += count.get();
            (bound, sum)
        })
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum.get()
    }
}

/// Bounds for how much shares one flush.
const BATCHES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// Flushes to stable storage, and what shared them. Its values are messages, or changes of them.
#[derive(Debug)]
pub struct Flushes(Spread);

impl Default for Flushes {
    fn default() -> Self {
        Self(Spread::new(BATCHES))
    }
}

impl Flushes {
    /// A flush that so many shared.
    pub fn shared(&self, by: usize) {
        self.0.record(by as u64);
    }

    /// How many shared each.
    pub fn spread(&self) -> &Spread {
        &self.0
    }
}

/// What a store of mailboxes counts.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MailboxFigures {
    /// Batches of messages that were brought into mailboxes together.
    pub batches: Flushes,
    /// Messages of which was told what the index keeps.
    pub kept: Count,
    /// Messages that had to be opened for it.
    pub opened: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_its_own_bound_and_at_all_above() {
        let spread = Spread::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11] {
            spread.record(value);
        }
        let all: Vec<_> = spread.cumulative().collect();
        assert_eq!(all, [(Some(1), 2), (Some(10), 4), (None, 5)]);
        assert_eq!(spread.sum(), 24);
    }
}
