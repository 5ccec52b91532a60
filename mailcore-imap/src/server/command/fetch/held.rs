//! One message of a FETCH that is answered item by item.

use crate::types::Row;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, ModSeq, Uid};

/// A record that is kept until its message's turn comes.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) uid: Uid,
    pub(super) flags: Flags,
    pub(super) modseq: ModSeq,
    date: Option<DateTime>,
    size: Option<u64>,
    envelope: Option<Vec<u8>>,
    structure: Option<Vec<u8>>,
    headers: Option<Vec<u8>>,
    /// `\Seen` was set by this command: its flags are told whether asked for or not.
    pub(super) marked: bool,
}

impl Held {
    pub(super) fn of(row: &Row<'_>) -> Self {
        Self {
            uid: row.uid,
            flags: row.flags,
            modseq: row.modseq,
            date: row.date,
            size: row.size,
            envelope: row.envelope.map(<[u8]>::to_vec),
            structure: row.structure.map(<[u8]>::to_vec),
            headers: row.headers.map(<[u8]>::to_vec),
            marked: false,
        }
    }

    /// The record again.
    pub(super) fn row(&self) -> Row<'_> {
        Row {
            uid: self.uid,
            flags: self.flags,
            modseq: self.modseq,
            date: self.date,
            size: self.size,
            envelope: self.envelope.as_deref(),
            structure: self.structure.as_deref(),
            headers: self.headers.as_deref(),
        }
    }

    /// `\Seen` has just been set.
    pub(super) fn mark(&mut self) {
        if !self.flags.contains(Flags::SEEN) {
            self.flags = self.flags.union(Flags::SEEN);
            self.marked = true;
        }
    }

    /// Octets that it takes, about.
    pub(super) fn weight(&self) -> usize {
        let text = |text: &Option<Vec<u8>>| text.as_ref().map_or(0, Vec::len);
        size_of::<Self>() + text(&self.envelope) + text(&self.structure) + text(&self.headers)
    }
}
