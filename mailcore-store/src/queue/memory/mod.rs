//! A queue in memory, bounded in octets: for tests, and for programs that may lose mail. Nothing outlives it.

mod draft;

use super::index::{Index, Message};
use super::{Claim, Draft, Entry, Identity, Lane, Outcome, Queue};
use crate::body::Body;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use draft::{Content, MemoryDraft};
use mailcore_base::envelope::Envelope;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A queue in memory. Clones share the messages.
#[derive(Clone)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

struct Shared {
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u128,
    /// Octets of messages and drafts.
    used: u64,
    index: Index<Kept>,
}

struct Kept {
    envelope: Arc<Envelope>,
    content: Content,
}

impl MemoryQueue {
    /// A queue that holds at most `capacity` octets of content. Identities count up from `first`, which should
    /// be random: a mailbox may still know those of an earlier run.
    pub fn new(first: Identity, capacity: u64) -> Self {
        let state = State {
            next: first.0,
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                capacity,
                state: Mutex::new(state),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for so many octets.
    fn reserve(&self, octets: usize) -> Result<()> {
        let mut state = self.state();
        let used = state.used.saturating_add(length(octets));
        if used > self.capacity {
            return Err(Error::new(Kind::Full, "the queue in memory"));
        }
        state.used = used;
        Ok(())
    }
}

impl State {
    fn identity(&mut self) -> Identity {
        let identity = Identity(self.next);
        self.next = self.next.wrapping_add(1);
        identity
    }
}

impl Message<Kept> {
    fn show(&self, identity: Identity) -> Entry {
        self.entry(identity, Arc::clone(&self.kept.envelope))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn create(&self) -> Result<Box<dyn Draft>> {
        Ok(Box::new(MemoryDraft::new(Arc::clone(&self.shared))))
    }

    async fn claim(&self, now: SystemTime, lease: Duration, limit: usize) -> Result<Vec<Claim>> {
        let until = now
            .checked_add(lease)
            .ok_or_else(|| Error::new(Kind::Limit, "the length of a claim"))?;
        let mut state = self.state();
        let due = state.index.due(now, limit);
        let claimed = due.into_iter().filter_map(|identity| {
            let message = state.index.claim(identity, now, until)?;
            Some(Claim {
                entry: message.show(identity),
                turn: message.turn,
                until,
            })
        });
        Ok(claimed.collect())
    }

    async fn entry(&self, identity: Identity) -> Result<Option<Entry>> {
        let state = self.state();
        Ok(state.index.find(identity).map(|m| m.show(identity)))
    }

    async fn content(&self, identity: Identity) -> Result<Option<Arc<dyn Body>>> {
        let state = self.state();
        let found = state.index.find(identity);
        Ok(found.map(|message| Arc::new(message.kept.content.clone()) as Arc<dyn Body>))
    }

    async fn renew(&self, claim: &Claim, until: SystemTime) -> Result<Option<Claim>> {
        let mut state = self.state();
        if state.index.held(claim).is_none() {
            return Ok(None);
        }
        let identity = claim.entry.identity;
        state.index.change(identity, |message| {
            message.claim(claim.turn, until);
            Some(Claim {
                entry: message.show(identity),
                turn: claim.turn,
                until,
            })
        })
    }

    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<bool> {
        let mut state = self.state();
        let change = |message: &mut Message<Kept>| {
            message.has(outcomes)?;
            message.record(outcomes.to_vec());
            let held = message.is_held(claim.turn);
            if let (true, Some(due)) = (held, due) {
                message.defer(due, message.attempts.saturating_add(1));
            }
            Ok(held)
        };
        state.index.change(claim.entry.identity, change)?
    }

    async fn assign(&self, identity: Identity, lane: Lane) -> Result<()> {
        lane.may_be_assigned()?;
        let mut state = self.state();
        state.index.change(identity, |message| message.assign(lane))
    }

    async fn warned(&self, identity: Identity) -> Result<()> {
        let mut state = self.state();
        state
            .index
            .change(identity, |message| message.warned = true)
    }

    async fn remove(&self, identity: Identity) -> Result<bool> {
        let mut state = self.state();
        let removed = state.index.remove(identity);
        if let Some(message) = &removed {
            state.used -= message.size;
        }
        Ok(removed.is_some())
    }

    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let state = self.state();
        let page = state.index.page(lane, after).take(limit);
        Ok(page
            .map(|(identity, message)| message.show(identity))
            .collect())
    }
}

fn length(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

impl fmt::Debug for MemoryQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryQueue")
            .field("messages", &state.index.len())
            .field("octets", &state.used)
            .finish_non_exhaustive()
    }
}
