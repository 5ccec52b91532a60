//! Marks by which mail is known that Dovecot and we read differently. They are looked for in the octets, by nobody's parser.

use crate::maildir::Mail;
use std::collections::BTreeSet;

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

/// The charsets of all encoded words, languages and all.
pub fn encoded_words(octets: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(octets).into_owned();
    let behind = text.split("=?").skip(1);
    behind
        .filter_map(|word| word.split_once('?'))
        .map(|(charset, _)| charset.to_ascii_lowercase())
        .collect()
}

pub fn is_unknown(charset: &str) -> bool {
    charset.starts_with("x-unheard")
}

/// What a key looks for: what is in quotes, or behind a literal's length.
pub fn needle(asked: &str) -> &str {
    match asked.split_once("}\\r\\n") {
        Some((_, text)) => text,
        None => asked.split_once("\\\"").map_or("", |(_, text)| text),
    }
}

pub fn strange_encoding(octets: &[u8]) -> bool {
    const NAME: &[u8] = b"content-transfer-encoding";
    let known = ["7bit", "8bit", "binary", "base64", "quoted-printable"];
    let strange = |line: &[u8]| {
        let value = String::from_utf8_lossy(line).to_ascii_lowercase();
        let value = value.split_once(':').map_or("", |(_, value)| value).trim();
        !known.contains(&value)
    };
    let mut lines = octets.split(|b| *b == b'\n');
    lines.any(|line| line.to_ascii_lowercase().starts_with(NAME) && strange(line))
}

pub fn odd_date(octets: &[u8]) -> bool {
    has(octets, " 1969 ") || has(octets, "14-sep-2020")
}

/// Whether some Content-Type has no subtype.
pub fn typeless(octets: &[u8]) -> bool {
    let mut lines = octets
        .split(|b| *b == b'\n')
        .map(<[u8]>::to_ascii_lowercase);
    lines.any(|line| line.starts_with(b"content-type") && !line.contains(&b'/'))
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

/// The ids in a field of the header, in their order.
fn ids(octets: &[u8], field: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(head(octets)).replace('\r', "");
    let text = text.replace("\n ", " ").replace("\n\t", " ");
    let line = text
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with(field));
    let behind = line.unwrap_or_default().split('<').skip(1);
    behind
        .filter_map(|id| id.split_once('>'))
        .map(|(id, _)| id.to_owned())
        .collect()
}

/// Whether its References name the message itself.
pub fn refers_to_itself(octets: &[u8]) -> bool {
    let references = ids(octets, "references");
    ids(octets, "message-id")
        .first()
        .is_some_and(|id| references.contains(id))
}

/// Messages that name no other, while one in front of them says what they answer; counted from 1.
pub fn placed_by_others(mails: &[Mail]) -> Vec<u32> {
    let mut said = BTreeSet::new();
    let mut placed = Vec::new();
    for (uid, mail) in (1..).zip(mails) {
        let references = ids(&mail.octets, "references");
        let silent = references.is_empty() && ids(&mail.octets, "in-reply-to").is_empty();
        if silent
            && ids(&mail.octets, "message-id")
                .first()
                .is_some_and(|id| said.contains(id))
        {
            placed.push(uid);
        }
        said.extend(references.into_iter().skip(1));
    }
    placed
}
