//! A message that is being taken in. A small body waits in memory for its commit; of a larger one, whole blocks go to
//! the log as they come, where they are garbage until a message names them.

use super::coding::small;
use super::layout::checksum;
use super::record::{Head, Piece, State};
use super::stage::{Commit, Loose, Wish};
use super::works::Works;
use crate::queue::{Draft, Identity, Lane};
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use mailcore_base::envelope::Envelope;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// Octets of a block, which has a checksum of its own.
pub(super) const BLOCK: usize = 1 << 16;
/// Octets that a header, or an envelope as it is written, may have.
const LONGEST: usize = 1 << 30;

pub(super) struct LogDraft {
    works: Arc<Works>,
    identity: Identity,
    /// Blocks that are in the log.
    loose: Vec<Loose>,
    /// Octets in them.
    spilled: u64,
    /// What comes behind them.
    buffer: BytesMut,
    dead: bool,
}

impl LogDraft {
    pub(super) fn new(works: Arc<Works>) -> Self {
        Self {
            identity: works.house.identity(),
            works,
            loose: Vec::new(),
            spilled: 0,
            buffer: BytesMut::new(),
            dead: false,
        }
    }

    fn alive(&self) -> Result<()> {
        match self.dead {
            true => Err(Error::new(Kind::Unavailable, "a draft that has failed")),
            false => Ok(()),
        }
    }

    fn block(&self) -> usize {
        self.works.house.options.buffer.clamp(1, BLOCK)
    }

    /// Sends whole blocks to the log.
    async fn spill(&mut self) -> Result<()> {
        let mut blocks = Vec::new();
        while self.buffer.len() >= self.block() {
            blocks.push(self.buffer.split_to(self.block()).freeze());
        }
        let octets: u64 = blocks.iter().map(|block| block.len() as u64).sum();
        // Also where whoever writes goes away meanwhile.
        self.dead = true;
        let identity = self.identity;
        let asked = self
            .works
            .ask(|answer| Wish::Spill(identity, blocks, answer));
        self.loose.extend(asked.await?);
        self.dead = false;
        self.spilled += octets;
        Ok(())
    }

    /// The block that holds this place, with the place where it begins.
    fn find(&self, place: u64) -> Option<(usize, u64)> {
        let mut begin = 0;
        for (n, loose) in self.loose.iter().enumerate() {
            let end = begin + u64::from(loose.piece.len);
            if place < end {
                return Some((n, begin));
            }
            begin = end;
        }
        None
    }

    async fn load(&self, n: usize) -> Result<Bytes> {
        let Some(loose) = self.loose.get(n) else {
            return Ok(Bytes::new());
        };
        let (segment, piece) = (Arc::clone(&loose.stake.segment), loose.piece);
        let read = move || segment.read_summed(piece.at, piece.len, piece.sum);
        self.works.read(read).await.map(Bytes::from)
    }
}

#[async_trait]
impl Draft for LogDraft {
    fn identity(&self) -> Identity {
        self.identity
    }

    async fn write(&mut self, mut chunk: &[u8]) -> Result<()> {
        self.alive()?;
        let most = self.works.house.options.buffer.max(1);
        while !chunk.is_empty() {
            let (now, later) =
                chunk.split_at(chunk.len().min(most.saturating_sub(self.buffer.len())));
            self.buffer.extend_from_slice(now);
            chunk = later;
            if self.buffer.len() >= most && !chunk.is_empty() {
                self.spill().await?;
            }
        }
        Ok(())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        self.alive()?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let (begin, octets) = match self.find(range.start) {
            Some((n, begin)) => (begin, self.load(n).await?),
            None => (
                self.spilled,
                Bytes::copy_from_slice(part(&self.buffer, self.spilled, &range)),
            ),
        };
        if begin == self.spilled {
            return Ok(octets);
        }
        Ok(octets.slice_ref(part(&octets, begin, &range)))
    }

    async fn truncate(&mut self, len: u64) -> Result<()> {
        self.alive()?;
        if let Some((n, begin)) = self.find(len) {
            let block = self.load(n).await?;
            self.buffer.clear();
            self.buffer
                .extend_from_slice(part(&block, begin, &(begin..len)));
            self.loose.truncate(n);
            self.spilled = begin;
        } else {
            let keep = usize::try_from(len - self.spilled.min(len));
            self.buffer.truncate(keep.unwrap_or(usize::MAX));
        }
        Ok(())
    }

    async fn commit(
        mut self: Box<Self>,
        header: Bytes,
        envelope: Envelope,
        arrived: SystemTime,
        lane: Lane,
    ) -> Result<Identity> {
        lane.may_begin()?;
        self.alive()?;
        let body = self.buffer.split().freeze();
        let mut pieces = blocks(&header, 0);
        pieces.extend(self.loose.iter().map(|loose| loose.piece));
        pieces.extend(blocks(&body, header.len() as u64));
        let head = Head {
            identity: self.identity,
            state: State {
                lane,
                due: None,
                attempts: 0,
                warned: false,
                outcomes: Vec::new(),
            },
            arrived,
            recipients: envelope.recipients.len(),
            pieces,
        };
        let mut octets = Vec::new();
        head.write_to(&envelope, &mut octets);
        if header.len() > LONGEST || octets.len() > LONGEST {
            return Err(Error::new(Kind::Limit, "a header or an envelope"));
        }
        let commit = Box::new(Commit {
            identity: self.identity,
            lane,
            arrived,
            size: head.size(),
            envelope: Arc::new(envelope),
            head: octets,
            rest: vec![header, body],
            loose: std::mem::take(&mut self.loose),
        });
        self.works
            .ask(|answer| Wish::Commit(commit, answer))
            .await?;
        Ok(self.identity)
    }
}

/// The blocks of what goes into the record's rest, from this place in it.
fn blocks(octets: &Bytes, from: u64) -> Vec<Piece> {
    let mut at = from;
    let mut pieces = Vec::new();
    for block in octets.chunks(BLOCK) {
        pieces.push(Piece {
            segment: 0,
            at,
            len: small(block.len()),
            sum: checksum(block),
        });
        at += block.len() as u64;
    }
    pieces
}

/// As much of `range` as there is of octets that begin at `begin`.
fn part<'o>(octets: &'o [u8], begin: u64, range: &Range<u64>) -> &'o [u8] {
    let place = |at: u64| {
        usize::try_from(at.saturating_sub(begin)).map_or(octets.len(), |at| at.min(octets.len()))
    };
    octets
        .get(place(range.start)..place(range.end))
        .unwrap_or_default()
}

impl fmt::Debug for LogDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LogDraft({} octets)",
            self.spilled + self.buffer.len() as u64
        )
    }
}
