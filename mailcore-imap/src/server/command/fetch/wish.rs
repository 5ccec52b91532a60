//! What a FETCH wishes to know, and how records answer it.

use super::held::Held;
use crate::parse::fetch::{Item, Partial};
use crate::server::state::Selected;
use crate::types::{Described, Fields, Row};
use crate::write;
use mailcore_base::date::DateTime;
use mailcore_base::message::Section;
use std::sync::Arc;

/// A section, and what the response calls it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) section: Arc<Section>,
    pub(super) partial: Option<Partial>,
    pub(super) label: Vec<u8>,
}

/// The items of a FETCH: those that records answer first, then those that take reading, each in the order
/// asked, as Dovecot does.
#[derive(Debug)]
pub(super) struct Wish {
    small: Vec<Small>,
    pub(super) parts: Vec<Part>,
    /// Reading a section sets `\Seen`.
    pub(super) marks: bool,
    pub(super) fields: Fields,
}

/// An item that is no section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Small {
    Uid,
    Flags,
    Date,
    Size,
    ModSeq,
    Text(Described),
}

impl Small {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Uid => b"UID ",
            Self::Flags => b"FLAGS ",
            Self::Date => b"INTERNALDATE ",
            Self::Size => b"RFC822.SIZE ",
            Self::ModSeq => b"MODSEQ ",
            Self::Text(Described::Envelope) => b"ENVELOPE ",
            Self::Text(Described::Body) => b"BODY ",
            Self::Text(Described::Structure) => b"BODYSTRUCTURE ",
        }
    }
}

impl Wish {
    /// Sorts the items; a UID FETCH always tells the UID (RFC 3501 §6.4.8).
    pub(super) fn new(items: Vec<Item>, by_uid: bool) -> Self {
        let mut wish = Self {
            small: Vec::new(),
            parts: Vec::new(),
            marks: false,
            // Flags are looked at for \Seen, too.
            fields: Fields::FLAGS,
        };
        if by_uid {
            wish.small.push(Small::Uid);
        }
        for item in items {
            if !(by_uid && item == Item::Uid) {
                wish.add(item);
            }
        }
        wish
    }

    fn add(&mut self, item: Item) {
        let (small, field) = match item {
            Item::Uid => (Small::Uid, Fields::FLAGS),
            Item::Flags => (Small::Flags, Fields::FLAGS),
            Item::Date => (Small::Date, Fields::DATE),
            Item::Size => (Small::Size, Fields::SIZE),
            Item::Envelope => (Small::Text(Described::Envelope), Fields::ENVELOPE),
            Item::Body => (Small::Text(Described::Body), Fields::FLAGS),
            Item::Structure => (Small::Text(Described::Structure), Fields::STRUCTURE),
            Item::ModSeq => (Small::ModSeq, Fields::FLAGS),
            Item::Section(wanted) => {
                self.marks |= !wanted.peek;
                self.parts.push(Part {
                    section: Arc::new(wanted.section),
                    partial: wanted.partial,
                    label: wanted.label,
                });
                return;
            }
        };
        self.fields = self.fields | field;
        self.small.push(small);
    }

    /// Modification sequences are among it.
    pub(super) fn modseqs(&self) -> bool {
        self.small.contains(&Small::ModSeq)
    }

    /// How many messages to ask for, when so much output is welcome.
    pub(super) fn batch(&self, room: usize) -> usize {
        if !self.parts.is_empty() {
            return super::HELD;
        }
        let mut each = 48;
        if self.fields.contains(Fields::ENVELOPE) {
            each += 400;
        }
        if self.fields.contains(Fields::STRUCTURE) {
            each += 400;
        }
        (room / each).clamp(16, 1000)
    }

    /// The row answers all of it.
    pub(super) fn answered_by(&self, row: &Row<'_>) -> bool {
        self.parts.is_empty() && self.small.iter().all(|small| has(*small, row))
    }

    /// The small items, with `FLAGS` where they have changed and were not asked for: behind the UID or in front.
    pub(super) fn small(&self, held: &Held) -> Vec<Small> {
        let mut small = self.small.clone();
        if held.marked && !small.contains(&Small::Flags) {
            let at = usize::from(small.first() == Some(&Small::Uid));
            small.insert(at, Small::Flags);
        }
        small
    }

    /// Writes the whole response, which the row answers.
    pub(super) fn write(&self, out: &mut Vec<u8>, selected: &Selected, number: u32, row: &Row<'_>) {
        begin(out, number);
        for (n, small) in self.small.iter().enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            write_small(out, selected, *small, row);
        }
        out.extend_from_slice(b")\r\n");
    }
}

/// `* n FETCH (`
pub(super) fn begin(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(b"* ");
    write::number(out, u64::from(number));
    out.extend_from_slice(b" FETCH (");
}

/// The row answers this item.
pub(super) fn has(small: Small, row: &Row<'_>) -> bool {
    match small {
        Small::Uid | Small::Flags | Small::Date | Small::ModSeq => true,
        Small::Size => row.size.is_some(),
        Small::Text(Described::Envelope) => row.envelope.is_some(),
        Small::Text(Described::Structure) => row.structure.is_some(),
        Small::Text(Described::Body) => false,
    }
}

/// Writes an item's name and a space.
pub(super) fn write_label(out: &mut Vec<u8>, small: Small) {
    out.extend_from_slice(small.label());
}

/// Writes an item that the row answers; one that it does not is NIL.
pub(super) fn write_small(out: &mut Vec<u8>, selected: &Selected, small: Small, row: &Row<'_>) {
    write_label(out, small);
    let text = match small {
        Small::Uid => return write::number(out, u64::from(row.uid.number())),
        Small::Flags => {
            let recent = selected.view.is_recent(row.uid);
            return write::flags(out, row.flags, recent, selected.view.keywords());
        }
        // A store that knows no date has none to tell, and the item cannot be NIL.
        Small::Date => return write::date(out, row.date.unwrap_or(DateTime::utc(0))),
        Small::Size => return write::number(out, row.size.unwrap_or_default()),
        Small::ModSeq => return write::modseq_value(out, row.modseq),
        Small::Text(Described::Envelope) => row.envelope,
        Small::Text(_) => row.structure,
    };
    out.extend_from_slice(text.unwrap_or(b"NIL"));
}
