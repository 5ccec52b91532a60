//! What is said of messages.

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, ModSeq, Uid};

/// Which fields of a [`Row`] are wanted; others may be left at nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fields(u8);

impl Fields {
    /// Flags and modification sequence.
    pub const FLAGS: Self = Self(1);
    /// The internal date.
    pub const DATE: Self = Self(1 << 1);
    /// The size with CRLF line ends.
    pub const SIZE: Self = Self(1 << 2);
    /// The envelope, ready to send.
    pub const ENVELOPE: Self = Self(1 << 3);
    /// The body structure, ready to send.
    pub const STRUCTURE: Self = Self(1 << 4);
    /// The chosen header fields.
    pub const HEADERS: Self = Self(1 << 5);

    /// All of `other` are wanted.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Fields {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is known of a message without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'r> {
    /// Which message.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// When it last changed.
    pub modseq: ModSeq,
    /// When it came (INTERNALDATE).
    pub date: Option<DateTime>,
    /// Its size in octets with CRLF line ends.
    pub size: Option<u64>,
    /// Its ENVELOPE, ready to send, parentheses included.
    pub envelope: Option<&'r [u8]>,
    /// Its BODYSTRUCTURE, ready to send, parentheses included.
    pub structure: Option<&'r [u8]>,
    /// Its fields among the [`CHOSEN_FIELDS`](mailcore_base::message::CHOSEN_FIELDS), each as it stands in the header
    /// and in that order, with CRLF line ends, without an empty line behind them.
    pub headers: Option<&'r [u8]>,
}

impl Row<'_> {
    /// A row that knows flags alone.
    pub fn new(uid: Uid, flags: Flags, modseq: ModSeq) -> Self {
        Self {
            uid,
            flags,
            modseq,
            date: None,
            size: None,
            envelope: None,
            structure: None,
            headers: None,
        }
    }
}

/// A description of a message that takes reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Described {
    /// `ENVELOPE`
    Envelope,
    /// `BODY`, the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    Structure,
}
