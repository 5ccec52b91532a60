//! Marks by which mail is known that Dovecot and we read differently. They are looked for in the octets, by nobody's parser.

use crate::parts::entities;
use crate::rewrite::{fields_of, find};

/// Whether the text is in there, in any case.
pub fn has(octets: &[u8], text: &str) -> bool {
    octets
        .to_ascii_lowercase()
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Whether a field that begins so goes on in a second line.
pub fn folded(octets: &[u8], begin: &str) -> bool {
    let lines: Vec<Vec<u8>> = octets
        .split(|b| *b == b'\n')
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    lines.windows(2).any(|two| {
        two[0].starts_with(begin.as_bytes()) && matches!(two[1].first(), Some(b' ' | b'\t'))
    })
}

/// Whether a part has no body, or nothing but its header.
pub fn empty_part(octets: &[u8]) -> bool {
    let lines: Vec<u8> = octets.iter().copied().filter(|b| *b != b'\r').collect();
    lines.windows(4).any(|four| four == b"\n\n--") || lines.ends_with(b"\n\n")
}

/// Whether some body in there is not what its encoding allows, or has an encoding that not everybody knows.
pub fn undecodable(octets: &[u8]) -> bool {
    let parts = entities(octets);
    parts.into_iter().any(|part| {
        let encodings = fields_of(&octets[part.header.clone()], "content-transfer-encoding");
        let body = &octets[part.body.clone()];
        // What holds parts has no encoding (RFC 2045 §6.4), whatever it says: a boundary is not to be decoded.
        let kinds = fields_of(&octets[part.header.clone()], "content-type");
        let holds_parts =
            |kind: &String| kind.starts_with("multipart/") || kind.starts_with("message/");
        match encodings.join(" ").as_str() {
            "base64" | "quoted-printable" if kinds.iter().any(holds_parts) => true,
            "" | "7bit" | "8bit" | "binary" => false,
            "base64" => !is_base64(body),
            "quoted-printable" => !is_quoted_printable(body),
            _ => true,
        }
    })
}

/// Whether a message in there, or what is all of it, has an encoding and nothing that says that it is MIME.
pub fn encoded_without_mime(octets: &[u8]) -> bool {
    let messages = entities(octets).into_iter().filter(|entity| entity.message);
    messages.map(|entity| &octets[entity.header]).any(|header| {
        fields_of(header, "mime-version").is_empty()
            && !fields_of(header, "content-transfer-encoding").is_empty()
    })
}

/// Whether a boundary ends a header, with no empty line in front of it.
pub fn boundary_ends_header(octets: &[u8]) -> bool {
    let mut fields = Some(0);
    octets.split_inclusive(|b| *b == b'\n').any(|line| {
        let cut = line.starts_with(b"--") && fields.is_some_and(|count| count > 0);
        fields = match (line, fields) {
            (b"\n" | b"\r\n", _) => None,
            (line, _) if line.starts_with(b"--") => Some(0),
            (_, fields) => fields.map(|count| count + 1),
        };
        cut
    })
}

/// Whether a header in there names several types.
pub fn several_types(octets: &[u8]) -> bool {
    let parts = entities(octets).into_iter();
    parts
        .map(|part| &octets[part.header])
        .any(|header| fields_of(header, "content-type").len() > 1)
}

/// Whether what holds parts, in there, is said to be encoded.
pub fn encoded_multipart(octets: &[u8]) -> bool {
    entities(octets).into_iter().any(|part| {
        let header = &octets[part.header];
        let encodings = fields_of(header, "content-transfer-encoding");
        let is_coded = |value: &String| ["base64", "quoted-printable"].contains(&value.as_str());
        let kinds = fields_of(header, "content-type");
        encodings.iter().any(is_coded) && kinds.iter().any(|kind| kind.starts_with("multipart"))
    })
}

/// Whether a field holds an encoded word within one that has not ended.
pub fn word_in_broken_word(octets: &[u8]) -> bool {
    let head = head(octets);
    let mut at = 0;
    while let Some(from) = find(&head[at..], b"=?").map(|found| at + found) {
        at = from + 2;
        let parts: Vec<&[u8]> = head[at..].splitn(4, |b| *b == b'?').collect();
        let [_, b"b" | b"B" | b"q" | b"Q", _, rest] = parts[..] else {
            continue;
        };
        let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace());
        let behind = &rest[blanks.count()..];
        if behind.len() < rest.len() && behind.starts_with(b"=?") {
            return true;
        }
    }
    false
}

fn is_base64(body: &[u8]) -> bool {
    let digits: Vec<u8> = body
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let padding = digits.iter().rev().take_while(|b| **b == b'=').count();
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    digits.len().is_multiple_of(4)
        && padding < 3
        && digits[..digits.len() - padding].iter().all(is_digit)
}

fn is_quoted_printable(body: &[u8]) -> bool {
    if body.trim_ascii_end().ends_with(b"=") {
        // The line end behind it is the boundary's.
        return false;
    }
    let lines = body
        .split(|b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\t');
    let mut behind = body.split(|b| *b == b'=').skip(1);
    lines.flatten().all(plain)
        && behind.all(|text| match text {
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
            text => {
                let blanks = text
                    .iter()
                    .take_while(|b| matches!(b, b' ' | b'\t'))
                    .count();
                text[blanks..].starts_with(b"\r\n") || text[blanks..].starts_with(b"\n")
            }
        })
}

/// The header.
pub fn head(octets: &[u8]) -> &[u8] {
    let ends = [b"\n\n".as_slice(), b"\n\r\n"];
    let at = ends
        .iter()
        .filter_map(|end| octets.windows(end.len()).position(|window| window == *end))
        .min();
    &octets[..at.unwrap_or(octets.len())]
}
