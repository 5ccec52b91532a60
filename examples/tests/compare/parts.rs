//! The parts of messages, and messages with other ones. They are found by their lines alone, by nobody's parser.

use crate::rewrite::{fields, fields_of, value};
use std::ops::Range;

/// A part, or the message itself: where its header is with the empty line, and where its body is.
pub struct Entity {
    pub header: Range<usize>,
    pub body: Range<usize>,
    /// It is a message: the first, or one in another.
    pub message: bool,
}

/// All of them, by lines that begin with two hyphens; what a message holds is no body of its own.
pub fn entities(text: &[u8]) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut digests: Vec<String> = Vec::new();
    let (mut at, mut start, mut message) = (0, Some(0), true);
    let mut in_digest = false;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let end = at + line.len();
        if line.starts_with(b"--") && !(start == Some(0) && entities.is_empty()) {
            (start, message) = (Some(end), false);
            let line = String::from_utf8_lossy(&line[2..]).to_ascii_lowercase();
            in_digest = digests.iter().any(|boundary| line.starts_with(boundary));
        } else if let Some(from) = start {
            if matches!(line, b"\n" | b"\r\n") {
                let kinds = fields_of(&text[from..end], "content-type");
                let holds = kinds.iter().any(|kind| kind.starts_with("message/rfc822"))
                    || kinds.is_empty() && in_digest && !message;
                digests.extend(kinds.iter().filter_map(|kind| digest(kind)));
                entities.push(Entity {
                    header: from..end,
                    body: end..end,
                    message,
                });
                (start, message) = (holds.then_some(end), holds);
            }
        } else if let Some(entity) = entities.last_mut() {
            entity.body.end = end;
        }
        at = end;
    }
    entities
}

/// The boundary of a digest, whose parts are messages unless they say something else.
fn digest(kind: &str) -> Option<String> {
    let parameters = kind.strip_prefix("multipart/digest")?;
    let (_, value) = parameters.split_once("boundary=")?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([';', ' ', '\t']).next(),
    };
    value.map(str::to_owned)
}

/// The message without the bodies of parts that have such a header.
pub fn bodies(text: &[u8], which: fn(&[u8]) -> bool) -> Vec<u8> {
    let mut out = text.to_vec();
    for entity in entities(text).into_iter().rev() {
        if which(&text[entity.header]) {
            out.drain(entity.body);
        }
    }
    out
}

/// The message with a field in it, and in those that it holds, that says that they are MIME.
pub fn decoded_anyway(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    for entity in entities(text)
        .into_iter()
        .rev()
        .filter(|entity| entity.message)
    {
        if fields_of(&text[entity.header.clone()], "mime-version").is_empty() {
            out.splice(
                entity.header.start..entity.header.start,
                *b"MIME-Version: 1.0\r\n",
            );
        }
    }
    out
}

/// The message without all but the last of several Content-Type fields in a header.
pub fn later_type(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    for entity in entities(text).into_iter().rev() {
        let header = &text[entity.header.clone()];
        let mut more = fields_of(header, "content-type").len().saturating_sub(1);
        if more > 0 {
            let kept = fields(header).into_iter().filter(|field| {
                let is_type = value(field, "content-type").is_some();
                let goes = is_type && more > 0;
                more -= usize::from(goes);
                !goes
            });
            out.splice(entity.header, kept.flatten().collect::<Vec<u8>>());
        }
    }
    out
}
