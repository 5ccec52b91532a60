//! What a search has found, given once and taken in pieces: as the client counts messages, single or in ranges.

use super::remaining::Remaining;
use super::view::View;
use mailcore_base::mailbox::{Uid, UidMap, UidSet};

/// Messages that were found.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// In no order but that of the mailbox.
    Set(UidSet),
    /// In this one.
    Order(Vec<Uid>),
}

impl Found {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Set(set) => set.len(),
            Self::Order(order) => order.len() as u64,
        }
    }

    pub(super) fn first(&self) -> Option<Uid> {
        match self {
            Self::Set(set) => set.first(),
            Self::Order(order) => order.first().copied(),
        }
    }

    pub(super) fn last(&self) -> Option<Uid> {
        match self {
            Self::Set(set) => set.last(),
            Self::Order(order) => order.last().copied(),
        }
    }

    /// Without their order.
    pub(super) fn set(&self) -> UidSet {
        match self {
            Self::Set(set) => set.clone(),
            Self::Order(order) => {
                // Ascending, so that each is added at the end.
                let mut uids = order.clone();
                uids.sort_unstable();
                uids.into_iter().collect()
            }
        }
    }

    /// Those at these places, from 1.
    pub(super) fn places(&self, low: u32, high: u32) -> Self {
        match self {
            Self::Set(set) => Self::Set(UidMap::from(set).slice(low, high)),
            Self::Order(order) => {
                let low = (low as usize).saturating_sub(1).min(order.len());
                let high = (high as usize).clamp(low, order.len());
                Self::Order(order.get(low..high).unwrap_or_default().to_vec())
            }
        }
    }

    /// To be taken one after the other.
    pub(super) fn into_left(self) -> Left {
        match self {
            Self::Set(set) => Left::Set(Remaining::from(&set)),
            Self::Order(order) => Left::Order(order.into_iter()),
        }
    }
}

/// Messages that are still to be told.
#[derive(Debug)]
pub(super) enum Left {
    Set(Remaining),
    Order(std::vec::IntoIter<Uid>),
}

impl Left {
    /// The next one's number.
    pub(super) fn number(&mut self, names: Names<'_>) -> Option<u32> {
        loop {
            let uid = match self {
                Self::Set(left) => left.next(),
                Self::Order(left) => left.next(),
            }?;
            if let Some(number) = names.of(uid) {
                return Some(number);
            }
        }
    }

    /// Messages with numbers in a row, all of which are among those left: a whole range, or one.
    fn run(&mut self, names: Names<'_>) -> Option<(u32, u32)> {
        loop {
            let (first, last) = match self {
                Self::Set(left) => left.range()?,
                Self::Order(left) => left.next().map(|uid| (uid, uid))?,
            };
            if let (Some(first), Some(last)) = (names.of(first), names.of(last)) {
                return Some((first, last));
            }
        }
    }
}

/// How the client names messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names<'v> {
    Uids,
    Numbers(&'v View),
}

impl<'v> Names<'v> {
    pub(super) fn new(by_uid: bool, view: &'v View) -> Self {
        match by_uid {
            true => Self::Uids,
            false => Self::Numbers(view),
        }
    }

    /// The number of a message, if the client counts it.
    pub(super) fn of(self, uid: Uid) -> Option<u32> {
        match self {
            Self::Uids => Some(uid.number()),
            Self::Numbers(view) => view.number(uid),
        }
    }
}

/// The same in ranges as long as can be: messages without a gap between their numbers, though there be one between
/// their UIDs, are one.
#[derive(Debug)]
pub(super) struct Ranges {
    left: Left,
    open: Option<(u32, u32)>,
}

impl Ranges {
    pub(super) fn new(found: Found) -> Self {
        Self {
            left: found.into_left(),
            open: None,
        }
    }

    /// The next range: its first number and its last.
    pub(super) fn next(&mut self, names: Names<'_>) -> Option<(u32, u32)> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.left.run(names)?,
        };
        while let Some((first, last)) = self.left.run(names) {
            if open.1.checked_add(1) == Some(first) {
                open.1 = last;
            } else {
                self.open = Some((first, last));
                break;
            }
        }
        Some(open)
    }

    /// Writes a range and a comma in front of all but the first; whether there was one.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, names: Names<'_>, first: &mut bool) -> bool {
        let Some((low, high)) = self.next(names) else {
            return false;
        };
        if !std::mem::take(first) {
            out.push(b',');
        }
        crate::write::range(out, low, high);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uid(n: u32) -> Uid {
        Uid::new(n).unwrap()
    }

    fn shown(found: Found) -> String {
        let (mut out, mut first) = (Vec::new(), true);
        let mut ranges = Ranges::new(found);
        while ranges.write(&mut out, Names::Uids, &mut first) {}
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ranges_ascend_and_keep_the_order() {
        let order: Vec<_> = [11, 9, 10, 8, 7, 5, 6, 4, 4_294_967_295]
            .into_iter()
            .map(uid)
            .collect();
        assert_eq!(
            shown(Found::Order(order.clone())),
            "11,9:10,8,7,5:6,4,4294967295"
        );
        assert_eq!(shown(Found::Order(order).places(2, 5)), "9:10,8,7");
        assert_eq!(shown(Found::Order(Vec::new())), "");
    }

    proptest! {
        #[test]
        fn ranges_hold_what_was_found(of in proptest::collection::btree_set(1u32..60, 0..40), low in 1u32..50, high in 1u32..50) {
            let set: UidSet = of.iter().map(|n| uid(*n)).collect();
            let order: Vec<Uid> = set.iter().collect();
            prop_assert_eq!(shown(Found::Set(set.clone())), set.to_string());
            prop_assert_eq!(shown(Found::Order(order.clone())), set.to_string());
            prop_assert_eq!(Found::Order(order.clone()).set(), set.clone());
            let (one, other) = (Found::Set(set).places(low, high), Found::Order(order).places(low, high));
            prop_assert_eq!(one.len(), other.len());
            prop_assert_eq!(shown(one), shown(other));
        }
    }
}
