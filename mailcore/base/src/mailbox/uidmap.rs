//! The UIDs of a mailbox in their order: message sequence numbers to UIDs and back.

use super::{Uid, UidSet};

/// The UIDs that a mailbox holds at one moment, lowest first; the first has sequence number 1
/// (RFC 3501 §2.3.1.2).
///
/// Kept as runs of consecutive UIDs, so that its size follows the gaps: a mailbox of ten thousand messages
/// without a gap costs one run. Sessions share one behind an `Arc` and go their own way by copying it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidMap {
    runs: Vec<Run>,
}

/// UIDs `first ..= last`, of which the first has `before` messages in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    before: u32,
}

impl UidMap {
    /// An empty mailbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages there are (EXISTS).
    pub fn len(&self) -> u32 {
        self.runs
            .last()
            .map_or(0, |r| r.before + (r.last - r.first) + 1)
    }

    /// No messages.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The UID of the message with this sequence number (from 1).
    pub fn uid(&self, number: u32) -> Option<Uid> {
        let index = number.checked_sub(1)?;
        let at = self
            .runs
            .partition_point(|r| r.before <= index)
            .checked_sub(1)?;
        let run = self.runs.get(at)?;
        let uid = run.first.checked_add(index - run.before)?;
        if uid <= run.last { Uid::new(uid) } else { None }
    }

    /// The sequence number (from 1) of the message with this UID.
    pub fn number(&self, uid: Uid) -> Option<u32> {
        let at = self.runs.partition_point(|r| r.last < uid.number());
        let run = self.runs.get(at)?;
        let ahead = uid.number().checked_sub(run.first)?;
        Some(run.before + ahead + 1)
    }

    /// How many messages have a UID below this one.
    pub fn below(&self, uid: Uid) -> u32 {
        let at = self.runs.partition_point(|r| r.last < uid.number());
        match self.runs.get(at) {
            Some(run) => run.before + uid.number().saturating_sub(run.first),
            None => self.len(),
        }
    }

    /// The highest UID present.
    pub fn last(&self) -> Option<Uid> {
        self.runs.last().and_then(|r| Uid::new(r.last))
    }

    /// Adds a message behind all others; one that is not behind them is passed over.
    pub fn push(&mut self, uid: Uid) {
        let (uid, len) = (uid.number(), self.len());
        match self.runs.last_mut() {
            Some(run) if run.last >= uid => {}
            Some(run) if run.last + 1 == uid => run.last = uid,
            _ => self.runs.push(Run {
                first: uid,
                last: uid,
                before: len,
            }),
        }
    }

    /// The UIDs, lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.runs
            .iter()
            .flat_map(|r| r.first..=r.last)
            .filter_map(Uid::new)
    }

    /// All UIDs as a set.
    pub fn set(&self) -> UidSet {
        let mut set = UidSet::new();
        for run in &self.runs {
            if let (Some(first), Some(last)) = (Uid::new(run.first), Uid::new(run.last)) {
                set.insert_range(first..=last);
            }
        }
        set
    }

    /// The UIDs of the messages numbered `low ..= high` (from 1; what does not exist is left out).
    pub fn slice(&self, low: u32, high: u32) -> UidSet {
        let mut set = UidSet::new();
        let low = low.max(1) - 1;
        for run in &self.runs {
            let count = run.last - run.first + 1;
            let from = low.max(run.before) - run.before;
            let until = high.saturating_sub(run.before).min(count);
            if from < until
                && let (Some(a), Some(b)) =
                    (Uid::new(run.first + from), Uid::new(run.first + until - 1))
            {
                set.insert_range(a..=b);
            }
        }
        set
    }
}

impl From<&UidSet> for UidMap {
    fn from(set: &UidSet) -> Self {
        let mut runs = Vec::new();
        let mut before = 0;
        for range in set.ranges() {
            let (first, last) = (range.start().number(), range.end().number());
            runs.push(Run {
                first,
                last,
                before,
            });
            before += last - first + 1;
        }
        Self { runs }
    }
}

impl FromIterator<Uid> for UidMap {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        Self::from(&uids.into_iter().collect::<UidSet>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_uids_are_each_others_inverse(of in proptest::collection::btree_set(1u32..90, 0..60)) {
            let map: UidMap = of.iter().filter_map(|n| Uid::new(*n)).collect();
            let sorted: Vec<u32> = of.iter().copied().collect();
            prop_assert_eq!(map.len() as usize, sorted.len());
            for (n, uid) in sorted.iter().enumerate() {
                let number = n as u32 + 1;
                prop_assert_eq!(map.uid(number).map(Uid::number), Some(*uid));
                prop_assert_eq!(map.number(Uid::new(*uid).unwrap()), Some(number));
            }
            prop_assert_eq!(map.uid(map.len() + 1), None);
            prop_assert_eq!(map.uid(0), None);
            for absent in (1..95).filter(|n| !of.contains(n)) {
                let uid = Uid::new(absent).unwrap();
                prop_assert_eq!(map.number(uid), None);
                prop_assert_eq!(map.below(uid) as usize, sorted.iter().filter(|n| **n < absent).count());
            }
        }

        #[test]
        fn one_that_grows_is_one_that_was_made_whole(of in proptest::collection::btree_set(1u32..90, 0..60), again in 1u32..90) {
            let uid = |n: &u32| Uid::new(*n).unwrap();
            let whole: UidMap = of.iter().map(uid).collect();
            let mut grown = UidMap::new();
            of.iter().map(uid).for_each(|uid| grown.push(uid));
            prop_assert_eq!(&grown, &whole);
            grown.push(uid(&again));
            prop_assert_eq!(grown == whole, again <= of.last().copied().unwrap_or(0));
        }

        #[test]
        fn a_slice_is_the_uids_of_its_numbers(
            of in proptest::collection::btree_set(1u32..90, 0..60), low in 0u32..70, high in 0u32..70,
        ) {
            let map: UidMap = of.iter().filter_map(|n| Uid::new(*n)).collect();
            let want: UidSet = (low.max(1)..=high).filter_map(|n| map.uid(n)).collect();
            prop_assert_eq!(map.slice(low, high), want);
        }
    }
}
