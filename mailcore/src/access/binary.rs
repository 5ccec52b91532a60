//! Parts without their content transfer encoding (RFC 3516): octets of a message as they were before they were made fit
//! for seven bits. They are decoded as they are read, in runs, and never held whole.
//!
//! A part that holds others is told with each of them decoded, and with what their headers say of encodings made true,
//! as Dovecot does.

use super::{LARGEST_HEADER, RUN};
use mailcore_base::message::{Decoder, Encoding, Fields, Kind, Part, Structure};
use mailcore_store::Result;
use mailcore_store::body::Body;
use std::collections::VecDeque;
use std::ops::Range;

/// A run of what is told.
#[derive(Debug, Clone)]
enum Segment {
    /// Octets of the message as they are.
    Copy(Range<u64>),
    /// In the place of what a header says of an encoding.
    Say(&'static [u8]),
    /// Octets of the message in this encoding.
    Decode(Range<u64>, Encoding),
}

/// A part, decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan(Vec<Segment>);

/// What is told of parts that were encoded.
const BINARY: &[u8] = b"Content-Transfer-Encoding: binary\r\n";

impl Plan {
    /// How to tell `part`, its header with it or not; `None` where an encoding in it is not known.
    pub(super) async fn of(
        body: &dyn Body,
        structure: &Structure,
        part: &Part,
        header: bool,
    ) -> Result<Option<Self>> {
        let end = part.body.offset + part.body.bytes;
        let start = match header {
            true => part.header.offset,
            false => part.body.offset,
        };
        let mut plan = Self::default();
        let mut at = start;
        for (_, within) in structure.parts() {
            let whole = within.whole();
            let inside = whole.offset >= part.header.offset && whole.offset + whole.bytes <= end;
            let encoding = encoding(within);
            if !inside || encoding == Encoding::Identity {
                continue;
            }
            // RFC 2045 §6.4: what holds parts is not encoded, whatever it says.
            let leaf = matches!(within.kind, Kind::Leaf | Kind::Opaque);
            match encoding {
                Encoding::Unknown if leaf => return Ok(None),
                Encoding::Unknown => continue,
                _ => {}
            }
            if within.header.offset >= start
                && let Some(field) = field(body, within).await?
            {
                plan.copy(at..field.start);
                plan.0.push(Segment::Say(BINARY));
                at = field.end;
            }
            if !leaf {
                continue;
            }
            let from = within.body.offset;
            let to = from + within.body.bytes;
            plan.copy(at..from);
            plan.0.push(Segment::Decode(from..to, encoding));
            at = to;
        }
        plan.copy(at..end);
        Ok(Some(plan))
    }

    fn copy(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            self.0.push(Segment::Copy(range));
        }
    }

    /// How many octets it makes.
    pub(super) async fn measure(&self, body: &dyn Body) -> Result<u64> {
        let mut reading = Reading::new(self.clone());
        while reading.step(body).await? {
            reading.forget();
        }
        reading.forget();
        Ok(reading.told)
    }
}

/// The encoding of a part.
fn encoding(part: &Part) -> Encoding {
    let content = part.content.as_deref();
    content.map(|content| content.transfer).unwrap_or_default()
}

/// Where the field of a part's header lies that names its encoding.
async fn field(body: &dyn Body, part: &Part) -> Result<Option<Range<u64>>> {
    let from = part.header.offset;
    let to = from + part.header.bytes.min(LARGEST_HEADER as u64);
    let mut header = Vec::new();
    while from + (header.len() as u64) < to {
        let run = body.read(from + header.len() as u64..to).await?;
        if run.is_empty() {
            break;
        }
        header.extend_from_slice(&run);
    }
    let mut at = from;
    for field in Fields::new(&header) {
        let next = at + field.raw().len() as u64;
        let name = field.name();
        if field.is_field() && name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
            return Ok(Some(at..next));
        }
        at = next;
    }
    Ok(None)
}

fn decoder(next: Option<&Segment>) -> Decoder {
    Decoder::new(match next {
        Some(Segment::Decode(_, encoding)) => *encoding,
        _ => Encoding::Identity,
    })
}

/// A part that is being told, from its front on.
#[derive(Debug)]
pub(super) struct Reading {
    plan: Plan,
    left: VecDeque<Segment>,
    decoder: Decoder,
    /// Octets told so far, without those held.
    told: u64,
    held: Vec<u8>,
}

impl Reading {
    pub(super) fn new(plan: Plan) -> Self {
        let left: VecDeque<Segment> = plan.0.iter().cloned().collect();
        Self {
            decoder: decoder(left.front()),
            left,
            plan,
            told: 0,
            held: Vec::new(),
        }
    }

    /// What is held has been told.
    fn forget(&mut self) {
        self.told += self.held.len() as u64;
        self.held.clear();
    }

    /// Octets of the part, or a non-empty prefix of what is asked for; empty at the end. What lies in front of what
    /// was told last is decoded again.
    pub(super) async fn bytes(&mut self, body: &dyn Body, range: Range<u64>) -> Result<Vec<u8>> {
        if range.start < self.told {
            *self = Self::new(std::mem::take(&mut self.plan));
        }
        loop {
            let skip = usize::try_from(range.start - self.told).unwrap_or(usize::MAX);
            if skip < self.held.len() {
                let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let to = self.held.len().min(skip.saturating_add(most));
                let told = self.held.get(skip..to).unwrap_or_default().to_vec();
                self.held.drain(..to);
                self.told += to as u64;
                return Ok(told);
            }
            self.forget();
            if !self.step(body).await? && self.held.is_empty() {
                return Ok(Vec::new());
            }
        }
    }

    /// Adds a run to what is held; whether more may follow.
    async fn step(&mut self, body: &dyn Body) -> Result<bool> {
        let Some(segment) = self.left.front_mut() else {
            return Ok(false);
        };
        let (range, encoding) = match segment {
            Segment::Say(text) => {
                self.held.extend_from_slice(text);
                self.left.pop_front();
                return Ok(true);
            }
            Segment::Copy(range) => (range, Encoding::Identity),
            Segment::Decode(range, encoding) => {
                let encoding = *encoding;
                (range, encoding)
            }
        };
        let run = body
            .read(range.start..range.end.min(range.start + RUN))
            .await?;
        range.start += run.len() as u64;
        let over = range.is_empty() || run.is_empty();
        if encoding == Encoding::Identity {
            self.held.extend_from_slice(&run);
        } else {
            self.decoder.feed(&run, &mut self.held);
        }
        if over {
            self.decoder.finish(&mut self.held);
            self.left.pop_front();
            self.decoder = decoder(self.left.front());
        }
        Ok(true)
    }
}
