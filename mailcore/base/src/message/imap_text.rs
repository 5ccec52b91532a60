//! Envelope and structure as IMAP writes them (RFC 3501 §7.4.2), byte for byte as Dovecot 2.3 does, ready to be
//! sent or stored. Kept beside what it writes, so that a store can keep the text and read no message again.

use std::io::Write;

use super::address::{Address, Mailbox};
use super::content::Content;
use super::envelope::Envelope;
use super::parameter::Parameter;
use super::structure::{Extent, Kind, Part, PartId, Structure};

/// Quotes and backslashes in a quoted string before it is written as a literal instead.
const MAX_ESCAPES: usize = 4;
/// What stands for the missing parts of a multipart, which IMAP's grammar cannot do without.
const EMPTY_BODY: &[u8] = br#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0"#;
const PLAIN: &[u8] = br#""text" "plain" ("charset" "us-ascii") NIL NIL "7bit""#;

/// Writes a `string`: quoted if it can be, else a literal (RFC 3501 §4.3). NUL must not be in it.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    let escapes = text.iter().filter(|b| matches!(b, b'"' | b'\\')).count();
    let quotable =
        escapes <= MAX_ESCAPES && !text.iter().any(|&b| b == b'\r' || b == b'\n' || b >= 0x80);
    if !quotable {
        return write_literal(text, out);
    }
    out.push(b'"');
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Writes an `nstring`: a string on one line, or `NIL`. A line end goes, and becomes a space where the next line
/// has none.
pub fn write_nstring(text: Option<&[u8]>, out: &mut Vec<u8>) {
    let Some(text) = text else {
        return out.extend_from_slice(b"NIL");
    };
    if !text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return write_string(text, out);
    }
    let mut line = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        match (byte, text.get(at + 1)) {
            (b'\r' | b'\n', None | Some(b' ' | b'\t' | b'\r' | b'\n')) => {}
            (b'\r' | b'\n', Some(_)) => line.push(b' '),
            _ => line.push(byte),
        }
    }
    write_string(&line, out);
}

fn write_literal(text: &[u8], out: &mut Vec<u8>) {
    let _ = write!(out, "{{{}}}\r\n", text.len());
    out.extend_from_slice(text);
}

/// Writes a text for people, such as a subject: runs of white space become one space, those at the ends go.
/// A text that was changed, or that would need escapes, is a literal.
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    let words = text
        .split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        .filter(|word| !word.is_empty());
    let mut tidy = Vec::with_capacity(text.len());
    for word in words {
        if !tidy.is_empty() {
            tidy.push(b' ');
        }
        tidy.extend_from_slice(word);
    }
    if !tidy.is_empty() && tidy != text
        || tidy.iter().any(|&b| matches!(b, b'"' | b'\\') || b >= 0x80)
    {
        return write_literal(&tidy, out);
    }
    out.push(b'"');
    out.extend_from_slice(&tidy);
    out.push(b'"');
}

/// Writes IMAP's `envelope` with its parentheses.
pub fn write_envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    let or_from = |list| {
        if <[Address]>::is_empty(list) {
            &envelope.from
        } else {
            list
        }
    };
    out.push(b'(');
    write_nstring(envelope.date.as_deref(), out);
    out.push(b' ');
    match &envelope.subject {
        Some(subject) => write_text(subject, out),
        None => out.extend_from_slice(b"NIL"),
    }
    let sender: &[Address] = or_from(&envelope.sender);
    let reply_to: &[Address] = or_from(&envelope.reply_to);
    for list in [
        &envelope.from,
        sender,
        reply_to,
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ] {
        out.push(b' ');
        write_addresses(list, out);
    }
    out.push(b' ');
    write_nstring(envelope.in_reply_to.as_deref(), out);
    out.push(b' ');
    write_nstring(envelope.message_id.as_deref(), out);
    out.push(b')');
}

fn write_addresses(list: &[Address], out: &mut Vec<u8>) {
    if list.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for address in list {
        match address {
            Address::Mailbox(mailbox) => write_mailbox(mailbox, out),
            Address::GroupStart(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                write_string(name, out);
                out.extend_from_slice(b" NIL)");
            }
            Address::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.push(b')');
}

fn write_mailbox(mailbox: &Mailbox, out: &mut Vec<u8>) {
    out.push(b'(');
    match &mailbox.name {
        Some(name) => write_text(name, out),
        None => out.extend_from_slice(b"NIL"),
    }
    out.push(b' ');
    write_nstring(mailbox.route.as_deref(), out);
    out.push(b' ');
    write_string(mailbox.local_text(), out);
    out.push(b' ');
    write_string(mailbox.domain_text(), out);
    out.push(b')');
}

/// Writes IMAP's `body` with its parentheses: BODYSTRUCTURE if `extended`, else BODY. It walks the tree without
/// recursion.
pub fn write_structure(structure: &Structure, extended: bool, out: &mut Vec<u8>) {
    let mut writer = StructureWriter {
        structure,
        extended,
        out,
    };
    if writer.write_plain_root() {
        return;
    }
    let (mut id, mut entering) = (PartId::ROOT, true);
    while let Some(part) = structure.part(id) {
        match (entering, part.first_child) {
            (true, Some(child)) => {
                writer.enter(part);
                id = child;
                continue;
            }
            (true, None) => {
                writer.enter(part);
                writer.leave(part);
            }
            (false, _) => writer.leave(part),
        }
        entering = part.next.is_some();
        let Some(next) = part.next.or(part.parent) else {
            return;
        };
        id = next;
    }
}

struct StructureWriter<'a> {
    structure: &'a Structure,
    extended: bool,
    out: &'a mut Vec<u8>,
}

impl StructureWriter<'_> {
    fn put(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    /// Dovecot keeps no text for the commonest structure of all, and so loses how it was spelt.
    fn write_plain_root(&mut self) -> bool {
        let root = self.structure.root();
        if root.kind != Kind::Leaf || !root.content.as_deref().is_none_or(is_plain_7bit) {
            return false;
        }
        self.put(b"(");
        self.put(PLAIN);
        self.write_size(&root.body);
        self.write_lines(&root.body);
        self.put(if self.extended {
            b" NIL NIL NIL NIL)"
        } else {
            b")"
        });
        true
    }

    /// What is written before the parts in it.
    fn enter(&mut self, part: &Part) {
        self.put(b"(");
        match part.kind {
            Kind::Multipart { .. } if part.first_child.is_none() => {
                self.put(EMPTY_BODY);
                self.put(if self.extended {
                    b" NIL NIL NIL NIL)"
                } else {
                    b")"
                });
            }
            Kind::Multipart { .. } => {}
            Kind::Leaf | Kind::Opaque | Kind::Message => self.write_single(part),
        }
    }

    /// Type, parameters, id, description, encoding, size and what depends on the type.
    fn write_single(&mut self, part: &Part) {
        let content = part.content.as_deref();
        let content_type = content.and_then(|c| c.content_type.as_ref());
        let parameters = content_type.map_or(&[][..], |t| &t.parameters);
        let text = match (part.kind, content_type) {
            (Kind::Opaque, _) => {
                self.put(br#""application" "octet-stream" "#);
                false
            }
            (Kind::Message, _) => {
                self.put(br#""message" "rfc822" "#);
                false
            }
            (_, None) => {
                self.put(br#""text" "plain" "#);
                true
            }
            (_, Some(content_type)) => {
                write_string(&content_type.top, self.out);
                self.put(b" ");
                write_string(&content_type.sub, self.out);
                self.put(b" ");
                content_type.top.eq_ignore_ascii_case(b"text")
            }
        };
        self.write_parameters(parameters, text);
        self.put(b" ");
        write_nstring(content.and_then(|c| c.id.as_deref()), self.out);
        self.put(b" ");
        write_nstring(content.and_then(|c| c.description.as_deref()), self.out);
        self.put(b" ");
        write_string(
            content
                .and_then(|c| c.encoding.as_deref())
                .unwrap_or(b"7bit"),
            self.out,
        );
        self.write_size(&part.body);
        if text {
            self.write_lines(&part.body);
        }
        if let (Kind::Message, Some(child)) = (
            part.kind,
            part.first_child.and_then(|id| self.structure.part(id)),
        ) {
            self.put(b" ");
            write_envelope(
                child.envelope.as_deref().unwrap_or(&Envelope::default()),
                self.out,
            );
            self.put(b" ");
        }
    }

    /// What is written after the parts in it.
    fn leave(&mut self, part: &Part) {
        let content = part.content.as_deref();
        if let Kind::Multipart { .. } = part.kind {
            let content_type = content.and_then(|c| c.content_type.as_ref());
            self.put(b" ");
            write_string(content_type.map_or(b"x-unknown", |t| &t.sub), self.out);
            if self.extended {
                self.put(b" ");
                self.write_parameters(content_type.map_or(&[], |t| &t.parameters), false);
                self.write_extension(content);
            }
        } else {
            if part.kind == Kind::Message {
                self.write_lines(&part.body);
            }
            if self.extended {
                self.put(b" ");
                write_nstring(content.and_then(|c| c.md5.as_deref()), self.out);
                self.write_extension(content);
            }
        }
        self.put(b")");
    }

    fn write_size(&mut self, body: &Extent) {
        let _ = write!(self.out, " {}", body.octets);
    }

    fn write_lines(&mut self, body: &Extent) {
        let _ = write!(self.out, " {}", body.lines);
    }

    /// Parameters in parentheses; a text part without a charset gets the default one (RFC 2045 §5.2).
    fn write_parameters(&mut self, parameters: &[Parameter], text: bool) {
        let default_charset = text
            && !parameters
                .iter()
                .any(|p| p.name.eq_ignore_ascii_case(b"charset"));
        if parameters.is_empty() && !default_charset {
            return self.put(b"NIL");
        }
        self.put(b"(");
        for (at, parameter) in parameters.iter().enumerate() {
            if at > 0 {
                self.put(b" ");
            }
            write_string(&parameter.name, self.out);
            self.put(b" ");
            write_string(&parameter.value, self.out);
        }
        if default_charset {
            if !parameters.is_empty() {
                self.put(b" ");
            }
            self.put(br#""charset" "us-ascii""#);
        }
        self.put(b")");
    }

    /// Disposition, language, location.
    fn write_extension(&mut self, content: Option<&Content>) {
        self.put(b" ");
        match content.and_then(|c| c.disposition.as_ref()) {
            None => self.put(b"NIL"),
            Some(disposition) => {
                self.put(b"(");
                write_string(&disposition.kind, self.out);
                self.put(b" ");
                self.write_parameters(&disposition.parameters, false);
                self.put(b")");
            }
        }
        self.put(b" ");
        match content.and_then(|c| c.language.as_ref()) {
            None => self.put(b"NIL"),
            Some(tags) => {
                for (at, tag) in tags.iter().enumerate() {
                    self.put(if at == 0 { b"(" } else { b" " });
                    write_string(tag, self.out);
                }
                self.put(b")");
            }
        }
        self.put(b" ");
        write_nstring(content.and_then(|c| c.location.as_deref()), self.out);
    }
}

/// Whether it says no more than what is assumed without it: text/plain in US-ASCII and 7bit.
fn is_plain_7bit(content: &Content) -> bool {
    let plain = content.content_type.as_ref().is_none_or(|t| {
        let charset = |p: &Parameter| {
            p.name.eq_ignore_ascii_case(b"charset") && p.value.eq_ignore_ascii_case(b"us-ascii")
        };
        t.is("text", "plain") && t.parameters.len() <= 1 && t.parameters.iter().all(charset)
    });
    plain
        && content
            .encoding
            .as_ref()
            .is_none_or(|e| e.eq_ignore_ascii_case(b"7bit"))
        && content.id.is_none()
        && content.description.is_none()
        && content.md5.is_none()
        && content.disposition.is_none()
        && content.language.is_none()
        && content.location.is_none()
}
