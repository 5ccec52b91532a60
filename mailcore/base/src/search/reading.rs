//! One message while it is searched: it asks for the runs it wants, and is fed them in pieces of any size.

use super::fold::{Window, longest};
use super::matcher::{Matcher, Place, Text};
use crate::casemap::casemap;
use crate::message::{
    Charset, Decoder, Extent, Field, Fields, Kind, Part, Structure, ToUtf8, decode_words,
    parse_addresses, write_address_line,
};
use std::borrow::Cow;

/// Bytes of one header that are searched (1 MiB); what is behind is not found.
pub(super) const MAX_HEADER: usize = 1 << 20;
/// Addresses of one field that are searched, as many as an envelope tells.
const MAX_ADDRESSES: usize = 10_000;
/// Bytes decoded at once, so that the memory used does not depend on the size of a piece.
const STRIDE: usize = 16 << 10;

/// A message being searched. Feed it the bytes of [`wants`](Reading::wants) until it wants no more, then
/// [`finish`](Reading::finish). Bodies that are no text are never asked for, and nothing is once the outcome is
/// certain.
#[derive(Debug)]
pub struct Reading<'m, 's> {
    matcher: &'m Matcher,
    /// What each key came to.
    known: Vec<Option<bool>>,
    /// What the query came to.
    outcome: Option<bool>,
    parts: Vec<&'s Part>,
    run: Run,
    /// Bytes fed of the present run.
    fed: u64,
    header: Vec<u8>,
    body: Option<Body>,
    window: Window,
    longest: usize,
}

/// A run of the message: the header or the body of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Header(usize),
    Body(usize),
}

/// The body of a text part on its way to folded UTF-8.
#[derive(Debug)]
struct Body {
    decoder: Decoder,
    to_utf8: ToUtf8,
    bytes: Vec<u8>,
    text: String,
}

impl<'m, 's> Reading<'m, 's> {
    pub(super) fn new(
        matcher: &'m Matcher,
        known: Vec<Option<bool>>,
        structure: &'s Structure,
    ) -> Self {
        let mut reading = Reading {
            matcher,
            known,
            outcome: None,
            parts: structure.parts().map(|(_, part)| part).collect(),
            run: Run::Header(0),
            fed: 0,
            header: Vec::new(),
            body: None,
            window: Window::default(),
            longest: longest(matcher.texts.iter().map(|text| &text.needle)),
        };
        reading.settle();
        reading
    }

    /// The bytes wanted next: where they start and how many; `None` when the outcome is certain. Fewer may be
    /// fed; then the rest is wanted.
    pub fn wants(&self) -> Option<(u64, u64)> {
        if self.outcome.is_some() {
            return None;
        }
        let extent = self.extent(self.run)?;
        Some((extent.offset + self.fed, extent.bytes - self.fed))
    }

    /// Takes the bytes wanted, or the first of them; what is more than wanted is not looked at.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some((_, wanted)) = self.wants() else {
            return;
        };
        let length = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.fed += length as u64;
        let bytes = &bytes[..length];
        match self.run {
            Run::Header(_) => {
                let room = MAX_HEADER - self.header.len();
                self.header
                    .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Run::Body(_) => self.feed_body(bytes),
        }
        if length as u64 == wanted {
            self.end_run();
        }
        self.settle();
    }

    /// Whether the message matches. What was wanted and not fed counts as not there.
    pub fn finish(mut self) -> bool {
        for text in &self.matcher.texts {
            self.known[text.key].get_or_insert(false);
        }
        self.outcome
            .or_else(|| self.matcher.query.evaluate(&self.known))
            .unwrap_or(false)
    }

    fn extent(&self, run: Run) -> Option<Extent> {
        Some(match run {
            Run::Header(at) => self.parts.get(at)?.header,
            Run::Body(at) => self.parts.get(at)?.body,
        })
    }

    /// Goes on to the next run that an open key looks at, or to the outcome.
    fn settle(&mut self) {
        if self.outcome.is_none() {
            self.outcome = self.matcher.query.evaluate(&self.known);
        }
        while self.outcome.is_none() {
            let Some(extent) = self.extent(self.run) else {
                self.close(|_| true);
                self.outcome = self.matcher.query.evaluate(&self.known);
                return;
            };
            if self.fed < extent.bytes && self.looks_at(self.run) {
                return;
            }
            self.step();
        }
    }

    /// The present run is over, or is not wanted.
    fn step(&mut self) {
        self.fed = 0;
        self.run = match self.run {
            Run::Header(at) => {
                if at == 0 {
                    // No other header has the fields of the message.
                    self.close(|place| matches!(place, Place::Field(_) | Place::Addresses(_)));
                    self.outcome = self.matcher.query.evaluate(&self.known);
                }
                Run::Body(at)
            }
            Run::Body(at) => Run::Header(at + 1),
        };
    }

    /// Keys of that kind were not found.
    fn close(&mut self, of: impl Fn(&Place) -> bool) {
        for text in &self.matcher.texts {
            if of(&text.place) {
                self.known[text.key].get_or_insert(false);
            }
        }
    }

    fn looks_at(&self, run: Run) -> bool {
        self.matcher
            .texts
            .iter()
            .filter(|text| self.known[text.key].is_none())
            .any(|text| match (run, &text.place) {
                (Run::Header(at), Place::Field(_) | Place::Addresses(_)) => at == 0,
                (Run::Header(_), place) => *place == Place::Anywhere,
                (Run::Body(at), Place::Body | Place::Anywhere) => {
                    self.parts.get(at).is_some_and(|part| is_text(part))
                }
                (Run::Body(_), Place::Field(_) | Place::Addresses(_)) => false,
            })
    }

    fn end_run(&mut self) {
        match self.run {
            Run::Header(at) => {
                let header = std::mem::take(&mut self.header);
                self.search_header(&header, at == 0);
                self.header = header;
                self.header.clear();
            }
            Run::Body(_) => {
                if let Some(mut body) = self.body.take() {
                    body.finish();
                    self.search_text(&body.text);
                }
            }
        }
        self.window.clear();
    }

    fn search_header(&mut self, header: &[u8], of_message: bool) {
        self.window.clear();
        let whole = self.is_open(|place| *place == Place::Anywhere);
        for field in Fields::new(header) {
            if of_message {
                search_field(&field, self.matcher.texts.iter(), &mut self.known);
            }
            if whole {
                self.search_text(&decode_words(&unfolded(field.raw())));
                self.search_text("\r\n");
            }
        }
    }

    /// Whether a key that looks there is not decided yet.
    fn is_open(&self, there: impl Fn(&Place) -> bool) -> bool {
        let mut texts = self.matcher.texts.iter();
        texts.any(|text| self.known[text.key].is_none() && there(&text.place))
    }

    /// Looks for the open keys in a piece of text that follows the one before.
    fn search_text(&mut self, piece: &str) {
        self.window.push(piece);
        let in_body = matches!(self.run, Run::Body(_));
        for Text { key, place, needle } in &self.matcher.texts {
            let looks = *place == Place::Anywhere || in_body && *place == Place::Body;
            if looks && self.known[*key].is_none() && self.window.has(needle) {
                self.known[*key] = Some(true);
            }
        }
        self.window.slide(self.longest);
    }

    fn feed_body(&mut self, bytes: &[u8]) {
        let Run::Body(at) = self.run else { return };
        let Some(part) = self.parts.get(at) else {
            return;
        };
        let mut body = self.body.take().unwrap_or_else(|| Body::new(part));
        for stride in bytes.chunks(STRIDE) {
            body.feed(stride);
            self.search_text(&body.text);
        }
        self.body = Some(body);
    }
}

impl Body {
    fn new(part: &Part) -> Body {
        let content = part.content.as_deref();
        let encoding = content.map(|c| c.transfer).unwrap_or_default();
        let charset = content
            .and_then(|c| c.content_type.as_ref())
            .and_then(|t| t.parameter("charset"))
            .and_then(Charset::parse)
            .unwrap_or(Charset::UTF_8);
        Body {
            decoder: Decoder::new(encoding),
            to_utf8: ToUtf8::new(charset),
            bytes: Vec::new(),
            text: String::new(),
        }
    }

    /// Decodes the next piece into `text`.
    fn feed(&mut self, piece: &[u8]) {
        self.bytes.clear();
        self.text.clear();
        self.decoder.feed(piece, &mut self.bytes);
        self.to_utf8.feed(&self.bytes, &mut self.text);
    }

    fn finish(&mut self) {
        self.bytes.clear();
        self.text.clear();
        self.decoder.finish(&mut self.bytes);
        self.to_utf8.feed(&self.bytes, &mut self.text);
        self.to_utf8.finish(&mut self.text);
    }
}

/// Decides by a field of the message which of the keys that look into it, and are open, match. Comments are no part of
/// addresses, and what an envelope tells of broken ones is.
pub(super) fn search_field<'t>(
    field: &Field<'_>,
    texts: impl Iterator<Item = &'t Text>,
    known: &mut [Option<bool>],
) {
    let (mut value, mut addresses) = (None, None);
    for Text { key, place, needle } in texts {
        let Some(known) = known.get_mut(*key).filter(|known| known.is_none()) else {
            continue;
        };
        if !place.is_in(field) {
            continue;
        }
        let text = match place {
            Place::Addresses(_) => addresses.get_or_insert_with(|| address_line(field)),
            _ => value.get_or_insert_with(|| searched_value(field)),
        };
        if needle.is_in(text) {
            *known = Some(true);
        }
    }
}

fn searched_value(field: &Field<'_>) -> String {
    // The blank behind the colon belongs to neither.
    let value = field.raw_value();
    let value = value
        .strip_prefix(b" ")
        .or(value.strip_prefix(b"\t"))
        .unwrap_or(value);
    casemap(&decode_words(&unfolded(value)))
}

/// A field, or its value, as it stands, its folds undone: line ends go, and a tab that begins a line is a space.
fn unfolded(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for (at, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let start = out.len();
        out.extend(line.iter().filter(|b| !matches!(b, b'\r' | b'\n')));
        if at > 0
            && let Some(tab @ b'\t') = out.get_mut(start)
        {
            *tab = b' ';
        }
    }
    Cow::Owned(out)
}

fn address_line(field: &Field<'_>) -> String {
    let mut line = Vec::new();
    write_address_line(&parse_addresses(&field.value(), MAX_ADDRESSES), &mut line);
    casemap(&decode_words(&line))
}

/// Whether the body is text that is searched: `text/…`, and reports such as `message/delivery-status`.
fn is_text(part: &Part) -> bool {
    let content_type = part
        .content
        .as_deref()
        .and_then(|c| c.content_type.as_ref());
    part.kind == Kind::Leaf
        && content_type.is_none_or(|t| {
            t.top.eq_ignore_ascii_case(b"text") || t.top.eq_ignore_ascii_case(b"message")
        })
}
