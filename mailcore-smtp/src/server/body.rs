//! Content on its way in: what of it is lent next, how much there was, and when it is complete.

use super::{
    lines::{Before, Framing, Next, next},
    options::LineEnds,
    question::Refusal,
};
use crate::parse::Chunk;
use mailcore_base::wire::Wire;

/// Where content comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Data,
    Chunk { left: u64, last: bool },
}

/// The bounds of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) size: Option<u64>,
    pub(super) header: u64,
    pub(super) ends: LineEnds,
}

/// Content that is coming in, from the first octet to the last, over all chunks.
#[derive(Debug)]
pub(super) struct Receiving {
    source: Source,
    bounds: Bounds,
    before: Before,
    in_header: bool,
    size: u64,
    /// Octets of the chunk that is coming in, as it was announced.
    chunk: u64,
    piece: Option<Piece>,
    refused: Option<Refusal>,
    /// The end of the data has been seen.
    done: bool,
}

/// What is lent now, and what will be true behind it.
#[derive(Debug)]
struct Piece {
    content: Lent,
    then: Before,
    blank: bool,
}

#[derive(Debug, Clone, Copy)]
enum Lent {
    /// The first octets of the input.
    Input(usize),
    /// Octets that are not in the input.
    Fixed(&'static [u8]),
}

impl Lent {
    fn is_empty(self) -> bool {
        matches!(self, Self::Input(0) | Self::Fixed([]))
    }
}

/// How far the content has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A piece can be lent.
    Content,
    /// More input is needed.
    More,
    /// The empty line behind the header has been lent.
    HeaderDone,
    /// The header is larger than its limit.
    HeaderTooBig,
    /// The message is larger than its limit.
    TooBig,
    /// A chunk is complete, and it was not the last.
    ChunkDone,
    /// The content is complete.
    Complete,
    /// A forbidden line end.
    Refused,
}

impl Receiving {
    pub(super) fn data(bounds: Bounds) -> Self {
        Self {
            source: Source::Data,
            bounds,
            before: Before::LineEnd { strict: true },
            in_header: true,
            size: 0,
            chunk: 0,
            piece: None,
            refused: None,
            done: false,
        }
    }

    pub(super) fn chunks(bounds: Bounds) -> Self {
        Self {
            source: Source::Chunk {
                left: 0,
                last: false,
            },
            ..Self::data(bounds)
        }
    }

    /// Another chunk of the same message.
    pub(super) fn add(&mut self, chunk: Chunk) {
        self.chunk = chunk.size;
        self.source = Source::Chunk {
            left: chunk.size,
            last: chunk.last,
        };
    }

    /// The rest is swallowed, and this is said at the end. The first refusal counts.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused.get_or_insert(refusal);
    }

    pub(super) fn refused(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Whether so much more would be too much.
    pub(super) fn exceeds(&self, more: u64) -> bool {
        self.bounds
            .size
            .is_some_and(|limit| self.size.saturating_add(more) > limit)
    }

    /// Octets handed out.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Octets of the last chunk, as announced.
    pub(super) fn chunk(&self) -> u64 {
        self.chunk
    }

    /// Whether the header has not ended; from now on it has.
    pub(super) fn end_header(&mut self) -> bool {
        std::mem::take(&mut self.in_header)
    }

    /// The piece that is lent.
    pub(super) fn piece<'w>(&self, wire: &'w Wire) -> &'w [u8] {
        match self.piece.as_ref().map(|piece| piece.content) {
            Some(Lent::Input(length)) => wire.input().get(..length).unwrap_or_default(),
            Some(Lent::Fixed(octets)) => octets,
            None => &[],
        }
    }

    /// So much of the piece is done with.
    pub(super) fn taken(&mut self, wire: &mut Wire, n: usize) {
        let Some(piece) = &mut self.piece else { return };
        match &mut piece.content {
            Lent::Input(length) => {
                let n = n.min(*length);
                *length -= n;
                consume(wire, &mut self.source, n);
            }
            Lent::Fixed(octets) => *octets = octets.get(n..).unwrap_or_default(),
        }
    }

    /// Goes on until something is to be done outside.
    pub(super) fn advance(&mut self, wire: &mut Wire) -> Stage {
        loop {
            if self.refused.is_some() {
                self.swallow(wire);
            }
            if let Some(piece) = &self.piece
                && !piece.content.is_empty()
            {
                return Stage::Content;
            }
            if let Some(piece) = self.piece.take() {
                self.before = piece.then;
                if piece.blank && self.end_header() && self.refused.is_none() {
                    return Stage::HeaderDone;
                }
            }
            if let Some(stage) = self.look(wire) {
                return stage;
            }
        }
    }

    /// Drops what would have been lent.
    fn swallow(&mut self, wire: &mut Wire) {
        self.taken(wire, usize::MAX);
        if let Source::Chunk { left, .. } = self.source {
            let here = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(wire.input().len());
            consume(wire, &mut self.source, here);
            self.before = Before::Middle;
        }
    }

    /// Looks for the next piece.
    fn look(&mut self, wire: &mut Wire) -> Option<Stage> {
        let here = wire.input();
        let (input, framing) = match self.source {
            Source::Data if self.done => return Some(Stage::Complete),
            Source::Data => (here, Framing::Dots),
            Source::Chunk { left: 0, last } => return self.end_of_chunk(last),
            Source::Chunk { left, .. } => {
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                (
                    here.get(..left).unwrap_or(here),
                    Framing::Chunk {
                        at_end: left <= here.len(),
                    },
                )
            }
        };
        match next(
            input,
            self.before,
            framing,
            self.bounds.ends,
            self.in_header,
        ) {
            Next::Pass {
                skip,
                length,
                then,
                blank,
            } => {
                consume(wire, &mut self.source, skip);
                self.lend(Lent::Input(length), length, then, blank)
            }
            Next::Instead {
                skip,
                content,
                then,
                blank,
            } => {
                consume(wire, &mut self.source, skip);
                self.lend(Lent::Fixed(content), content.len(), then, blank)
            }
            Next::End { skip } => {
                wire.consume(skip);
                self.done = true;
                Some(Stage::Complete)
            }
            Next::Refused => Some(Stage::Refused),
            Next::More => Some(Stage::More),
        }
    }

    fn lend(&mut self, content: Lent, length: usize, then: Before, blank: bool) -> Option<Stage> {
        self.piece = Some(Piece {
            content,
            then,
            blank,
        });
        self.size = self.size.saturating_add(length as u64);
        if self.refused.is_some() {
            return None;
        }
        if self.exceeds(0) {
            return Some(Stage::TooBig);
        }
        (self.in_header && self.size > self.bounds.header).then_some(Stage::HeaderTooBig)
    }

    fn end_of_chunk(&mut self, last: bool) -> Option<Stage> {
        match (last, self.before) {
            (false, _) => Some(Stage::ChunkDone),
            // A CR ends the message: there is nothing left that it could end a line with.
            (true, Before::Cr { .. }) => self.lend(Lent::Fixed(b" "), 1, Before::Middle, false),
            (true, _) => Some(Stage::Complete),
        }
    }
}

fn consume(wire: &mut Wire, source: &mut Source, n: usize) {
    wire.consume(n);
    if let Source::Chunk { left, .. } = source {
        *left = left.saturating_sub(n as u64);
    }
}
