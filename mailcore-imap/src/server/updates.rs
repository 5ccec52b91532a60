//! Searches whose results the client is kept told of (RFC 5267 §4.3): what each has found, as far as the client
//! has been told, and what of a change matters to it. Asks nobody and writes nothing.

use mailcore_base::mailbox::UidSet;
use mailcore_base::search::{Key, Query};
use std::sync::Arc;

/// Searches of a session that are kept up to date (Dovecot: 10).
const MOST: usize = 10;

/// A search that is kept up to date.
#[derive(Debug)]
pub(super) struct Update {
    /// Of the command that asked for it.
    pub(super) tag: Vec<u8>,
    pub(super) by_uid: bool,
    pub(super) query: Arc<Query>,
    /// What the client has been told of.
    pub(super) found: UidSet,
}

impl Update {
    /// A message may come to match, or no longer match, while it stays in the mailbox.
    pub(super) fn hangs_on_flags(&self) -> bool {
        self.query.keys().any(|key| {
            !matches!(
                key,
                Key::All
                    | Key::Uids(_)
                    | Key::Address { .. }
                    | Key::Header { .. }
                    | Key::Body(_)
                    | Key::Text(_)
                    | Key::Received(_)
                    | Key::Sent(_)
                    | Key::Larger(_)
                    | Key::Smaller(_)
            )
        })
    }

    /// Takes in which of `looked` match now: what left the result, and what came into it.
    pub(super) fn learn(&mut self, looked: &UidSet, matching: &UidSet) -> (UidSet, UidSet) {
        let matching = matching.intersection(looked);
        let left = self.found.intersection(looked).difference(&matching);
        let came = matching.difference(&self.found);
        self.found = self.found.difference(&left).union(&came);
        (left, came)
    }
}

/// All of a selected mailbox.
#[derive(Debug, Default)]
pub(super) struct Updates {
    all: Vec<Update>,
}

impl Updates {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= MOST
    }

    pub(super) fn has(&self, tag: &[u8]) -> bool {
        self.all.iter().any(|update| update.tag == tag)
    }

    pub(super) fn add(&mut self, update: Update) {
        self.all.push(update);
    }

    /// Forgets the search of this tag; whether there was one.
    pub(super) fn cancel(&mut self, tag: &[u8]) -> bool {
        let before = self.all.len();
        self.all.retain(|update| update.tag != tag);
        self.all.len() < before
    }

    pub(super) fn get(&self, place: usize) -> Option<&Update> {
        self.all.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Update> {
        self.all.get_mut(place)
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Update> {
        (place < self.all.len()).then(|| self.all.remove(place))
    }

    /// Of each search that is up to date, the place and what has left its result for good.
    pub(super) fn forget(&mut self, gone: &UidSet) -> Vec<(usize, UidSet)> {
        let all = self.all.iter_mut().enumerate();
        all.filter_map(|(place, update)| {
            let left = update.found.intersection(gone);
            update.found = update.found.difference(&left);
            (!left.is_empty()).then_some((place, left))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::mailbox::{Flags, Uid};

    fn set(of: &[u32]) -> UidSet {
        of.iter().filter_map(|n| Uid::new(*n)).collect()
    }

    #[test]
    fn a_result_follows_what_is_learnt() {
        let mut update = Update {
            tag: b"a".to_vec(),
            by_uid: false,
            query: Arc::new(Query::from(Key::Flags(Flags::SEEN))),
            found: set(&[1, 2, 3]),
        };
        assert!(update.hangs_on_flags());
        let (left, came) = update.learn(&set(&[2, 3, 4, 5]), &set(&[3, 5, 9]));
        assert_eq!((left, came), (set(&[2]), set(&[5])));
        assert_eq!(update.found, set(&[1, 3, 5]));
        let mut updates = Updates::default();
        updates.add(update);
        assert_eq!(updates.forget(&set(&[3, 4])), [(0, set(&[3]))]);
        assert_eq!(updates.forget(&set(&[3, 4])), []);
        assert!(updates.has(b"a") && updates.cancel(b"a") && !updates.cancel(b"a"));
    }
}
