//! What some messages come to, counted once: so that counters of a mailbox, and the question whether a delivery is there
//! already, need not look at each message again.

use super::filename;
use super::row::Row;
use crate::queue::Identity;
use mailcore_base::mailbox::Flags;

/// Bits of a message's identity in the filter.
const BITS: u32 = 4;
/// Bits of the filter for each identity: of those that are not there, two in a thousand look as if they were.
const EACH: usize = 16;

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
    /// How many have been marked.
    marked: usize,
}

impl Tally {
    pub(super) fn of<'r>(rows: impl Iterator<Item = Row<'r>>) -> Self {
        let mut tally = Self::default();
        let mut identities = Vec::new();
        for row in rows {
            tally.count(&row);
            identities.extend(filename::identity(row.base));
        }
        if !identities.is_empty() {
            let words = (identities.len() * EACH).div_ceil(64).next_power_of_two();
            tally.marks = vec![0; words].into();
        }
        identities.into_iter().for_each(|it| tally.mark(it));
        tally
    }

    /// One more message has come; false if that cannot be told any more without counting all of them anew.
    pub(super) fn add(&mut self, row: &Row<'_>) -> bool {
        let identity = filename::identity(row.base);
        let room = self.marks.len() * 64 / EACH;
        if identity.is_some() && self.marked >= room {
            return false;
        }
        self.count(row);
        identity.into_iter().for_each(|it| self.mark(it));
        true
    }

    fn count(&mut self, row: &Row<'_>) {
        self.modseq = self.modseq.max(row.modseq);
        self.fresh += u32::from(row.fresh);
        self.seen += u32::from(row.flags.contains(Flags::SEEN));
        self.deleted += u32::from(row.flags.contains(Flags::DELETED));
        match filename::sizes(row.base).1 {
            Some(served) => self.served = self.served.saturating_add(served),
            None => self.untold.push(row.uid),
        }
    }

    fn mark(&mut self, identity: Identity) {
        self.marked += 1;
        for (word, bit) in places(identity, self.marks.len()) {
            if let Some(word) = self.marks.get_mut(word) {
                *word |= bit;
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
