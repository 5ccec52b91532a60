//! What some messages come to, counted once: so that counters of a mailbox, and the question whether a delivery is there
//! already, need not look at each message again.

use super::filename;
use super::row::Row;
use crate::queue::Identity;
use mailcore_base::mailbox::Flags;

/// Bits of a message's identity in the filter.
const BITS: u32 = 4;

#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// The highest modification sequence.
    pub(super) modseq: u64,
    /// Messages in `new/`.
    pub(super) fresh: u32,
    pub(super) seen: u32,
    pub(super) deleted: u32,
    /// Octets with CRLF line ends, of the messages whose names tell.
    pub(super) served: u64,
    /// Messages whose names do not tell how long they are with CRLF.
    pub(super) untold: Vec<u32>,
    /// Which identities may be among them; no bits: none.
    marks: Box<[u64]>,
}

impl Tally {
    pub(super) fn of<'r>(rows: impl Iterator<Item = Row<'r>>) -> Self {
        let mut tally = Self::default();
        let mut identities = Vec::new();
        for row in rows {
            tally.modseq = tally.modseq.max(row.modseq);
            tally.fresh += u32::from(row.fresh);
            tally.seen += u32::from(row.flags.contains(Flags::SEEN));
            tally.deleted += u32::from(row.flags.contains(Flags::DELETED));
            match filename::sizes(row.base).1 {
                Some(served) => tally.served = tally.served.saturating_add(served),
                None => tally.untold.push(row.uid),
            }
            identities.extend(filename::identity(row.base));
        }
        tally.mark(&identities);
        tally
    }

    /// Sixteen bits for each: of those that are not there, two in a thousand look as if they were.
    fn mark(&mut self, identities: &[Identity]) {
        if identities.is_empty() {
            return;
        }
        let words = (identities.len() * 16).div_ceil(64).next_power_of_two();
        self.marks = vec![0; words].into();
        for identity in identities {
            for (word, bit) in places(*identity, words) {
                if let Some(word) = self.marks.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// Whether one of them may carry this identity.
    pub(super) fn may_have(&self, identity: Identity) -> bool {
        let has = |(word, bit)| self.marks.get(word).is_some_and(|marks| marks & bit != 0);
        !self.marks.is_empty() && places(identity, self.marks.len()).all(has)
    }
}

/// Where the filter's bits of an identity are.
fn places(identity: Identity, words: usize) -> impl Iterator<Item = (usize, u64)> {
    let bits = (words * 64) as u64;
    let mut hash = (identity.0 as u64) ^ ((identity.0 >> 64) as u64).rotate_left(23);
    (0..BITS).map(move |_| {
        hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = hash;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let at = mixed % bits;
        ((at / 64) as usize, 1 << (at % 64))
    })
}
