//! Where in a message a section lies (RFC 3501 §6.4.5), as Dovecot resolves it: a section that is not there is
//! empty, not an error.

use std::collections::BTreeSet;

use super::field::Fields;
use super::lines::ToCrlf;
use super::section::{Section, SectionPath, SectionText};
use super::structure::{Extent, Kind, Part, PartId, Structure};

/// What a [`Section`] names in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'s> {
    /// Nothing: the message has no such part. IMAP serves an empty string.
    Nothing,
    /// A run of the message.
    Bytes(Extent),
    /// Some fields of the header that lies there; [`Found::filter`] picks them.
    Fields {
        /// The header.
        header: Extent,
        /// Names in upper case.
        names: &'s [Vec<u8>],
        /// The fields of these names are left out rather than taken.
        except: bool,
        /// An empty line follows picked fields even if there is none in the header.
        closed: bool,
    },
}

impl Structure {
    /// Where `section` lies.
    pub fn find<'s>(&self, section: &'s Section) -> Found<'s> {
        let numbered = !section.path.0.is_empty();
        let Some(part) = self.walk(&section.path.0) else {
            return Found::Nothing;
        };
        // HEADER and TEXT of a numbered part are those of the message in it.
        let message = if numbered {
            self.message_in(part)
        } else {
            Some(part)
        };
        match (&section.text, message) {
            (SectionText::Whole, _) if numbered => Found::Bytes(part.body),
            (SectionText::Whole, _) => Found::Bytes(part.whole()),
            (SectionText::Mime, _) => Found::Bytes(part.header),
            (_, None) => Found::Nothing,
            (SectionText::Header, Some(message)) => Found::Bytes(message.header),
            (SectionText::Text, Some(message)) => Found::Bytes(message.body),
            (SectionText::Fields(names), Some(message)) => fields(message, names, false),
            (SectionText::FieldsNot(names), Some(message)) => fields(message, names, true),
        }
    }

    /// The part at a path; the message itself for an empty one.
    pub fn named(&self, path: &SectionPath) -> Option<&Part> {
        self.walk(&path.0)
    }

    /// The part at a path. What is no multipart has a part 1: itself, and nothing within it, unless it is a
    /// message that was named already.
    fn walk(&self, path: &[u32]) -> Option<&Part> {
        let mut part = self.part(PartId::ROOT)?;
        for (at, &number) in path.iter().enumerate() {
            if at > 0 {
                part = self.message_in(part).unwrap_or(part);
            }
            let last = at + 1 == path.len();
            part = match part.kind {
                Kind::Multipart { .. } => self.nth(part, number)?,
                kind if number == 1 && (last || kind == Kind::Message) => part,
                _ => return None,
            };
        }
        Some(part)
    }

    fn nth(&self, part: &Part, number: u32) -> Option<&Part> {
        let mut child = self.part(part.first_child?)?;
        for _ in 1..number {
            child = self.part(child.next?)?;
        }
        Some(child)
    }

    fn message_in(&self, part: &Part) -> Option<&Part> {
        if part.kind == Kind::Message {
            self.part(part.first_child?)
        } else {
            None
        }
    }
}

fn fields<'s>(message: &Part, names: &'s [Vec<u8>], except: bool) -> Found<'s> {
    let header = message.header;
    // The line end of the empty line may have gone to a boundary.
    let closed = message.parent.is_none() || header.offset + header.bytes < message.body.offset;
    Found::Fields {
        header,
        names,
        except,
        closed,
    }
}

/// Names up to which each is compared with each field.
const FEW: usize = 8;

impl Found<'_> {
    /// Writes the fields picked from `header`, the bytes of [`Found::Fields`], with CRLF line ends. An empty line
    /// follows picked fields; a header without some fields ends as it does.
    pub fn filter(&self, header: &[u8], out: &mut Vec<u8>) {
        let Found::Fields {
            names,
            except,
            closed,
            ..
        } = self
        else {
            return;
        };
        let many: Option<BTreeSet<&[u8]>> =
            (names.len() > FEW).then(|| names.iter().map(Vec::as_slice).collect());
        let is_named = |name: &[u8]| match &many {
            Some(many) => many.contains(name.to_ascii_uppercase().as_slice()),
            None => names.iter().any(|it| it.eq_ignore_ascii_case(name)),
        };
        let mut crlf = ToCrlf::new();
        let mut end = 0;
        for field in Fields::new(header) {
            end += field.raw().len();
            let named = field.is_field() && is_named(field.name());
            if named != *except {
                crlf.convert(field.raw(), out);
            }
        }
        let rest = header.get(end..).unwrap_or_default();
        if *except {
            crlf.convert(rest, out);
        } else if *closed || !rest.is_empty() || !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
    }
}
