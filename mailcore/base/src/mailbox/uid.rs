//! UIDs, sets of them, and the counters that order a mailbox's life (RFC 3501 §2.3.1.1, RFC 7162).

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// A message's unique identifier in its mailbox; never zero, never reused under one [`UidValidity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The lowest UID.
    pub const FIRST: Self = Self(NonZeroU32::MIN);
    /// The highest UID.
    pub const LAST: Self = Self(NonZeroU32::MAX);

    /// The UID of this number; there is none for zero.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The UID after this one, unless this is the last.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value under which a mailbox's UIDs hold; a new value voids all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UidValidity(pub NonZeroU32);

impl fmt::Display for UidValidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A modification sequence (RFC 7162 §3.1): grows with every change of a mailbox, at most 63 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of UIDs, kept as sorted, disjoint, non-adjacent ranges: its size follows the gaps, not the members.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// No UIDs.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Every UID there can be.
    pub fn all() -> Self {
        Self {
            ranges: vec![(1, u32::MAX)],
        }
    }

    /// The single UID.
    pub fn one(uid: Uid) -> Self {
        Self {
            ranges: vec![(uid.number(), uid.number())],
        }
    }

    /// Adds one UID. Cheap at the end, a search elsewhere.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid..=uid);
    }

    /// Adds a range; an empty one adds nothing.
    pub fn insert_range(&mut self, range: RangeInclusive<Uid>) {
        let (low, high) = (range.start().number(), range.end().number());
        if low > high {
            return;
        }
        // Ranges that touch or overlap [low, high] melt into it.
        let from = self.ranges.partition_point(|r| r.1 < low.saturating_sub(1));
        let to = self
            .ranges
            .partition_point(|r| r.0 <= high.saturating_add(1));
        let touched = self.ranges.get(from..to).unwrap_or_default();
        let low = touched.first().map_or(low, |r| r.0.min(low));
        let high = touched.last().map_or(high, |r| r.1.max(high));
        self.ranges.splice(from..to, [(low, high)]);
    }

    /// Whether the UID is a member.
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.ranges.partition_point(|r| r.1 < uid.number());
        self.ranges.get(at).is_some_and(|r| r.0 <= uid.number())
    }

    /// No members.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many members.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|r| u64::from(r.1 - r.0) + 1).sum()
    }

    /// The lowest member.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().and_then(|r| Uid::new(r.0))
    }

    /// The highest member.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|r| Uid::new(r.1))
    }

    /// The ranges, lowest first.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<Uid>> + '_ {
        self.ranges
            .iter()
            .filter_map(|r| Some(Uid::new(r.0)?..=Uid::new(r.1)?))
    }

    /// The members, lowest first. Bound it yourself: a set may hold four thousand million.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges
            .iter()
            .flat_map(|r| r.0..=r.1)
            .filter_map(Uid::new)
    }

    /// Members of both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut a, mut b) = (
            self.ranges.iter().peekable(),
            other.ranges.iter().peekable(),
        );
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            let (low, high) = (x.0.max(y.0), x.1.min(y.1));
            if low <= high {
                out.push((low, high));
            }
            if x.1 < y.1 {
                a.next()
            } else {
                b.next()
            };
        }
        Self { ranges: out }
    }

    /// Members of this set that the other lacks.
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut holes = other.ranges.iter().peekable();
        for &(mut low, high) in &self.ranges {
            let mut spent = false;
            while let Some(hole) = holes.peek() {
                if hole.1 < low {
                    holes.next();
                    continue;
                }
                if hole.0 > high {
                    break;
                }
                if hole.0 > low {
                    out.push((low, hole.0 - 1));
                }
                match hole.1.checked_add(1) {
                    Some(next) if next <= high => low = next,
                    _ => {
                        spent = true;
                        break;
                    }
                }
            }
            if !spent {
                out.push((low, high));
            }
        }
        Self { ranges: out }
    }

    /// Members of either.
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        for range in other.ranges() {
            out.insert_range(range);
        }
        out
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        set.extend(uids);
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        for uid in uids {
            self.insert(uid);
        }
    }
}

/// In IMAP's sequence-set form: `1:3,7`; nothing for the empty set (which that form cannot say).
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (low, high)) in self.ranges.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            if low == high {
                write!(f, "{low}")?;
            } else {
                write!(f, "{low}:{high}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UidSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(of: &BTreeSet<u32>) -> UidSet {
        of.iter().rev().filter_map(|n| Uid::new(*n)).collect()
    }

    fn members(of: &UidSet) -> BTreeSet<u32> {
        of.iter().map(Uid::number).collect()
    }

    fn small() -> impl Strategy<Value = BTreeSet<u32>> {
        proptest::collection::btree_set(1u32..60, 0..40)
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_into_it(a in small()) {
            prop_assert_eq!(members(&set(&a)), a);
        }

        #[test]
        fn the_algebra_is_that_of_sets(a in small(), b in small()) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(members(&x.intersection(&y)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(members(&x.difference(&y)), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(members(&x.union(&y)), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(x.len(), a.len() as u64);
            prop_assert!(a.iter().all(|n| x.contains(Uid::new(*n).unwrap())));
        }

        #[test]
        fn equal_members_make_equal_sets(a in small()) {
            let forwards: UidSet = a.iter().filter_map(|n| Uid::new(*n)).collect();
            prop_assert_eq!(forwards, set(&a));
        }
    }

    #[test]
    fn the_ends_of_the_number_line_hold() {
        let mut all = UidSet::all();
        all.insert_range(Uid::FIRST..=Uid::LAST);
        assert_eq!(all.len(), u64::from(u32::MAX));
        assert_eq!(
            all.difference(&UidSet::one(Uid::LAST)).last(),
            Uid::new(u32::MAX - 1)
        );
        assert!(all.difference(&all).is_empty());
        assert_eq!(all.to_string(), "1:4294967295");
    }
}
