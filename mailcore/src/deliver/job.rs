//! What a transport is given to do.

use super::Report;
use async_trait::async_trait;
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::body::Body;
use mailcore_store::queue::Identity;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

/// One attempt: a message, and those of its recipients that go the same way.
#[derive(Debug, Clone)]
pub struct Job {
    /// The message's identity, which a redelivery has too.
    pub identity: Identity,
    /// The id that logs show.
    pub id: String,
    /// Sender, parameters, and all recipients of the message.
    pub envelope: Arc<Envelope>,
    /// The positions in the envelope of the recipients to deliver to; never empty, each once.
    pub positions: Vec<u32>,
    /// Where to: a domain, `[host]:port`, or whatever else the transport understands.
    pub nexthop: Arc<str>,
    /// Header and body, CRLF line ends.
    pub content: Arc<dyn Body>,
    /// When the message was accepted.
    pub arrived: SystemTime,
}

impl Job {
    /// The recipients to deliver to, in the order of their positions.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        let at = |position: &u32| self.envelope.recipients.get(*position as usize);
        self.positions.iter().filter_map(at)
    }

    /// A report in which every recipient has the same fate.
    #[must_use]
    pub fn all(&self, fate: super::Fate) -> Report {
        Report::new(vec![fate; self.positions.len()])
    }
}

/// A way for mail to go (Postfix: a delivery agent). Shared by all that goes that way; jobs run side by side, as many as
/// the scheduler allows.
#[async_trait]
pub trait Transport: Send + Sync + Debug {
    /// Delivers, and reports a fate for every recipient. Never fails itself: what cannot be told is
    /// [`deferred`](super::Fate::deferred). What is reported as delivered is on stable storage, here or with
    /// another server that said so.
    ///
    /// Dropping the future is like losing power: what was under way may have happened.
    async fn deliver(&self, job: &Job) -> Report;
}
