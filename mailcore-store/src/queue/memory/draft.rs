//! A message that is being taken into memory, and its content from then on.

use super::{Kept, Shared, length};
use crate::Result;
use crate::body::Body;
use crate::queue::index::Message;
use crate::queue::{Draft, Identity, Lane};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use mailcore_base::envelope::Envelope;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// A message that is being taken in; what it holds counts against the queue's capacity.
pub(super) struct MemoryDraft {
    queue: Arc<Shared>,
    identity: Identity,
    body: BytesMut,
}

impl MemoryDraft {
    pub(super) fn new(queue: Arc<Shared>) -> Self {
        let identity = queue.state().identity();
        Self {
            queue,
            identity,
            body: BytesMut::new(),
        }
    }
}

#[async_trait]
impl Draft for MemoryDraft {
    fn identity(&self) -> Identity {
        self.identity
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.queue.reserve(chunk.len())?;
        self.body.extend_from_slice(chunk);
        Ok(())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(part(&self.body, &range)))
    }

    async fn truncate(&mut self, len: u64) -> Result<()> {
        let old = self.body.len();
        self.body.truncate(usize::try_from(len).unwrap_or(old));
        self.queue.state().used -= length(old - self.body.len());
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
        self.queue.reserve(header.len())?;
        // What is taken out of the draft is no longer given back when it is dropped.
        let content = Content {
            header,
            body: self.body.split().freeze(),
        };
        let message = Message {
            lane,
            arrived,
            due: None,
            attempts: 0,
            warned: false,
            size: content.len(),
            recipients: envelope.recipients.len(),
            outcomes: Vec::new(),
            turn: 0,
            until: arrived,
            kept: Kept {
                envelope: Arc::new(envelope),
                content,
            },
        };
        self.queue.state().index.insert(self.identity, message);
        Ok(self.identity)
    }
}

impl Drop for MemoryDraft {
    fn drop(&mut self) {
        self.queue.state().used -= length(self.body.len());
    }
}

/// Header and body of a message, as they lie.
#[derive(Clone)]
pub(super) struct Content {
    header: Bytes,
    body: Bytes,
}

#[async_trait]
impl Body for Content {
    fn len(&self) -> u64 {
        length(self.header.len()) + length(self.body.len())
    }

    fn is_empty(&self) -> bool {
        self.header.is_empty() && self.body.is_empty()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let border = length(self.header.len());
        let (from, range) = if range.start < border {
            (&self.header, range)
        } else {
            let end = range.end.saturating_sub(border);
            (&self.body, range.start - border..end)
        };
        Ok(from.slice_ref(part(from, &range)))
    }
}

/// As much of `range` as there is.
fn part<'o>(octets: &'o [u8], range: &Range<u64>) -> &'o [u8] {
    let place = |at: u64| usize::try_from(at).map_or(octets.len(), |at| at.min(octets.len()));
    octets
        .get(place(range.start)..place(range.end))
        .unwrap_or_default()
}

impl fmt::Debug for MemoryDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryDraft({} octets)", self.body.len())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} octets)", self.len())
    }
}
