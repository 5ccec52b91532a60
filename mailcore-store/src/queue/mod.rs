//! The queue: messages that have been accepted and are not yet done with. It keeps; when and where to send is
//! decided by the scheduler.

mod index;
#[cfg(feature = "files")]
pub mod log;
mod memory;

#[cfg(feature = "files")]
pub use log::SegmentQueue;
pub use memory::MemoryQueue;

use crate::body::Body;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use bytes::Bytes;
use mailcore_base::envelope::Envelope;
use std::fmt::{self, Debug};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A message's identity: 128 bits that are never given twice. The queue id that logs show is its display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(pub u128);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Where a message stands in the queue.
///
/// ```text
///            claim               mark, due
///  Incoming ───────▶ Active ──────────────────▶ Deferred ─┐
///                      ▲ ▲    lease runs out:             │
///                      │ └──── claimed again ◀── Active   │
///                      └──────────────────────────────────┘ claim, once due
///  assign: any ──▶ Incoming, Deferred, Hold, Corrupt        remove: from any
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lane {
    /// Just accepted.
    Incoming,
    /// Claimed by a scheduler.
    Active,
    /// Waiting for another attempt.
    Deferred,
    /// Held until an administrator releases it.
    Hold,
    /// Damaged; kept for somebody to look at.
    Corrupt,
}

impl Lane {
    /// Whether a message may be committed into this lane.
    fn may_begin(self) -> Result<()> {
        match self {
            Self::Incoming | Self::Hold => Ok(()),
            Self::Active | Self::Deferred | Self::Corrupt => {
                let what = "a lane that messages are committed into";
                Err(Error::new(Kind::Unsupported, what))
            }
        }
    }

    /// Whether a message may be moved into this lane.
    fn may_be_assigned(self) -> Result<()> {
        match self {
            Self::Active => Err(Error::new(Kind::Unsupported, "only a claim makes active")),
            Self::Incoming | Self::Deferred | Self::Hold | Self::Corrupt => Ok(()),
        }
    }
}

/// What became of one recipient. Texts are kept to [`Outcome::LONGEST`] octets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Delivered, expanded or relayed: done.
    Done,
    /// Failed for good: done, after a report.
    Failed(String),
    /// To be tried again; why not yet.
    Deferred(String),
}

impl Outcome {
    /// Octets of a text that are kept; what a peer says beyond that is cut off.
    pub const LONGEST: usize = 1024;

    /// The same with its text cut to what is kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        if let Self::Failed(text) | Self::Deferred(text) = &mut self {
            text.truncate(text.floor_char_boundary(Self::LONGEST));
        }
        self
    }

    /// Whether this recipient is done with, for good or for bad: it stays so.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_))
    }
}

/// A message in the queue, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Which message.
    pub identity: Identity,
    /// Where it stands.
    pub lane: Lane,
    /// When it was accepted.
    pub arrived: SystemTime,
    /// When it is next due, where it is deferred.
    pub due: Option<SystemTime>,
    /// How often delivery was tried.
    pub attempts: u32,
    /// Whether its sender has been told that it is late.
    pub warned: bool,
    /// Its content's length in octets, header and body.
    pub size: u64,
    /// Sender, recipients and parameters; shared, for it may be long.
    pub envelope: Arc<Envelope>,
    /// The recipients' outcomes so far, by position in the envelope; `None` where nothing was tried.
    pub outcomes: Vec<Option<Outcome>>,
}

/// A message that is being taken in. Dropping it leaves nothing behind.
#[async_trait]
pub trait Draft: Send + Sync + Debug {
    /// The identity that the message will have; trace fields name it before it is committed.
    fn identity(&self) -> Identity;

    /// Appends to the body.
    ///
    /// # Errors
    /// When the medium fails or is full; the draft is then dead.
    async fn write(&mut self, chunk: &[u8]) -> Result<()>;

    /// Reads back what was written, as filters do.
    ///
    /// # Errors
    /// When the medium fails.
    async fn read(&self, range: Range<u64>) -> Result<Bytes>;

    /// Cuts the body to `len` octets, so that a filter may write another. A shorter one stays as it is.
    ///
    /// # Errors
    /// When the medium fails.
    async fn truncate(&mut self, len: u64) -> Result<()>;

    /// Makes the message durable: header (kept apart until now), body, envelope, and when it was accepted; in
    /// [`Lane::Incoming`], or in [`Lane::Hold`] until it is released. When this returns, it survives power loss.
    /// Sessions that commit together share one flush.
    ///
    /// # Errors
    /// Unsupported for other lanes; otherwise when it could not be made durable. Then it is not in the queue.
    async fn commit(
        self: Box<Self>,
        header: Bytes,
        envelope: Envelope,
        arrived: SystemTime,
        lane: Lane,
    ) -> Result<Identity>;
}

/// A right to work on a message for a while, so that several nodes can share one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The message.
    pub entry: Entry,
    /// Which claim of the message this is: tells it from those before and after.
    pub turn: u64,
    /// Until when nobody else will be given it.
    pub until: SystemTime,
}

/// The queue.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// Begins to take in a message.
    ///
    /// # Errors
    /// When the medium fails or is full.
    async fn create(&self) -> Result<Box<dyn Draft>>;

    /// Claims at most `limit` messages for as long as `lease`: incoming ones, those that are deferred and due
    /// at `now`, and those whose last claim has run out. First comes what has been due the longest: since it
    /// arrived, since it fell due, since its claim ran out.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    async fn claim(&self, now: SystemTime, lease: Duration, limit: usize) -> Result<Vec<Claim>>;

    /// A message as it stands.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    async fn entry(&self, identity: Identity) -> Result<Option<Entry>>;

    /// A message's content: header, then body, with CRLF line ends.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    async fn content(&self, identity: Identity) -> Result<Option<Arc<dyn Body>>>;

    /// Extends a claim until `until`; `None` where the message has gone, or is no longer held by this claim.
    ///
    /// # Errors
    /// When it could not be made durable.
    async fn renew(&self, claim: &Claim, until: SystemTime) -> Result<Option<Claim>>;

    /// Records outcomes of recipients by position; durable when it returns. What is done or failed stays so,
    /// whatever comes later; texts are cut as [`Outcome::bounded`] does. With `due` the message is given back: it goes to [`Lane::Deferred`] until then,
    /// and its attempts count one up. Without, it stays claimed.
    ///
    /// Outcomes are facts and are recorded also when the claim has passed to somebody else; the message is
    /// given back only by whoever holds it. Says whether that is still this claim.
    ///
    /// # Errors
    /// NotFound for a message that is gone, and for a recipient that it has not, with nothing recorded;
    /// otherwise when it could not be made durable.
    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<bool>;

    /// Moves a message to another lane, whoever holds it: his claim ends. One that is put into
    /// [`Lane::Deferred`] is due at once.
    ///
    /// # Errors
    /// NotFound for a message that is gone; Unsupported for [`Lane::Active`], which only a claim leads to;
    /// otherwise when it could not be made durable.
    async fn assign(&self, identity: Identity, lane: Lane) -> Result<()>;

    /// Records that the sender of a message has been told that it is late; durable when it returns.
    ///
    /// # Errors
    /// NotFound for a message that is gone; otherwise when it could not be made durable.
    async fn warned(&self, identity: Identity) -> Result<()>;

    /// Removes a message; says whether it was there.
    ///
    /// # Errors
    /// When it could not be made durable.
    async fn remove(&self, identity: Identity) -> Result<bool>;

    /// At most `limit` messages behind `after`, in order of identity, of one lane or of all.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> Result<Vec<Entry>>;
}
