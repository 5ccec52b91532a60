//! The header of one part while it passes by: the fields that are wanted, each read as soon as it is whole.

use memchr::memchr;

use super::content::{Content, ContentType};
use super::envelope::{Envelope, is_envelope_field};
use super::field::{after_colon, strip_line_end, trim_end};
use super::limits::Limits;
use super::structure::Kind;

/// What a header said, once it ended.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) content: Option<Box<Content>>,
    pub(super) envelope: Option<Box<Envelope>>,
}

/// A header that is being read.
#[derive(Debug)]
pub(super) struct Draft {
    content: Content,
    has_content: bool,
    envelope: Option<Box<Envelope>>,
    is_mime: bool,
    in_digest: bool,
    field: Reading,
}

/// The field that is being read.
#[derive(Debug)]
enum Reading {
    /// None so far.
    Nothing,
    /// One that says nothing about the structure, or a line that is no field.
    Unwanted,
    /// One that does.
    Wanted { name: Vec<u8>, value: Vec<u8> },
}

impl Draft {
    /// The header of a part in a multipart (`is_mime`), or of a message, whose `envelope` is wanted.
    pub(super) fn new(is_mime: bool, in_digest: bool, envelope: bool) -> Draft {
        Draft {
            content: Content::default(),
            has_content: false,
            envelope: envelope.then(Box::default),
            is_mime,
            in_digest,
            field: Reading::Nothing,
        }
    }

    /// Takes the next line. `kept` counts the bytes of values read so far in the message.
    pub(super) fn line(&mut self, line: &[u8], limits: &Limits, kept: &mut usize) {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        match &mut self.field {
            Reading::Unwanted if folded => return,
            Reading::Wanted { value, .. } if folded => {
                keep(value, b"\n", limits);
                return keep(value, strip_line_end(line), limits);
            }
            _ => {}
        }
        self.end_field(limits, kept);
        self.field = Reading::Unwanted;
        let Some(colon) = memchr(b':', line) else {
            return;
        };
        let name = trim_end(&line[..colon], b" \t");
        if self.wants(name) {
            let mut value = Vec::new();
            keep(
                &mut value,
                after_colon(strip_line_end(&line[colon + 1..])),
                limits,
            );
            self.field = Reading::Wanted {
                name: name.to_vec(),
                value,
            };
        }
    }

    fn wants(&self, name: &[u8]) -> bool {
        has_content_prefix(name)
            || name.eq_ignore_ascii_case(b"mime-version")
            || self.envelope.is_some() && is_envelope_field(name)
    }

    fn end_field(&mut self, limits: &Limits, kept: &mut usize) {
        let Reading::Wanted { name, value } = std::mem::replace(&mut self.field, Reading::Nothing)
        else {
            return;
        };
        let room = limits.header.saturating_sub(*kept);
        if room == 0 {
            return;
        }
        let value = value.get(..room).unwrap_or(&value);
        *kept += value.len();
        if has_content_prefix(&name) {
            self.has_content = true;
            self.is_mime |= name.eq_ignore_ascii_case(b"content-type");
            self.content.take(&name[8..], value, limits.parameters);
        } else if name.eq_ignore_ascii_case(b"mime-version") {
            self.is_mime = true;
        } else if let Some(envelope) = &mut self.envelope {
            envelope.take(&name, value, limits.addresses);
        }
    }

    /// The header ended.
    pub(super) fn end(mut self, limits: &Limits, kept: &mut usize) -> Header {
        self.end_field(limits, kept);
        if !self.is_mime {
            // Nothing says that it is MIME: `Content-*` fields mean nothing (RFC 2045 §4).
            self.content = Content::default();
            self.has_content = false;
        }
        let (kind, boundary) = match &self.content.content_type {
            None if self.in_digest => (Kind::Message, None),
            None => (Kind::Leaf, None),
            Some(content_type) => (
                kind(content_type),
                content_type.parameter("boundary").map(<[u8]>::to_vec),
            ),
        };
        let content = self.has_content.then(|| Box::new(self.content));
        Header {
            kind,
            boundary,
            content,
            envelope: self.envelope,
        }
    }
}

fn kind(content_type: &ContentType) -> Kind {
    if content_type.is("message", "rfc822") {
        Kind::Message
    } else if content_type.is("multipart", "") {
        Kind::Opaque
    } else if content_type.top.eq_ignore_ascii_case(b"multipart") {
        Kind::Multipart {
            digest: content_type.sub.eq_ignore_ascii_case(b"digest"),
        }
    } else {
        Kind::Leaf
    }
}

fn keep(value: &mut Vec<u8>, text: &[u8], limits: &Limits) {
    let room = limits.field.saturating_sub(value.len());
    value.extend_from_slice(text.get(..room).unwrap_or(text));
}

fn has_content_prefix(name: &[u8]) -> bool {
    name.get(..8)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"content-"))
}
