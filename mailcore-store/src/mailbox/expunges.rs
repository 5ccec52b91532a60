//! What was expunged when, for those who come back: a bounded history.
//!
//! It holds no messages, and it never guesses: what it does not reach is answered with nothing.

use mailcore_base::mailbox::{ModSeq, UidSet};
use std::collections::VecDeque;

/// Most expunges remembered one by one.
const MOST: usize = 1024;
/// Most ranges of UIDs in all of them: 32 KiB.
const RANGES: usize = 4096;

/// The expunges of one mailbox since some moment, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expunges {
    /// All that came behind this one is remembered.
    reach: ModSeq,
    entries: VecDeque<(ModSeq, UidSet)>,
    ranges: usize,
}

impl Expunges {
    /// Nothing is remembered of what was up to `reach`.
    pub(crate) fn since_start(reach: ModSeq) -> Self {
        Self {
            reach,
            ..Self::default()
        }
    }

    /// How far back it goes.
    #[cfg(feature = "files")]
    pub(crate) fn reach(&self) -> ModSeq {
        self.reach
    }

    /// All of it, oldest first.
    #[cfg(feature = "files")]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(ModSeq, UidSet)> {
        self.entries.iter()
    }

    /// These went at `modseq`, which is above all earlier ones. What finds no place pushes out the oldest.
    pub(crate) fn add(&mut self, modseq: ModSeq, uids: &UidSet) {
        if uids.is_empty() {
            return;
        }
        self.ranges += uids.ranges().count();
        self.entries.push_back((modseq, uids.clone()));
        while self.entries.len() > MOST || self.ranges > RANGES {
            let Some((oldest, uids)) = self.entries.pop_front() else {
                return;
            };
            self.ranges -= uids.ranges().count();
            self.reach = oldest;
        }
    }

    /// What went since; `None` where that is no longer known.
    pub(crate) fn since(&self, known: ModSeq) -> Option<UidSet> {
        if known < self.reach {
            return None;
        }
        let from = self.entries.partition_point(|(at, _)| *at <= known);
        let later = self.entries.range(from..);
        Some(later.fold(UidSet::new(), |all, (_, uids)| all.union(uids)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::mailbox::Uid;

    fn one(uid: u32) -> UidSet {
        Uid::new(uid).map(UidSet::one).unwrap()
    }

    #[test]
    fn what_it_no_longer_reaches_is_not_guessed() {
        let mut history = Expunges::since_start(ModSeq(10));
        assert_eq!(history.since(ModSeq(9)), None);
        assert_eq!(history.since(ModSeq(10)), Some(UidSet::new()));
        for n in 1..=MOST as u32 {
            history.add(ModSeq(10 + u64::from(n)), &one(2 * n));
        }
        let all = history.since(ModSeq(10)).unwrap();
        assert_eq!((all.len(), all.first()), (MOST as u64, Uid::new(2)));
        history.add(ModSeq(5000), &one(1));
        assert_eq!(history.since(ModSeq(10)), None, "the first was pushed out");
        let rest = history.since(ModSeq(11)).unwrap();
        assert_eq!((rest.len(), rest.first()), (MOST as u64, Uid::new(1)));
        assert_eq!(history.since(ModSeq(4999)), Some(one(1)));
        assert_eq!(history.since(ModSeq(5000)), Some(UidSet::new()));
    }

    #[test]
    fn an_expunge_with_more_gaps_than_fit_ends_the_history() {
        let mut history = Expunges::since_start(ModSeq(1));
        let gaps: UidSet = (1..=RANGES as u32 + 1)
            .filter_map(|n| Uid::new(2 * n))
            .collect();
        history.add(ModSeq(2), &gaps);
        assert_eq!(history.since(ModSeq(1)), None);
        assert_eq!(history.since(ModSeq(2)), Some(UidSet::new()));
        assert_eq!(history.ranges, 0);
    }
}
