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

/// All of them, by lines that begin with two hyphens and a boundary that was named; what a message holds is no body of its
/// own.
pub fn entities(text: &[u8]) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut named = Named::default();
    let (mut at, mut start, mut message) = (0, Some(0), true);
    let mut in_digest = false;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let end = at + line.len();
        // A header that has not ended may have named one.
        if let Some(from) = start {
            named.add(&text[from..end]);
        }
        let digest = line.strip_prefix(b"--").and_then(|line| named.of(line));
        if let Some(digest) = digest {
            (start, message, in_digest) = (Some(end), false, digest);
        } else if let Some(from) = start {
            if matches!(line, b"\n" | b"\r\n") {
                let kinds = fields_of(&text[from..end], "content-type");
                let holds = kinds.iter().any(|kind| kind.starts_with("message/rfc822"))
                    || kinds.is_empty() && in_digest && !message;
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

/// The boundaries that were named, and whether what they part is a digest, whose parts are messages unless they say
/// something else.
#[derive(Default)]
struct Named(Vec<(String, bool)>);

impl Named {
    fn add(&mut self, header: &[u8]) {
        for kind in fields_of(header, "content-type") {
            let Some((_, value)) = kind.split_once("boundary=") else {
                continue;
            };
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => value.split([';', ' ', '\t']).next(),
            };
            let value = value.unwrap_or_default().to_owned();
            let digest = kind.starts_with("multipart/digest");
            if !self.0.iter().any(|(known, _)| *known == value) {
                self.0.push((value, digest));
            }
        }
    }

    /// Whether what a line begins with behind its hyphens parts a digest, if it was named.
    fn of(&self, line: &[u8]) -> Option<bool> {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let begins = |(boundary, _): &&(String, bool)| line.starts_with(boundary.as_str());
        let longest = self
            .0
            .iter()
            .filter(begins)
            .max_by_key(|(boundary, _)| boundary.len());
        longest.map(|(_, digest)| *digest)
    }
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
