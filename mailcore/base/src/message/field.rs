//! The fields of a header, one after another, as slices of it (RFC 5322 §2.2).

use std::borrow::Cow;

use memchr::memchr;

/// Iterates over the fields of a message or a header, up to the empty line. A line that is neither a field nor
/// the continuation of one comes out as a field with an empty value, so that nothing is lost.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    colon: Option<usize>,
}

impl<'a> Fields<'a> {
    /// The fields of `message`, which may go on after its header.
    pub fn new(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    /// The fields of that name, in any case.
    pub fn named<'n>(self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'a, 'n> {
        self.filter(move |field| field.is(name))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let first = line_length(self.rest);
        if is_blank(self.rest.get(..first)?) {
            self.rest = &[];
            return None;
        }
        let mut length = first;
        while matches!(self.rest.get(length), Some(b' ' | b'\t')) {
            length += line_length(&self.rest[length..]);
        }
        let (raw, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Field {
            raw,
            colon: memchr(b':', &raw[..first]),
        })
    }
}

/// The length of the header that `message` begins with, its empty line included.
pub fn header_length(message: &[u8]) -> usize {
    let fields: usize = Fields::new(message).map(|field| field.raw.len()).sum();
    fields + line_length(message.get(fields..).unwrap_or_default())
}

impl<'a> Field<'a> {
    /// All bytes of the field with its line ends.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The name, without blanks before the colon; of a line without a colon, the whole line.
    pub fn name(&self) -> &'a [u8] {
        match self.colon {
            Some(colon) => trim_end(&self.raw[..colon], b" \t"),
            None => trim_end(self.raw, b" \t\r\n"),
        }
    }

    /// Whether it has a colon, and so a name.
    pub fn is_field(&self) -> bool {
        self.colon.is_some()
    }

    /// Whether it is of that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.is_field() && self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// What follows the colon, without the line end; folds are left in.
    pub fn raw_value(&self) -> &'a [u8] {
        let value = self.colon.map_or(&[][..], |colon| &self.raw[colon + 1..]);
        strip_line_end(value)
    }

    /// The value with folds undone (the line ends taken out, RFC 5322 §2.2.3) and blanks trimmed.
    pub fn value(&self) -> Cow<'a, [u8]> {
        let value = trim(self.raw_value());
        if !value.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            return Cow::Borrowed(value);
        }
        Cow::Owned(
            value
                .iter()
                .copied()
                .filter(|b| !matches!(b, b'\r' | b'\n'))
                .collect(),
        )
    }

    /// The value as the scanner keeps it: after one blank, with LF alone between its lines.
    pub(super) fn unfolded_by_line(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let value = self.colon.map_or(&[][..], |colon| &self.raw[colon + 1..]);
        for (at, line) in value.split_inclusive(|&b| b == b'\n').enumerate() {
            let line = strip_line_end(line);
            if at == 0 {
                out.extend_from_slice(after_colon(line));
            } else {
                out.push(b'\n');
                out.extend_from_slice(line);
            }
        }
        out
    }
}

/// What is left after the blanks that may follow the colon; of a line of blanks only the first one goes.
pub(super) fn after_colon(value: &[u8]) -> &[u8] {
    let blanks = value
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    if blanks == value.len() {
        value.get(1..).unwrap_or_default()
    } else {
        &value[blanks..]
    }
}

/// Whether a line ends the header.
pub(super) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n" | b"")
}

pub(super) fn strip_line_end(line: &[u8]) -> &[u8] {
    match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    }
}

pub(super) fn trim_end<'a>(text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let length = text
        .iter()
        .rposition(|b| !bytes.contains(b))
        .map_or(0, |at| at + 1);
    &text[..length]
}

fn trim(text: &[u8]) -> &[u8] {
    const BLANKS: &[u8] = b" \t\r\n";
    let start = text
        .iter()
        .position(|b| !BLANKS.contains(b))
        .unwrap_or(text.len());
    trim_end(&text[start..], BLANKS)
}

fn line_length(text: &[u8]) -> usize {
    memchr(b'\n', text).map_or(text.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::super::Structure;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_header_is_as_long_as_in_the_structure(
            lines in proptest::collection::vec(prop_oneof![
                Just("a: b\r\n"), Just(" c\n"), Just("d\r\n"), Just("\r\n"), Just("\n"), Just(" \r\n"), Just("\r"), Just("e"),
            ], 0..9),
        ) {
            let message = lines.concat().into_bytes();
            let header = Structure::of(&message).root().header;
            prop_assert_eq!(header_length(&message) as u64, header.bytes);
        }
    }
}
