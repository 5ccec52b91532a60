//! IMAP's section specifications: what stands between the brackets of `BODY[…]` (RFC 3501 §6.4.5, §9).

use std::fmt;

/// The text is not a section specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a section")]
pub struct NotASection;

/// The most part numbers in one path; no message that is read goes deeper.
const MAX_PATH: usize = 1_000;

/// Part numbers from the outside in, each from 1; empty for the message itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SectionPath(pub Vec<u32>);

/// What of the part is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum SectionText {
    /// All of the message, or the body of a numbered part.
    #[default]
    Whole,
    /// `HEADER`: of the message, or of the message in a numbered `message/rfc822` part.
    Header,
    /// `HEADER.FIELDS (…)`; the names in upper case.
    Fields(Vec<Vec<u8>>),
    /// `HEADER.FIELDS.NOT (…)`; the names in upper case.
    FieldsNot(Vec<Vec<u8>>),
    /// `TEXT`: the body of the message, or of the message in a numbered `message/rfc822` part.
    Text,
    /// `MIME`: the header of a numbered part; without a number it is not a section.
    Mime,
}

/// A section: `1.2.HEADER.FIELDS (FROM TO)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Section {
    /// The part.
    pub path: SectionPath,
    /// What of it.
    pub text: SectionText,
}

impl Section {
    /// Reads a section without its brackets. Field names are atoms or quoted strings; words are in any case.
    ///
    /// # Errors
    /// [`NotASection`] when it is not of the grammar, or names more than 1,000 numbers.
    pub fn parse(text: &[u8]) -> Result<Section, NotASection> {
        let mut path = Vec::new();
        let mut rest = text;
        while rest.first().is_some_and(u8::is_ascii_digit) {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (number, after) = rest.split_at(digits);
            path.push(parse_number(number).ok_or(NotASection)?);
            rest = match after.split_first() {
                Some((b'.', after)) if !after.is_empty() => after,
                None => after,
                Some(_) => return Err(NotASection),
            };
        }
        if path.len() > MAX_PATH {
            return Err(NotASection);
        }
        let text = parse_text(rest)?;
        if text == SectionText::Mime && path.is_empty() {
            return Err(NotASection);
        }
        Ok(Section {
            path: SectionPath(path),
            text,
        })
    }

    /// Writes the section as it is said again in the answer, words in upper case.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for (at, number) in self.path.0.iter().enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        let (word, names) = match &self.text {
            SectionText::Whole => return,
            SectionText::Header => ("HEADER", None),
            SectionText::Fields(names) => ("HEADER.FIELDS", Some(names)),
            SectionText::FieldsNot(names) => ("HEADER.FIELDS.NOT", Some(names)),
            SectionText::Text => ("TEXT", None),
            SectionText::Mime => ("MIME", None),
        };
        if !self.path.0.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(word.as_bytes());
        for (at, name) in names.into_iter().flatten().enumerate() {
            out.extend_from_slice(if at == 0 { b" (" } else { b" " });
            write_name(name, out);
        }
        if names.is_some_and(|names| !names.is_empty()) {
            out.push(b')');
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write_to(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// `nz-number` (RFC 3501 §9).
fn parse_number(digits: &[u8]) -> Option<u32> {
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}

fn parse_text(text: &[u8]) -> Result<SectionText, NotASection> {
    let word = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
    let (word, names) = text.split_at(word);
    match (word.to_ascii_uppercase().as_slice(), names) {
        (b"", b"") => Ok(SectionText::Whole),
        (b"HEADER", b"") => Ok(SectionText::Header),
        (b"TEXT", b"") => Ok(SectionText::Text),
        (b"MIME", b"") => Ok(SectionText::Mime),
        (b"HEADER.FIELDS", names) => Ok(SectionText::Fields(parse_names(names)?)),
        (b"HEADER.FIELDS.NOT", names) => Ok(SectionText::FieldsNot(parse_names(names)?)),
        _ => Err(NotASection),
    }
}

/// `SP "(" header-fld-name *(SP header-fld-name) ")"`.
fn parse_names(text: &[u8]) -> Result<Vec<Vec<u8>>, NotASection> {
    let mut rest = text
        .strip_prefix(b" (")
        .and_then(|t| t.strip_suffix(b")"))
        .ok_or(NotASection)?;
    let mut names = Vec::new();
    loop {
        let (name, after) = if rest.first() == Some(&b'"') {
            quoted(rest)?
        } else {
            atom(rest)?
        };
        names.push(name.to_ascii_uppercase());
        match after.split_first() {
            None => return Ok(names),
            Some((b' ', after)) => rest = after,
            Some(_) => return Err(NotASection),
        }
    }
}

fn atom(text: &[u8]) -> Result<(Vec<u8>, &[u8]), NotASection> {
    let length = text.iter().take_while(|&&b| is_astring(b)).count();
    if length == 0 {
        return Err(NotASection);
    }
    let (name, rest) = text.split_at(length);
    Ok((name.to_vec(), rest))
}

fn quoted(text: &[u8]) -> Result<(Vec<u8>, &[u8]), NotASection> {
    let mut name = Vec::new();
    let mut bytes = text.iter().enumerate().skip(1);
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Ok((name, &text[at + 1..])),
            b'\\' => name.push(*bytes.next().ok_or(NotASection)?.1),
            b'\r' | b'\n' | 0 => return Err(NotASection),
            _ => name.push(byte),
        }
    }
    Err(NotASection)
}

/// RFC 3501 §9 `ASTRING-CHAR`.
fn is_astring(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"(){%*\"\\".contains(&byte)
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    if !name.is_empty() && name.iter().all(|&b| is_astring(b)) {
        out.extend_from_slice(name);
    } else {
        super::imap_text::write_string(name, out);
    }
}
