//! An order of turns: who has had his goes to the end. Knows nothing of who they are.

use std::collections::BTreeMap;

/// Who has a turn, in order.
#[derive(Debug)]
pub(super) struct Rotation<T>(BTreeMap<u64, T>);

impl<T> Default for Rotation<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy> Rotation<T> {
    /// Puts a turn at the end; says where that is.
    pub(super) fn push(&mut self, who: T) -> u64 {
        let end = self.0.last_key_value().map_or(0, |(at, _)| at + 1);
        self.0.insert(end, who);
        end
    }

    /// Takes a turn out, wherever it stands.
    pub(super) fn remove(&mut self, at: u64) {
        self.0.remove(&at);
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<T> {
        self.0.values().next().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
