//! Messages that the mailbox no longer has and the client still counts.

use mailcore_base::mailbox::{Uid, UidSet};
use std::ops::RangeInclusive;

/// The expunged messages that the client has not been told of; told from the highest down, so that telling
/// one takes one off the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Gone {
    runs: Vec<Run>,
}

/// UIDs `first ..= last`, of which the first has `before` others of the same set in front of it.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: Uid,
    last: Uid,
    before: u32,
}

impl Run {
    fn len(self) -> u32 {
        self.last.number() - self.first.number() + 1
    }
}

impl Gone {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many messages.
    pub(super) fn len(&self) -> u32 {
        self.runs.last().map_or(0, |run| run.before + run.len())
    }

    /// How many of them have a UID below this one.
    pub(super) fn below(&self, uid: Uid) -> u32 {
        let at = self.runs.partition_point(|run| run.last < uid);
        match self.runs.get(at) {
            Some(run) => run.before + uid.number().saturating_sub(run.first.number()),
            None => self.len(),
        }
    }

    pub(super) fn contains(&self, uid: Uid) -> bool {
        let at = self.runs.partition_point(|run| run.last < uid);
        self.runs.get(at).is_some_and(|run| run.first <= uid)
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = RangeInclusive<Uid>> + '_ {
        self.runs.iter().map(|run| run.first..=run.last)
    }

    /// Takes the highest out.
    pub(super) fn pop(&mut self) -> Option<Uid> {
        let run = self.runs.last_mut()?;
        let uid = run.last;
        match Uid::new(uid.number() - 1).filter(|below| *below >= run.first) {
            Some(below) => run.last = below,
            None => drop(self.runs.pop()),
        }
        self.shrink();
        Some(uid)
    }

    /// Takes the `most` highest runs out.
    pub(super) fn pop_runs(&mut self, most: usize) -> UidSet {
        let from = self.runs.len().saturating_sub(most);
        let mut set = UidSet::new();
        for run in self.runs.drain(from..) {
            set.insert_range(run.first..=run.last);
        }
        self.shrink();
        set
    }

    /// Octets on the heap.
    pub(super) fn weight(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }

    fn shrink(&mut self) {
        if self.runs.is_empty() {
            self.runs = Vec::new();
        }
    }
}

impl From<&UidSet> for Gone {
    fn from(set: &UidSet) -> Self {
        let mut before = 0;
        let runs = set
            .ranges()
            .map(|range| {
                let run = Run {
                    first: *range.start(),
                    last: *range.end(),
                    before,
                };
                before += run.len();
                run
            })
            .collect();
        Self { runs }
    }
}
