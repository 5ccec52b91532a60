//! A queue in memory, bounded in octets: for tests, and for programs that may lose mail. Nothing outlives it.

mod draft;

use super::{Claim, Draft, Entry, Identity, Lane, Outcome, Queue};
use crate::body::Body;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use draft::{Content, MemoryDraft};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
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
    /// The number of claims so far.
    turns: u64,
    /// Octets of messages and drafts.
    used: u64,
    messages: BTreeMap<Identity, Message>,
    /// Incoming messages by arrival. They are due whatever the clock says.
    fresh: BTreeSet<(SystemTime, Identity)>,
    /// Deferred and active messages by when they are due, or their claims run out.
    waiting: BTreeSet<(SystemTime, Identity)>,
}

struct Message {
    entry: Entry,
    content: Content,
    /// The claim that holds it, in [`Lane::Active`].
    turn: u64,
    /// Until when it is held.
    until: SystemTime,
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

    /// Since when, or from when on, a message can be claimed; and in which set it stands.
    fn place(
        &mut self,
        identity: Identity,
    ) -> Option<(&mut BTreeSet<(SystemTime, Identity)>, SystemTime)> {
        let message = self.messages.get(&identity)?;
        match message.entry.lane {
            Lane::Incoming => Some((&mut self.fresh, message.entry.arrived)),
            Lane::Active => Some((&mut self.waiting, message.until)),
            Lane::Deferred => {
                let due = message.entry.due.unwrap_or(SystemTime::UNIX_EPOCH);
                Some((&mut self.waiting, due))
            }
            Lane::Hold | Lane::Corrupt => None,
        }
    }

    /// Changes a message, and its place with it.
    fn change<T>(
        &mut self,
        identity: Identity,
        change: impl FnOnce(&mut Message) -> T,
    ) -> Result<T> {
        self.unplace(identity);
        let message = self
            .messages
            .get_mut(&identity)
            .ok_or_else(|| Error::new(Kind::NotFound, "the queue in memory"))?;
        let result = change(message);
        if let Some((set, when)) = self.place(identity) {
            set.insert((when, identity));
        }
        Ok(result)
    }

    fn unplace(&mut self, identity: Identity) {
        if let Some((set, when)) = self.place(identity) {
            set.remove(&(when, identity));
        }
    }

    /// What has been due the longest at `now`, at most so many.
    fn due(&self, now: SystemTime, limit: usize) -> Vec<Identity> {
        let due = (
            Bound::Unbounded,
            Bound::Included((now, Identity(u128::MAX))),
        );
        let waiting = self.waiting.range(due).take(limit);
        let mut all: Vec<_> = self.fresh.iter().take(limit).chain(waiting).collect();
        all.sort_unstable();
        all.truncate(limit);
        all.into_iter().map(|(_, identity)| *identity).collect()
    }

    fn held(&self, claim: &Claim) -> bool {
        self.messages
            .get(&claim.entry.identity)
            .is_some_and(|message| message.is_held(claim))
    }
}

impl Message {
    fn is_held(&self, claim: &Claim) -> bool {
        self.entry.lane == Lane::Active && self.turn == claim.turn
    }

    fn claim(&mut self, turn: u64, until: SystemTime) -> Claim {
        self.entry.lane = Lane::Active;
        self.entry.due = None;
        self.turn = turn;
        self.until = until;
        Claim {
            entry: self.entry.clone(),
            turn,
            until,
        }
    }

    fn record(&mut self, outcomes: &[(usize, Outcome)]) -> Result<()> {
        let count = self.entry.outcomes.len();
        if outcomes.iter().any(|(position, _)| *position >= count) {
            return Err(Error::new(Kind::NotFound, "a recipient in the queue"));
        }
        for (position, outcome) in outcomes {
            if let Some(slot) = self.entry.outcomes.get_mut(*position)
                && !slot.as_ref().is_some_and(Outcome::is_final)
            {
                *slot = Some(outcome.clone().bounded());
            }
        }
        Ok(())
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
        let due = state.due(now, limit);
        let mut claims = Vec::with_capacity(due.len());
        for identity in due {
            state.turns += 1;
            let turn = state.turns;
            claims.push(state.change(identity, |message| message.claim(turn, until))?);
        }
        Ok(claims)
    }

    async fn entry(&self, identity: Identity) -> Result<Option<Entry>> {
        let state = self.state();
        Ok(state.messages.get(&identity).map(|m| m.entry.clone()))
    }

    async fn content(&self, identity: Identity) -> Result<Option<Arc<dyn Body>>> {
        let state = self.state();
        Ok(state
            .messages
            .get(&identity)
            .map(|message| Arc::new(message.content.clone()) as Arc<dyn Body>))
    }

    async fn renew(&self, claim: &Claim, until: SystemTime) -> Result<Option<Claim>> {
        let mut state = self.state();
        if !state.held(claim) {
            return Ok(None);
        }
        state
            .change(claim.entry.identity, |message| {
                message.claim(claim.turn, until)
            })
            .map(Some)
    }

    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<bool> {
        let mut state = self.state();
        state.change(claim.entry.identity, |message| {
            message.record(outcomes)?;
            let held = message.is_held(claim);
            if let (true, Some(due)) = (held, due) {
                message.entry.lane = Lane::Deferred;
                message.entry.due = Some(due);
                message.entry.attempts = message.entry.attempts.saturating_add(1);
            }
            Ok(held)
        })?
    }

    async fn assign(&self, identity: Identity, lane: Lane) -> Result<()> {
        if lane == Lane::Active {
            return Err(Error::new(Kind::Unsupported, "only a claim makes active"));
        }
        self.state().change(identity, |message| {
            message.entry.lane = lane;
            message.entry.due = None;
        })
    }

    async fn warned(&self, identity: Identity) -> Result<()> {
        self.state()
            .change(identity, |message| message.entry.warned = true)
    }

    async fn remove(&self, identity: Identity) -> Result<bool> {
        let mut state = self.state();
        state.unplace(identity);
        let removed = state.messages.remove(&identity);
        if let Some(message) = &removed {
            state.used -= message.entry.size;
        }
        Ok(removed.is_some())
    }

    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let messages = state.messages.range((behind, Bound::Unbounded));
        Ok(messages
            .map(|(_, message)| &message.entry)
            .filter(|entry| lane.is_none_or(|lane| lane == entry.lane))
            .take(limit)
            .cloned()
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
            .field("messages", &state.messages.len())
            .field("octets", &state.used)
            .finish_non_exhaustive()
    }
}
