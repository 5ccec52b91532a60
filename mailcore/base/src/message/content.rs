//! The `Content-*` fields of one part (RFC 2045, RFC 2183, RFC 3282, RFC 2557, RFC 1864). Of a field given
//! twice the first counts.

use super::parameter::{self, Parameter};
use super::token::{After, Cursor, push_text};
use super::transfer::Encoding;

/// What the `Content-*` fields of a part say; an absent field is `None`. All bytes are as in the message,
/// except that a NUL is the replacement character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// `Content-Type`; both words are empty if the field cannot be read.
    pub content_type: Option<ContentType>,
    /// `Content-ID`.
    pub id: Option<Vec<u8>>,
    /// `Content-Description`, encoded words left as they are.
    pub description: Option<Vec<u8>>,
    /// `Content-Transfer-Encoding`, as written; `None` also where it is more than one word.
    pub encoding: Option<Vec<u8>>,
    /// What that field means to whoever decodes the body: parameters behind it do no harm, anything else does.
    pub transfer: Encoding,
    /// `Content-MD5`.
    pub md5: Option<Vec<u8>>,
    /// `Content-Disposition`.
    pub disposition: Option<Disposition>,
    /// The tags of `Content-Language`; never empty.
    pub language: Option<Vec<Vec<u8>>>,
    /// `Content-Location`.
    pub location: Option<Vec<u8>>,
}

/// `Content-Type: top/sub; parameters` (RFC 2045 §5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentType {
    /// The type, such as `text`, as written.
    pub top: Vec<u8>,
    /// The subtype, such as `plain`, as written.
    pub sub: Vec<u8>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

/// `Content-Disposition` (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disposition {
    /// `inline`, `attachment` …, as written.
    pub kind: Vec<u8>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl ContentType {
    /// Whether it is `top/sub`, in any case.
    pub fn is(&self, top: &str, sub: &str) -> bool {
        self.top.eq_ignore_ascii_case(top.as_bytes())
            && self.sub.eq_ignore_ascii_case(sub.as_bytes())
    }

    /// The value of the first parameter of that name, in any case.
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        parameter::find(&self.parameters, name)
    }

    /// Reads a field value. What cannot be read as a type has two empty words, so that nothing takes it for
    /// text; a lone `text` keeps an empty subtype.
    pub(super) fn parse(value: &[u8], parameters: usize) -> ContentType {
        let mut cursor = Cursor::new(value);
        let (mut top, mut sub) = (Vec::new(), Vec::new());
        if cursor.blanks() != After::More {
            return ContentType::default();
        }
        match cursor.mime_token(&mut top) {
            After::End | After::Broken => {
                return ContentType {
                    top,
                    ..ContentType::default()
                };
            }
            After::More
                if !top.is_empty() && cursor.take(b'/') && cursor.blanks() == After::More => {}
            _ => return ContentType::default(),
        }
        let after = cursor.mime_token(&mut sub);
        if sub.is_empty() || after == After::Broken || cursor.peek().is_some_and(|b| b != b';') {
            return ContentType::default();
        }
        ContentType {
            top,
            sub,
            parameters: parameter::parse(&mut cursor, parameters),
        }
    }
}

impl Content {
    /// Takes in one field, `name` without its `Content-`.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8], parameters: usize) {
        let slot = match name.to_ascii_lowercase().as_slice() {
            b"type" if self.content_type.is_none() => {
                self.content_type = Some(ContentType::parse(value, parameters));
                return;
            }
            b"transfer-encoding" if self.encoding.is_none() => {
                (self.encoding, self.transfer) = encoding(value);
                return;
            }
            // As Dovecot does: a later field counts as long as no parameters were seen.
            b"disposition"
                if self
                    .disposition
                    .as_ref()
                    .is_none_or(|d| d.parameters.is_empty()) =>
            {
                if let Some(disposition) = disposition(value, parameters) {
                    self.disposition = Some(disposition);
                }
                return;
            }
            b"language" if self.language.is_none() => {
                self.language = language(value);
                return;
            }
            b"id" => &mut self.id,
            b"description" => &mut self.description,
            b"md5" => &mut self.md5,
            b"location" => &mut self.location,
            _ => return,
        };
        if slot.is_none() {
            let mut text = Vec::with_capacity(value.len());
            push_text(&mut text, value);
            *slot = Some(text);
        }
    }
}

/// One token and nothing more; anything else is not shown. To be decoded it may have a semicolon behind it, as some
/// programs write it.
fn encoding(value: &[u8]) -> (Option<Vec<u8>>, Encoding) {
    let mut cursor = Cursor::new(value);
    let mut token = Vec::new();
    cursor.blanks();
    let after = cursor.mime_token(&mut token);
    let transfer = match (after, cursor.peek()) {
        (After::End, _) | (After::More, Some(b';')) => Encoding::parse(&token),
        _ => Encoding::Unknown,
    };
    let shown = after == After::End && !token.is_empty();
    (shown.then_some(token), transfer)
}

fn disposition(value: &[u8], parameters: usize) -> Option<Disposition> {
    let mut cursor = Cursor::new(value);
    let mut kind = Vec::new();
    cursor.blanks();
    if cursor.mime_token(&mut kind) == After::Broken {
        return None;
    }
    Some(Disposition {
        kind,
        parameters: parameter::parse(&mut cursor, parameters),
    })
}

fn language(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut cursor = Cursor::new(value);
    let mut tags = Vec::new();
    cursor.blanks();
    loop {
        let mut tag = Vec::new();
        if cursor.atom(&mut tag) == After::Broken {
            break;
        }
        tags.push(tag);
        if !cursor.take(b',') {
            break;
        }
        cursor.blanks();
    }
    (!tags.is_empty()).then_some(tags)
}
