//! What is left of a set of UIDs that is worked off from the lowest on: given once, taken in pieces.

use mailcore_base::mailbox::{Uid, UidSet};

/// UIDs still to be dealt with.
#[derive(Debug, Clone, Default)]
pub(super) struct Remaining {
    /// First and last of each range, the lowest range at the end.
    ranges: Vec<(u32, u32)>,
}

impl From<&UidSet> for Remaining {
    fn from(set: &UidSet) -> Self {
        let ends =
            |range: std::ops::RangeInclusive<Uid>| (range.start().number(), range.end().number());
        Self {
            ranges: set.ranges().rev().map(ends).collect(),
        }
    }
}

impl Remaining {
    /// The lowest `most` UIDs, which stay.
    pub(super) fn batch(&self, most: usize) -> UidSet {
        let mut left = u32::try_from(most).unwrap_or(u32::MAX);
        let mut batch = UidSet::new();
        for (first, last) in self.ranges.iter().rev() {
            if left == 0 {
                break;
            }
            let until = (*last).min(first.saturating_add(left - 1));
            left -= until - first + 1;
            if let (Some(first), Some(until)) = (Uid::new(*first), Uid::new(until)) {
                batch.insert_range(first..=until);
            }
        }
        batch
    }

    /// Takes the lowest range: its first and its last.
    pub(super) fn range(&mut self) -> Option<(Uid, Uid)> {
        let (first, last) = self.ranges.pop()?;
        Uid::new(first).zip(Uid::new(last))
    }

    /// Everything up to and including this one is done with.
    pub(super) fn done_through(&mut self, uid: Uid) {
        while let Some((first, last)) = self.ranges.last_mut() {
            if *last <= uid.number() {
                self.ranges.pop();
                continue;
            }
            // The end of the range is above, so one more is still within.
            *first = (*first).max(uid.number() + 1);
            return;
        }
    }
}

/// Takes the lowest.
impl Iterator for Remaining {
    type Item = Uid;

    fn next(&mut self) -> Option<Uid> {
        let uid = Uid::new(self.ranges.last()?.0)?;
        self.done_through(uid);
        Some(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_make_the_whole(of in proptest::collection::btree_set(1u32..60, 0..40), most in 1usize..9) {
            let set: UidSet = of.iter().filter_map(|n| Uid::new(*n)).collect();
            let mut left = Remaining::from(&set);
            let mut seen = Vec::new();
            loop {
                let batch = left.batch(most);
                let Some(last) = batch.last() else { break };
                prop_assert!(batch.len() <= most as u64);
                seen.extend(batch.iter().map(Uid::number));
                left.done_through(last);
            }
            prop_assert_eq!(&seen, &of.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(Remaining::from(&set).map(Uid::number).collect::<Vec<_>>(), seen);
        }
    }

    #[test]
    fn the_last_uid_ends_it() {
        let mut left = Remaining::from(&UidSet::one(Uid::LAST));
        assert_eq!(left.batch(5).len(), 1);
        assert_eq!(left.next(), Some(Uid::LAST));
        assert_eq!(left.next(), None);
    }
}
