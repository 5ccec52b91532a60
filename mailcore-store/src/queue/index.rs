//! Who is in the queue, where each stands and who is next: the same for every queue that keeps its list in memory.
//! What a message is made of is the queue's own affair (`K`). It touches no medium.
//!
//! All costs are logarithmic in the number of messages, a page's besides linear in its length.

use super::{Claim, Entry, Identity, Lane, Outcome};
use crate::{Error, Kind, Result};
use mailcore_base::envelope::Envelope;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Index<K> {
    /// The number of claims so far.
    turns: u64,
    messages: BTreeMap<Identity, Message<K>>,
    lanes: BTreeMap<Lane, BTreeSet<Identity>>,
    due: Due,
}

/// Who can be claimed, and from when on.
#[derive(Debug, Default)]
struct Due {
    /// Incoming messages by arrival. They are due whatever the clock says.
    fresh: BTreeSet<(SystemTime, Identity)>,
    /// Deferred and active messages by when they are due, or their claims run out.
    waiting: BTreeSet<(SystemTime, Identity)>,
}

/// A message as it stands.
#[derive(Debug, Clone)]
pub(super) struct Message<K> {
    pub(super) lane: Lane,
    pub(super) arrived: SystemTime,
    pub(super) due: Option<SystemTime>,
    pub(super) attempts: u32,
    pub(super) warned: bool,
    pub(super) size: u64,
    pub(super) recipients: usize,
    /// Empty as long as nothing was tried.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// The claim that holds it, in [`Lane::Active`]; 0 while nobody can.
    pub(super) turn: u64,
    /// Until when it is held.
    pub(super) until: SystemTime,
    pub(super) kept: K,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            turns: 0,
            messages: BTreeMap::new(),
            lanes: BTreeMap::new(),
            due: Due::default(),
        }
    }
}

impl<K> Index<K> {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn find(&self, identity: Identity) -> Option<&Message<K>> {
        self.messages.get(&identity)
    }

    /// Puts a message in, in the place of one that had its identity.
    pub(super) fn insert(&mut self, identity: Identity, message: Message<K>) {
        self.remove(identity);
        self.lanes.entry(message.lane).or_default().insert(identity);
        self.due.enter(identity, &message);
        self.messages.insert(identity, message);
    }

    pub(super) fn remove(&mut self, identity: Identity) -> Option<Message<K>> {
        let message = self.messages.remove(&identity)?;
        self.due.leave(identity, &message);
        if let Some(lane) = self.lanes.get_mut(&message.lane) {
            lane.remove(&identity);
        }
        Some(message)
    }

    /// Changes a message, and its place with it.
    pub(super) fn change<T>(
        &mut self,
        identity: Identity,
        change: impl FnOnce(&mut Message<K>) -> T,
    ) -> Result<T> {
        let message = self.messages.get_mut(&identity).ok_or_else(gone)?;
        self.due.leave(identity, message);
        let lane = message.lane;
        let result = change(message);
        self.due.enter(identity, message);
        if lane != message.lane {
            self.lanes.entry(lane).or_default().remove(&identity);
            self.lanes.entry(message.lane).or_default().insert(identity);
        }
        Ok(result)
    }

    /// What has been due the longest at `now`, at most so many.
    pub(super) fn due(&self, now: SystemTime, limit: usize) -> Vec<Identity> {
        let due = (
            Bound::Unbounded,
            Bound::Included((now, Identity(u128::MAX))),
        );
        let waiting = self.due.waiting.range(due).take(limit);
        let mut all: Vec<_> = self.due.fresh.iter().take(limit).chain(waiting).collect();
        all.sort_unstable();
        all.truncate(limit);
        all.into_iter().map(|(_, identity)| *identity).collect()
    }

    /// Claims a message, if it is due at `now`; its turn.
    pub(super) fn claim(
        &mut self,
        identity: Identity,
        now: SystemTime,
        until: SystemTime,
    ) -> Option<&Message<K>> {
        let message = self.messages.get(&identity)?;
        if !self.due.has(identity, message, now) {
            return None;
        }
        self.turns += 1;
        let turn = self.turns;
        let claim = |message: &mut Message<K>| message.claim(turn, until);
        self.change(identity, claim).ok()?;
        self.messages.get(&identity)
    }

    /// A message, if this claim holds it.
    pub(super) fn held(&self, claim: &Claim) -> Option<&Message<K>> {
        let message = self.messages.get(&claim.entry.identity)?;
        message.is_held(claim.turn).then_some(message)
    }

    /// How many messages a lane has.
    pub(super) fn in_lane(&self, lane: Lane) -> usize {
        self.lanes.get(&lane).map_or(0, BTreeSet::len)
    }

    /// Messages behind `after` in order of identity, of one lane or of all.
    pub(super) fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
    ) -> Box<dyn Iterator<Item = (Identity, &Message<K>)> + '_> {
        let behind = (
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let Some(lane) = lane else {
            let all = self.messages.range(behind);
            return Box::new(all.map(|(identity, message)| (*identity, message)));
        };
        let lane = self.lanes.get(&lane).into_iter();
        let identities = lane.flat_map(move |lane| lane.range(behind));
        Box::new(identities.filter_map(|it| Some((*it, self.messages.get(it)?))))
    }
}

/// A turn that no claim has: an active message of this turn is being given back, and nobody can claim it.
pub(super) const BETWEEN: u64 = 0;

impl Due {
    fn enter<K>(&mut self, identity: Identity, message: &Message<K>) {
        if let Some((set, when)) = self.place(message) {
            set.insert((when, identity));
        }
    }

    fn leave<K>(&mut self, identity: Identity, message: &Message<K>) {
        if let Some((set, when)) = self.place(message) {
            set.remove(&(when, identity));
        }
    }

    fn has<K>(&self, identity: Identity, message: &Message<K>, now: SystemTime) -> bool {
        match message.since() {
            Some(when) if message.lane == Lane::Incoming => self.fresh.contains(&(when, identity)),
            Some(when) => when <= now && self.waiting.contains(&(when, identity)),
            None => false,
        }
    }

    fn place<K>(
        &mut self,
        message: &Message<K>,
    ) -> Option<(&mut BTreeSet<(SystemTime, Identity)>, SystemTime)> {
        let when = message.since()?;
        match message.lane {
            Lane::Incoming => Some((&mut self.fresh, when)),
            _ => Some((&mut self.waiting, when)),
        }
    }
}

impl<K> Message<K> {
    /// Since when, or from when on, it can be claimed.
    fn since(&self) -> Option<SystemTime> {
        match self.lane {
            Lane::Incoming => Some(self.arrived),
            Lane::Active if self.turn == BETWEEN => None,
            Lane::Active => Some(self.until),
            Lane::Deferred => Some(self.due.unwrap_or(SystemTime::UNIX_EPOCH)),
            Lane::Hold | Lane::Corrupt => None,
        }
    }

    /// Whether the claim of this turn holds it.
    pub(super) fn is_held(&self, turn: u64) -> bool {
        self.lane == Lane::Active && self.turn == turn && self.turn != BETWEEN
    }

    pub(super) fn claim(&mut self, turn: u64, until: SystemTime) {
        self.lane = Lane::Active;
        self.due = None;
        self.turn = turn;
        self.until = until;
    }

    pub(super) fn assign(&mut self, lane: Lane) {
        self.lane = lane;
        self.due = None;
    }

    /// Given back until it is due again.
    pub(super) fn defer(&mut self, due: SystemTime, attempts: u32) {
        self.lane = Lane::Deferred;
        self.due = Some(due);
        self.attempts = attempts;
    }

    /// Whether all these recipients are there.
    pub(super) fn has(&self, outcomes: &[(usize, Outcome)]) -> Result<()> {
        match outcomes.iter().all(|(at, _)| *at < self.recipients) {
            true => Ok(()),
            false => Err(Error::new(Kind::NotFound, "a recipient in the queue")),
        }
    }

    /// Notes what became of recipients; what is final stays.
    pub(super) fn record(&mut self, outcomes: Vec<(usize, Outcome)>) {
        if self.outcomes.is_empty() && !outcomes.is_empty() {
            self.outcomes = vec![None; self.recipients];
        }
        for (at, outcome) in outcomes {
            if let Some(slot) = self.outcomes.get_mut(at)
                && !slot.as_ref().is_some_and(Outcome::is_final)
            {
                *slot = Some(outcome.bounded());
            }
        }
    }

    pub(super) fn entry(&self, identity: Identity, envelope: Arc<Envelope>) -> Entry {
        let outcomes = match self.outcomes.is_empty() {
            true => vec![None; self.recipients],
            false => self.outcomes.clone(),
        };
        Entry {
            identity,
            lane: self.lane,
            arrived: self.arrived,
            due: self.due,
            attempts: self.attempts,
            warned: self.warned,
            size: self.size,
            envelope,
            outcomes,
        }
    }
}

/// There is no such message.
pub(super) fn gone() -> Error {
    Error::new(Kind::NotFound, "a message in the queue")
}
