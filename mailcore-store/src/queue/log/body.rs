//! A queued message's content, read block by block. What does not have its checksum is not given out.

use super::house::lock;
use super::record::{Head, Piece};
use super::segment::{Segment, Sight};
use super::works::Works;
use crate::body::Body;
use crate::queue::Identity;
use crate::{Kind, Result};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Content of a message. It stays readable when the message goes.
pub(super) struct LogBody {
    works: Arc<Works>,
    identity: Identity,
    /// Blocks with the places where they begin.
    blocks: Vec<(u64, Block)>,
    len: u64,
    /// The block that was read last.
    last: Mutex<Option<(usize, Bytes)>>,
}

#[derive(Clone)]
struct Block {
    segment: Arc<Segment>,
    at: u64,
    piece: Piece,
}

impl LogBody {
    pub(super) fn new(works: Arc<Works>, sight: &Sight, head: &Head) -> Result<Self> {
        let mut len = 0;
        let mut blocks = Vec::with_capacity(head.pieces.len());
        for piece in &head.pieces {
            let (segment, at) = sight.locate(piece)?;
            let block = Block {
                segment: Arc::clone(segment),
                at,
                piece: *piece,
            };
            if piece.len > 0 {
                blocks.push((len, block));
            }
            len += u64::from(piece.len);
        }
        Ok(Self {
            works,
            identity: head.identity,
            blocks,
            len,
            last: Mutex::default(),
        })
    }

    async fn block(&self, n: usize, block: Block) -> Result<Bytes> {
        if let Some((_, octets)) = lock(&self.last).as_ref().filter(|(at, _)| *at == n) {
            return Ok(octets.clone());
        }
        let read = move || {
            let Block { segment, at, piece } = block;
            segment.read_summed(at, piece.len, piece.sum)
        };
        let octets = self.works.read(read).await.inspect_err(|e| {
            if e.kind() == Kind::Corrupt {
                self.works.house.damaged(self.identity);
            }
        })?;
        let octets = Bytes::from(octets);
        *lock(&self.last) = Some((n, octets.clone()));
        Ok(octets)
    }
}

#[async_trait]
impl Body for LogBody {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() || range.start >= self.len {
            return Ok(Bytes::new());
        }
        let behind = self
            .blocks
            .partition_point(|(begin, _)| *begin <= range.start);
        let n = behind.saturating_sub(1);
        let Some((begin, block)) = self.blocks.get(n) else {
            return Ok(Bytes::new());
        };
        let octets = self.block(n, block.clone()).await?;
        let place =
            |at: u64| usize::try_from(at - begin).map_or(octets.len(), |at| at.min(octets.len()));
        Ok(octets.slice(place(range.start)..place(range.end)))
    }
}

impl fmt::Debug for LogBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogBody({}, {} octets)", self.identity, self.len)
    }
}
