//! A message made to fit through seven bits (RFC 6152 §3): parts with an eighth bit become quoted-printable, and headers
//! say so. For peers without 8BITMIME, and for nothing else: signatures over the body do not survive it.
//!
//! ```text
//!  Structure ─► SevenBit::of ─► look (the message once) ─► feed, finish (once for its size, once more to send it)
//! ```
//! It holds a few words for each part, and never a line. An eighth bit in a header stays: nobody could say what
//! character it is of.

use super::quoted_printable::Encoder;
use super::structure::{Kind, Part, Structure};
use super::transfer::Encoding;
use std::ops::Range;

/// What is to be done with a message, and how far that has come. Clone it after [`look`](Self::look) to do it again.
#[derive(Debug, Clone)]
pub struct SevenBit {
    /// In the order of the message.
    parts: Vec<Stretch>,
    /// How many of them lie behind.
    done: usize,
    at: u64,
    header: Rewriter,
    body: Encoder,
}

/// A part, as far as it may have to be changed.
#[derive(Debug, Clone)]
struct Stretch {
    header: Range<u64>,
    body: Range<u64>,
    need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A part that cannot be encoded, only labelled: its parts are encoded instead (RFC 2045 §6.4).
    Label,
    /// A leaf: whether it claims an eighth bit (or is told to be binary), and whether it has one.
    Leaf {
        claims: bool,
        eight: bool,
        dress: Dress,
    },
}

/// What has to stand in a header for its encoding to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dress {
    /// A part's own header: the encoding alone.
    Part,
    /// A message's, also of one within: that it is MIME, too.
    Message,
    /// That of a message of which nothing is known: all there is.
    Bare,
}

const ENCODING: &[u8] = b"content-transfer-encoding";
const VERSION: &[u8] = b"mime-version";

impl Need {
    fn saw_eight(&mut self) {
        if let Self::Leaf { eight, .. } = self {
            *eight = true;
        }
    }

    fn encodes(self) -> bool {
        matches!(self, Self::Leaf { eight: true, .. })
    }

    /// The fields that are dropped, and those that take their place.
    fn fields(self) -> Option<(&'static [&'static [u8]], &'static str)> {
        const SEVEN: &str = "Content-Transfer-Encoding: 7bit\r\n";
        let (claims, eight, dress) = match self {
            Self::Label => return Some((&[ENCODING], SEVEN)),
            Self::Leaf {
                claims,
                eight,
                dress,
            } => (claims, eight, dress),
        };
        Some(match (eight, dress) {
            (false, _) if claims => (&[ENCODING], SEVEN),
            (false, _) => return None,
            (true, Dress::Part) => (
                &[ENCODING],
                "Content-Transfer-Encoding: quoted-printable\r\n",
            ),
            (true, Dress::Message) => (
                &[ENCODING, VERSION],
                "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            ),
            // RFC 1428 §3: what is known of text that nobody labelled.
            (true, Dress::Bare) => (
                &[ENCODING, VERSION, b"content-type"],
                "MIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=unknown-8bit\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n",
            ),
        })
    }
}

impl SevenBit {
    /// For a message of this structure. It is to be [looked at](Self::look) next, from its beginning to its end.
    #[must_use]
    pub fn of(structure: &Structure) -> Self {
        let stretch = |part: &Part| {
            let range = |offset: u64, bytes: u64| offset..offset.saturating_add(bytes);
            Some(Stretch {
                header: range(part.header.offset, part.header.bytes),
                body: range(part.body.offset, part.body.bytes),
                need: need(part, structure)?,
            })
        };
        let parts = structure.parts();
        Self {
            parts: parts.filter_map(|(_, part)| stretch(part)).collect(),
            done: 0,
            at: 0,
            header: Rewriter::default(),
            body: Encoder::default(),
        }
    }

    /// Looks at the next piece of the message for an eighth bit. After the last one, it can be written.
    pub fn look(&mut self, piece: &[u8]) {
        let end = self.at + piece.len() as u64;
        while let Some(part) = self.parts.get_mut(self.done) {
            let (from, to) = (part.body.start.max(self.at), part.body.end.min(end));
            if from < to && part.need != Need::Label {
                let within = |at: u64| (at - self.at) as usize;
                let octets = piece.get(within(from)..within(to)).unwrap_or_default();
                if !octets.is_ascii() {
                    part.need.saw_eight();
                }
            }
            // The body of what is only labelled holds the parts that follow.
            if part.need != Need::Label && part.body.end > end {
                break;
            }
            if part.header.end > end {
                break;
            }
            self.done += 1;
        }
        self.at = end;
    }

    /// The same at the beginning of the message, to be written.
    #[must_use]
    pub fn begin(&self) -> Self {
        let mut parts = self.parts.clone();
        parts.retain(|part| part.need.fields().is_some());
        Self {
            parts,
            done: 0,
            at: 0,
            header: Rewriter::default(),
            body: Encoder::default(),
        }
    }

    /// Writes the next piece of the message onto the end of `out`, which grows by at most three octets for each of the
    /// piece's, line ends, and the fields that are added.
    pub fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            let end = self.next_turn();
            let left = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(left.min(piece.len()));
            self.write(now, out);
            self.at += now.len() as u64;
            self.turn(out);
            piece = later;
        }
    }

    /// The message is complete.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.at = u64::MAX;
        self.turn(out);
    }

    /// Where what is done now ends.
    fn next_turn(&self) -> u64 {
        let Some(part) = self.parts.get(self.done) else {
            return u64::MAX;
        };
        let turns = [part.header.start, part.header.end, part.body.start];
        let after = turns.into_iter().find(|turn| *turn > self.at);
        after.unwrap_or(part.end())
    }

    fn write(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self.parts.get(self.done) {
            Some(part) if part.header.contains(&self.at) => {
                if let Some((dropped, added)) = part.need.fields() {
                    self.header.feed(octets, dropped, added, out);
                }
            }
            Some(part) if part.need.encodes() && part.body.contains(&self.at) => {
                self.body.feed(octets, out);
            }
            _ => out.extend_from_slice(octets),
        }
    }

    /// Ends what ends here.
    fn turn(&mut self, out: &mut Vec<u8>) {
        while let Some(part) = self.parts.get(self.done) {
            if self.at >= part.header.end {
                self.header.finish(out);
            }
            if self.at < part.end() {
                return;
            }
            self.body.finish(out);
            self.done += 1;
        }
    }
}

impl Stretch {
    /// Where the part has been dealt with: before its parts, if it is only labelled.
    fn end(&self) -> u64 {
        match self.need.encodes() {
            true => self.body.end.max(self.header.end),
            false => self.header.end,
        }
    }
}

/// What a part may need; nothing where it is not to be touched.
fn need(part: &Part, structure: &Structure) -> Option<Need> {
    let content = part.content.as_deref();
    let label = content.and_then(|content| content.encoding.as_deref());
    let is = |word: &str| label.is_some_and(|label| label.eq_ignore_ascii_case(word.as_bytes()));
    let claims = is("8bit") || is("binary");
    let content_type = content.and_then(|content| content.content_type.as_ref());
    let message = content_type.is_some_and(|it| it.top.eq_ignore_ascii_case(b"message"));
    if part.kind != Kind::Leaf || message {
        return claims.then_some(Need::Label);
    }
    let encoded = [Encoding::Base64, Encoding::QuotedPrintable];
    if content.is_some_and(|content| encoded.contains(&content.transfer)) {
        return None;
    }
    // RFC 2045 §4: a message within one says for itself that it is MIME.
    let above = part.parent.and_then(|it| structure.part(it));
    let dress = match part.content {
        _ if above.is_some_and(|it| it.kind != Kind::Message) => Dress::Part,
        Some(_) => Dress::Message,
        None => Dress::Bare,
    };
    Some(Need::Leaf {
        claims,
        eight: false,
        dress,
    })
}

/// Writes a header without some fields, and with others at its end.
#[derive(Debug, Clone, Default)]
struct Rewriter {
    line: Line,
    /// The start of a line, until it is known what it is of.
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Line {
    /// At its start; what belongs to the field before goes the way of that.
    #[default]
    Start,
    StartAfterDropped,
    Kept,
    Dropped,
}

/// Octets after which a field that is to be dropped would have shown itself.
const LONGEST_NAME: usize = 40;

impl Rewriter {
    fn feed(&mut self, octets: &[u8], dropped: &[&[u8]], added: &str, out: &mut Vec<u8>) {
        for octet in octets {
            match self.line {
                Line::Kept => out.push(*octet),
                Line::Dropped => {}
                Line::Start | Line::StartAfterDropped => {
                    self.held.push(*octet);
                    self.decide(dropped, added, out);
                }
            }
            if *octet == b'\n' {
                self.line = match self.line {
                    Line::Dropped => Line::StartAfterDropped,
                    _ => Line::Start,
                };
            }
        }
    }

    fn decide(&mut self, dropped: &[&[u8]], added: &str, out: &mut Vec<u8>) {
        let after_dropped = self.line == Line::StartAfterDropped;
        let held = self.held.as_slice();
        let name_is_over = held.contains(&b':') || held.len() > LONGEST_NAME;
        self.line = match held {
            [b' ' | b'\t', ..] if after_dropped => Line::Dropped,
            b"\r\n" | b"\n" => {
                out.extend_from_slice(added.as_bytes());
                Line::Kept
            }
            [.., b'\n'] => Line::Kept,
            _ if !name_is_over => return,
            _ => {
                let name = held.split(|it| *it == b':').next().unwrap_or_default();
                let name = name.trim_ascii_end();
                match dropped.iter().any(|it| name.eq_ignore_ascii_case(it)) {
                    true => Line::Dropped,
                    false => Line::Kept,
                }
            }
        };
        if self.line == Line::Kept {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
    }

    /// The header is complete.
    fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        self.line = Line::Start;
    }
}

#[cfg(test)]
mod tests;
