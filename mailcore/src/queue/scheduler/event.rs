//! What the scheduler is told and what it says. Decides nothing.

use mailcore_store::queue::Identity;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where recipients go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// By which transport.
    pub transport: Arc<str>,
    /// To which host or domain, in the transport's own words.
    pub nexthop: Arc<str>,
    /// What shares the concurrency of one destination, where that is not the nexthop: domains with the same set of
    /// mail exchangers; or the recipient's address, where each recipient is to be a destination (Postfix does that
    /// where the recipient limit is 1).
    pub group: Option<Arc<str>>,
}

/// A message that was claimed from the queue.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Which message.
    pub message: Identity,
    /// How long ago it was accepted.
    pub age: Duration,
    /// Whose mail it is: messages of one sender share one turn and one share of the places, and so do all reports. None:
    /// this message stands for itself.
    pub sender: Option<Arc<str>>,
    /// It has the null sender: it is a report itself.
    pub null_sender: bool,
    /// Its sender has been told that it is late.
    pub warned: bool,
    /// Somebody asked for it to be tried now (Postfix: `postqueue -f`, `-i`, `-s`): dead destinations and deferred
    /// transports are tried for it.
    pub urged: bool,
    /// Who is not done with yet: position in the envelope, and where to. A position that is named twice goes to where
    /// it was named first.
    pub recipients: Vec<(u32, Destination)>,
}

/// Which attempt; never given twice by one scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub(super) u64);

/// What to do next. Each is said once and must be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Begin a delivery, and say [`super::Scheduler::finished`] when it has ended, however it ended.
    Start(Attempt),
    /// These recipients are deferred without an attempt; record and log it.
    Suspended(Suspension),
    /// All recipients of a message have had their turn; it is no longer here.
    Settled(Settlement),
    /// Nothing until this moment, or until the scheduler is told something.
    Wait(Option<Instant>),
}

/// A delivery to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub id: AttemptId,
    /// Of which message.
    pub message: Identity,
    /// Where to.
    pub destination: Destination,
    /// To whom, by position in the envelope.
    pub recipients: Arc<[u32]>,
}

/// Recipients that are not tried for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Of which message.
    pub message: Identity,
    /// Where to.
    pub destination: Destination,
    /// Who, by position in the envelope.
    pub recipients: Vec<u32>,
    /// Why not.
    pub why: Why,
}

/// Why there was no attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The destination is dead: why the last delivery failed (Postfix: `delivery temporarily suspended: …`).
    Dead(Arc<str>),
    /// The transport does not work: why (Postfix: `mail transport unavailable`).
    Unavailable(Arc<str>),
    /// The transport is deferred by configuration (Postfix: `deferred transport`).
    Deferred,
}

/// How a delivery ended, as far as it tells of the destination; the recipients' outcomes are told apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// The destination answered, yes or no: it is alive.
    Answered,
    /// It could not be reached, or broke off before it took a message: why.
    Dead(Arc<str>),
    /// The transport itself does not work: why.
    Unavailable(Arc<str>),
}

/// What is to become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub message: Identity,
    /// Recipients that are still deferred, by position in the envelope, in order.
    pub deferred: Vec<u32>,
    /// What to do.
    pub next: Next,
}

/// What is to be done with a message that has had its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nobody is deferred: report what failed, and remove it.
    Remove,
    /// Give it back to the queue.
    Retry {
        /// Due in so long.
        after: Duration,
        /// Its sender is to be told that it is late.
        warn: bool,
    },
    /// It has grown too old: those who are deferred have failed.
    Expired,
    /// It was withdrawn, and its last attempt has ended: whoever withdrew it may now do with it what he wanted.
    Withdrawn,
}
