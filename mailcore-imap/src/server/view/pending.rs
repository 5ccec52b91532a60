//! Flag news that the client has not been told yet, within a bound.
//!
//! A few changes are kept as they are. When another session changes the flags of a million messages, only
//! which messages is kept, and the flags are asked for when they can be told; when even that set has too many
//! gaps, the span that covers it is kept, and what turns out not to have changed since is left out again.

use mailcore_base::mailbox::{Flags, ModSeq, Uid, UidMap, UidSet};

/// Most changes kept with their flags, and most messages asked for at a time.
pub(super) const MOST: usize = 256;
/// Most ranges of the set of messages whose flags have to be asked for.
const RANGES: usize = 512;

/// One message's news.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flagged {
    pub(super) uid: Uid,
    pub(super) flags: Flags,
    pub(super) modseq: ModSeq,
    /// The client has set them itself and knows; of the modification sequence it knows nothing.
    pub(super) silent: bool,
}

/// What the client has to be told of flags.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// By UID, highest first: told from the end.
    flagged: Vec<Flagged>,
    /// Messages whose flags have to be asked for before they can be told.
    stale: UidSet,
    /// Of the stale, those that have not changed since are no news.
    since: ModSeq,
}

impl Pending {
    /// Takes in what has changed; `fresh` is by UID and holds no UID twice. The client was last told all at
    /// `settled`.
    pub(super) fn add(&mut self, fresh: Vec<Flagged>, settled: ModSeq) {
        if self.flagged.len() + fresh.len() > MOST {
            let old = std::mem::take(&mut self.flagged);
            let old = old.iter().rev().map(|one| one.uid).collect();
            let fresh = fresh.iter().map(|one| one.uid).collect();
            return self.ask_for(&super::merge(&old, &fresh), settled);
        }
        for one in fresh {
            if self.stale.contains(one.uid) {
                continue;
            }
            match self.find(one.uid) {
                Ok(at) => {
                    if let Some(old) = self.flagged.get_mut(at) {
                        let silent = old.silent && one.silent;
                        *old = Flagged { silent, ..one };
                    }
                }
                Err(at) => self.flagged.insert(at, one),
            }
        }
    }

    /// The client is still to be told of this message.
    pub(super) fn concerns(&self, uid: Uid) -> bool {
        self.find(uid).is_ok() || self.stale.contains(uid)
    }

    fn find(&self, uid: Uid) -> Result<usize, usize> {
        self.flagged.binary_search_by(|old| uid.cmp(&old.uid))
    }

    /// The flags of these are to be asked for and told, unless they have not changed since `since`.
    pub(super) fn ask_for(&mut self, uids: &UidSet, since: ModSeq) {
        if uids.is_empty() {
            return;
        }
        self.since = if self.stale.is_empty() {
            since
        } else {
            self.since.min(since)
        };
        self.stale = super::merge(&self.stale, uids);
        if self.stale.ranges().count() > RANGES
            && let (Some(first), Some(last)) = (self.stale.first(), self.stale.last())
        {
            self.stale = UidSet::new();
            self.stale.insert_range(first..=last);
        }
    }

    /// The next that can be told, lowest UID first.
    pub(super) fn pop(&mut self) -> Option<Flagged> {
        let one = self.flagged.pop();
        if self.flagged.is_empty() {
            self.flagged = Vec::new();
        }
        one
    }

    /// The next messages whose flags have to be asked for: at most [`MOST`] of those in `there`.
    pub(super) fn next_batch(&mut self, there: &UidMap) -> Option<UidSet> {
        let mut batch = UidSet::new();
        let mut left = MOST as u32;
        for range in self.stale.ranges() {
            let (first, last) = (*range.start(), *range.end());
            let ahead = there.below(first);
            let Some(low) = there.uid(ahead + 1).filter(|uid| *uid <= last) else {
                continue;
            };
            // The last of the batch; where the range ends earlier, its end.
            let high = there.uid(ahead + left).map_or(last, |uid| uid.min(last));
            batch.insert_range(low..=high);
            left = left.saturating_sub(there.below(high) + 1 - ahead);
            if left == 0 {
                break;
            }
        }
        if batch.is_empty() {
            self.stale = UidSet::new();
            return None;
        }
        Some(batch)
    }

    /// These have been asked for, and this is what they are now.
    pub(super) fn learn(&mut self, asked: &UidSet, mut found: Vec<Flagged>) {
        self.stale = self.stale.difference(asked);
        found.retain(|one| one.modseq > self.since);
        found.sort_by_key(|one| one.uid);
        found.dedup_by_key(|one| one.uid);
        self.add(found, self.since);
    }

    /// Octets on the heap, about.
    pub(super) fn weight(&self) -> usize {
        self.flagged.capacity() * size_of::<Flagged>() + super::set_weight(&self.stale)
    }
}
