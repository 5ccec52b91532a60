//! Sets of UIDs and the map to sequence numbers, against plain sets of numbers.

use crate::Choices;
use mailcore_base::mailbox::{Uid, UidMap, UidSet};
use std::collections::BTreeSet;

/// The input is a programme: an octet for what to do, two for the range to do it with.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut set = UidSet::new();
    let mut plain = BTreeSet::new();
    while !choices.is_empty() {
        let act = choices.below(6);
        let (low, high) = (choices.octet(), choices.octet());
        let other = range(low, high);
        let numbers: BTreeSet<u32> = (low..=high).map(number).collect();
        match act {
            0 | 1 => {
                set.insert_range(uid(low)..=uid(high));
                plain.extend(&numbers);
            }
            2 => {
                set = set.difference(&other);
                plain.retain(|n| !numbers.contains(n));
            }
            3 => {
                let kept = set.intersection(&other);
                assert_eq!(kept, other.intersection(&set));
                assert_eq!(kept.union(&set.difference(&other)), set);
            }
            4 => {
                set = set.union(&other);
                plain.extend(&numbers);
            }
            _ => {
                set.insert(uid(low));
                plain.insert(number(low));
            }
        }
        ordered(&set);
        same(&set, &plain);
    }
    map(&set, &plain, choices);
}

/// Numbers at both ends of what a UID can be, so that arithmetic is tried where it might overflow.
fn number(octet: u8) -> u32 {
    match octet {
        0..200 => u32::from(octet) + 1,
        _ => u32::MAX - u32::from(255 - octet),
    }
}

fn uid(octet: u8) -> Uid {
    Uid::new(number(octet)).expect("not zero")
}

/// The set that the numbers of `low ..= high` make, which has a gap where the two ends meet.
fn range(low: u8, high: u8) -> UidSet {
    (low..=high).map(uid).collect()
}

fn ordered(set: &UidSet) {
    let mut before: Option<u32> = None;
    for range in set.ranges() {
        let (low, high) = (range.start().number(), range.end().number());
        assert!(low <= high);
        assert!(before.is_none_or(|last| last.checked_add(1).is_some_and(|next| next < low)));
        before = Some(high);
    }
}

fn same(set: &UidSet, plain: &BTreeSet<u32>) {
    // A range over both ends holds all that lies between.
    let between = set.contains(Uid::new(1 << 31).expect("not zero"));
    let known: BTreeSet<u32> = (0..=255)
        .map(number)
        .filter(|n| Uid::new(*n).is_some_and(|uid| set.contains(uid)))
        .collect();
    assert_eq!(&known, plain);
    if between {
        return;
    }
    assert_eq!(set.len(), plain.len() as u64);
    assert!(set.iter().map(Uid::number).eq(plain.iter().copied()));
    assert_eq!(set.is_empty(), plain.is_empty());
    assert_eq!(set.first().map(Uid::number), plain.first().copied());
    assert_eq!(set.last().map(Uid::number), plain.last().copied());
}

fn map(set: &UidSet, plain: &BTreeSet<u32>, mut choices: Choices<'_>) {
    if set.len() != plain.len() as u64 {
        return;
    }
    let map = UidMap::from(set);
    assert_eq!(map.len() as usize, plain.len());
    for (before, &n) in (0u32..).zip(plain) {
        let uid = Uid::new(n).expect("a member");
        assert_eq!(map.uid(before + 1), Some(uid));
        assert_eq!(map.number(uid), Some(before + 1));
        assert_eq!(map.below(uid), before);
    }
    assert_eq!(map.uid(map.len().saturating_add(1)), None);
    let (low, high) = (u32::from(choices.octet()), u32::from(choices.octet()));
    let want: UidSet = (low.max(1)..=high).filter_map(|n| map.uid(n)).collect();
    assert_eq!(map.slice(low, high), want);
}
