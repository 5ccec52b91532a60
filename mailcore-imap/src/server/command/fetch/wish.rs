//! What a FETCH wishes to know, and how records answer it.

use super::held::Held;
use crate::parse::fetch::{Item, Partial, Wanted};
use crate::server::state::Selected;
use crate::types::{Described, Fields, Row};
use crate::write;
use mailcore_base::date::DateTime;
use mailcore_base::message::{Extent, Found, Section, SectionText, is_chosen_field, write_body_of};
use std::sync::Arc;

/// A section, and what the response calls it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) section: Arc<Section>,
    pub(super) partial: Option<Partial>,
    pub(super) label: Vec<u8>,
    /// Without its content transfer encoding.
    pub(super) decoded: bool,
    /// How long it is, and not its octets.
    pub(super) size_only: bool,
    /// Chosen header fields of the message, which records may tell.
    chosen: bool,
}

impl Part {
    /// The section, where the row tells it.
    pub(super) fn told(&self, row: &Row<'_>) -> Option<Vec<u8>> {
        let (true, Some(headers)) = (self.chosen, row.headers) else {
            return None;
        };
        let SectionText::Fields(names) = &self.section.text else {
            return None;
        };
        let found = Found::Fields {
            header: Extent::default(),
            names,
            except: false,
            closed: true,
        };
        let mut out = Vec::new();
        found.filter(headers, &mut out);
        Some(out)
    }

    fn is_told(&self, row: &Row<'_>) -> bool {
        self.chosen && row.headers.is_some()
    }
}

/// Whether a section is fields of the message's own header that are all among the chosen ones.
fn is_chosen(section: &Section) -> bool {
    match &section.text {
        SectionText::Fields(names) => {
            section.path.0.is_empty() && names.iter().all(|name| is_chosen_field(name))
        }
        _ => false,
    }
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

impl Part {
    /// It is a part with octets of its own, and no header.
    pub(super) fn is_part(&self) -> bool {
        self.section.text == SectionText::Whole
    }
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
            Item::Body => (Small::Text(Described::Body), Fields::STRUCTURE),
            Item::Structure => (Small::Text(Described::Structure), Fields::STRUCTURE),
            Item::ModSeq => (Small::ModSeq, Fields::FLAGS),
            Item::Section(wanted) => return self.part(*wanted, false),
            Item::BinarySize(wanted) => return self.part(*wanted, true),
        };
        self.fields = self.fields | field;
        self.small.push(small);
    }

    /// Modification sequences are among it.
    pub(super) fn modseqs(&self) -> bool {
        self.small.contains(&Small::ModSeq)
    }

    fn part(&mut self, wanted: Wanted, size_only: bool) {
        self.marks |= !wanted.peek;
        let chosen = is_chosen(&wanted.section);
        if chosen {
            self.fields = self.fields | Fields::HEADERS;
        }
        self.parts.push(Part {
            chosen,
            section: Arc::new(wanted.section),
            partial: wanted.partial,
            label: wanted.label,
            decoded: wanted.decoded,
            size_only,
        });
    }

    /// How many messages to ask for, when so much output is welcome.
    pub(super) fn batch(&self, room: usize) -> usize {
        if self.marks || !self.parts.iter().all(|part| part.chosen) {
            return super::HELD;
        }
        let mut each = 48;
        if self.fields.contains(Fields::HEADERS) {
            each += 600;
        }
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
        // Where \Seen is to be set, that comes first.
        let parts =
            self.parts.is_empty() || !self.marks && self.parts.iter().all(|part| part.is_told(row));
        parts && self.small.iter().all(|small| has(*small, row))
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
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 || !self.small.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(&part.label);
            if let Some(text) = part.told(row) {
                write_told(out, &text, part.partial);
            }
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

/// A literal of what a partial leaves of a text.
pub(super) fn write_told(out: &mut Vec<u8>, text: &[u8], partial: Option<Partial>) {
    let (from, to) = cut(text.len() as u64, partial);
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    out.extend_from_slice(b" {");
    write::number(out, to - from);
    out.extend_from_slice(b"}\r\n");
    write::char8(out, text.get(within(from)..within(to)).unwrap_or_default());
}

/// The octets that a partial leaves of so many (RFC 3501 §6.4.5).
pub(super) fn cut(length: u64, partial: Option<Partial>) -> (u64, u64) {
    let Some(partial) = partial else {
        return (0, length);
    };
    let from = partial.from.min(length);
    let most = partial.most.unwrap_or(u64::MAX);
    (from, length.min(from.saturating_add(most)))
}

/// BODY is BODYSTRUCTURE without its extension data.
fn body_of(row: &Row<'_>) -> Option<Vec<u8>> {
    let structure = row.structure?;
    let mut body = Vec::with_capacity(structure.len());
    write_body_of(structure, &mut body).then_some(body)
}

/// The row answers this item.
pub(super) fn has(small: Small, row: &Row<'_>) -> bool {
    match small {
        Small::Uid | Small::Flags | Small::Date | Small::ModSeq => true,
        Small::Size => row.size.is_some(),
        Small::Text(Described::Envelope) => row.envelope.is_some(),
        Small::Text(Described::Structure) => row.structure.is_some(),
        Small::Text(Described::Body) => body_of(row).is_some(),
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
        Small::Text(Described::Body) => {
            let body = body_of(row);
            return out.extend_from_slice(body.as_deref().unwrap_or(b"NIL"));
        }
        Small::Text(Described::Envelope) => row.envelope,
        Small::Text(_) => row.structure,
    };
    out.extend_from_slice(text.unwrap_or(b"NIL"));
}
