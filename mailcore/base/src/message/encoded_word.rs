//! Encoded words (RFC 2047) and encoded parameter values (RFC 2231 §4), to UTF-8.

use memchr::memmem;

use super::charset::{Charset, ToUtf8};
use super::transfer::{Encoding, hex};

/// Decodes the encoded words of a header value. Folds go; white space between two encoded words goes
/// (RFC 2047 §6.2), and a character split over two of them is made whole. What is no encoded word, or is of an
/// unknown charset, stays. Bytes above US-ASCII are taken for UTF-8 (RFC 6532); a run of them that is none becomes one
/// replacement character. Linear, however it is broken.
pub fn decode_words(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut open: Option<(Charset, ToUtf8)> = None;
    let mut rest = value;
    let mut plain = 0;
    while let Some(at) = memmem::find(&rest[plain..], b"=?").map(|at| at + plain) {
        let Some(word) = Word::parse(&rest[at..]) else {
            plain = at + 2;
            continue;
        };
        let between = &rest[..at];
        let joined = open.is_some() && between.iter().all(u8::is_ascii_whitespace);
        if !joined {
            close(&mut open, &mut out);
            push_plain(between, &mut out);
        }
        if open
            .as_ref()
            .is_none_or(|(charset, _)| *charset != word.charset || word.says_its_state())
        {
            close(&mut open, &mut out);
        }
        let (_, to_utf8) = open.get_or_insert_with(|| (word.charset, ToUtf8::new(word.charset)));
        to_utf8.feed(&word.bytes, &mut out);
        rest = &rest[at + word.length..];
        plain = 0;
    }
    close(&mut open, &mut out);
    push_plain(rest, &mut out);
    out
}

fn close(open: &mut Option<(Charset, ToUtf8)>, out: &mut String) {
    if let Some((_, mut to_utf8)) = open.take() {
        to_utf8.finish(out);
    }
}

fn push_plain(text: &[u8], out: &mut String) {
    if memchr::memchr2(b'\r', b'\n', text).is_none()
        && let Ok(text) = std::str::from_utf8(text)
    {
        return out.push_str(text);
    }
    let unfolded: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    for chunk in unfolded.utf8_chunks() {
        out.push_str(chunk.valid());
        // However many octets in a row nothing explains, they are one sign, as with Dovecot.
        if !chunk.invalid().is_empty() && !out.ends_with(char::REPLACEMENT_CHARACTER) {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

struct Word {
    charset: Charset,
    bytes: Vec<u8>,
    length: usize,
}

impl Word {
    /// RFC 1468: in ISO-2022-JP each word begins and ends in US-ASCII (RFC 2047 §3), so that the end of one and the start of
    /// the next are two escapes in a row, which a decoder takes for an attack.
    fn says_its_state(&self) -> bool {
        self.bytes.starts_with(b"\x1b")
    }

    /// `=?charset[*language]?encoding?text?=` at the start of `text`. No more of it is looked at than up to
    /// the fourth question mark.
    fn parse(text: &[u8]) -> Option<Word> {
        let rest = text.strip_prefix(b"=?")?;
        let (charset, rest) = split(rest)?;
        let (encoding, rest) = split(rest)?;
        let (encoded, rest) = split(rest)?;
        let rest = rest.strip_prefix(b"=")?;
        // RFC 2231 §5: a language may follow the charset. Some programs name no charset at all (`=??Q?…?=`).
        let charset = match charset.split(|&b| b == b'*').next()? {
            b"" => Charset::UTF_8,
            name => Charset::parse(name)?,
        };
        let bytes = match encoding {
            b"b" | b"B" => Encoding::Base64.decode(encoded),
            b"q" | b"Q" => decode_q(encoded),
            _ => return None,
        };
        Some(Word {
            charset,
            bytes,
            length: text.len() - rest.len(),
        })
    }
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'?', text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The Q encoding: an underscore is a space (RFC 2047 §4.2).
fn decode_q(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text;
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        match (byte, rest) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex(*high) << 4 | hex(*low));
                bytes = after;
            }
            _ => out.push(byte),
        }
    }
    out
}

/// Decodes a parameter value: `charset'language'text` with percent signs, if the name ended in `*`
/// (RFC 2231 §4), else encoded words, which are not allowed there but common.
pub fn decode_parameter(name: &[u8], value: &[u8]) -> String {
    if !name.ends_with(b"*") {
        return decode_words(value);
    }
    let mut parts = value.splitn(3, |&b| b == b'\'');
    let (charset, text) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, text),
        _ => (&b""[..], value),
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
    Charset::parse(charset)
        .unwrap_or(Charset::UTF_8)
        .decode(&bytes)
}
