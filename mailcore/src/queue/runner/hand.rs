//! A message that the runner has in hand: its claim, and what became of its recipients in this round.

use crate::deliver::Fate;
use crate::intake::QueueId;
use mailcore_store::queue::{Claim, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A message in hand.
#[derive(Debug)]
pub(super) struct Hand {
    /// The right to work on it.
    pub(super) claim: Claim,
    /// The id that logs show.
    pub(super) id: String,
    /// How long it lay before it was taken up.
    pub(super) incoming: Duration,
    /// When that was.
    pub(super) taken_up: Instant,
    /// What became of recipients in this round, by position.
    pub(super) fates: BTreeMap<u32, Fate>,
    /// Those of them whose delivery the queue knows of.
    noted: BTreeSet<u32>,
}

impl Hand {
    /// Takes a message up at `now`.
    pub(super) fn new(claim: Claim, now: SystemTime) -> Self {
        let entry = &claim.entry;
        Self {
            id: QueueId::of(entry.identity).to_string(),
            incoming: now.duration_since(entry.arrived).unwrap_or_default(),
            taken_up: Instant::now(),
            fates: BTreeMap::new(),
            noted: BTreeSet::new(),
            claim,
        }
    }

    /// The positions of recipients that are not done with, from earlier rounds.
    pub(super) fn open(&self) -> Vec<u32> {
        let outcomes = &self.claim.entry.outcomes;
        (0..self.claim.entry.envelope.recipients.len())
            .filter(|at| {
                let known = outcomes.get(*at).and_then(Option::as_ref);
                !known.is_some_and(Outcome::is_final)
            })
            .filter_map(|at| u32::try_from(at).ok())
            .collect()
    }

    /// Deliveries that the queue does not know of yet. Failures are recorded once they have been reported.
    pub(super) fn take_delivered(&mut self) -> Vec<(usize, Outcome)> {
        let mut delivered = Vec::new();
        for (at, fate) in &self.fates {
            let outcome = outcome(fate);
            if outcome == Outcome::Done && self.noted.insert(*at) {
                delivered.push((*at as usize, outcome));
            }
        }
        delivered
    }
}

/// A fate as the queue keeps it.
pub(super) fn outcome(fate: &Fate) -> Outcome {
    use crate::deliver::Action;
    match fate.action {
        Action::Failed => Outcome::Failed(fate.text.clone()),
        Action::Deferred => Outcome::Deferred(fate.text.clone()),
        _ => Outcome::Done,
    }
}
