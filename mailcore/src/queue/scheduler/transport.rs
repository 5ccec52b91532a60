//! One transport as the scheduler knows it: its places, and whose turn it is for the next. Does nothing by itself.

use super::event::AttemptId;
use super::options::{TransportOptions, or_unlimited};
use super::rotation::Rotation;
use super::sender::Sender;
use super::site::{Name, Site};
use super::slab::Key;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// A transport's places are of two kinds, so that destinations that hang cannot take them all: one in four is kept for
/// destinations that have answered and do not keep us waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    /// Not yet heard of, or not well.
    Strangers,
    /// Answers.
    Known,
}

/// Who has a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A sender, for whichever of his errands is next.
    Sender(Key<Sender>),
    /// A destination for which several senders' mail waits, for whichever of them is next.
    Site(Key<Site>),
}

/// A transport with something waiting or running, or that is remembered for not working or for its rate.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) name: Arc<str>,
    pub(super) options: TransportOptions,
    pub(super) sites: HashMap<Name, Key<Site>>,
    /// Senders by name, those whose mail is here.
    pub(super) senders: HashMap<Arc<str>, Key<Sender>>,
    /// Turns by pool: each moves to the end once it is taken.
    pub(super) turns: [Rotation<Turn>; 2],
    /// By pool, who has a turn and holds his share of the places: by what he holds.
    pub(super) aside: [BTreeSet<(u32, Key<Sender>)>; 2],
    /// The pool that has its turn.
    pub(super) next: Pool,
    /// Attempts that count among the deliveries at once, the oldest first.
    pub(super) moving: BTreeSet<AttemptId>,
    /// Those of them that strangers hold.
    pub(super) strangers: u32,
    /// Attempts that have stalled.
    pub(super) stalled: u32,
    /// It does not work until then: why.
    pub(super) suspended: Option<(Instant, Arc<str>)>,
    pub(super) not_before: Option<Instant>,
    pub(super) alarm: Option<Instant>,
}

impl Transport {
    pub(super) fn new(name: Arc<str>, options: TransportOptions) -> Self {
        Self {
            name,
            options,
            sites: HashMap::new(),
            senders: HashMap::new(),
            turns: Default::default(),
            aside: Default::default(),
            next: Pool::Known,
            moving: BTreeSet::new(),
            strangers: 0,
            stalled: 0,
            suspended: None,
            not_before: None,
            alarm: None,
        }
    }

    /// Whose turn is next, if there is a place for him now.
    pub(super) fn choose(&self, now: Instant) -> Option<(Pool, Turn)> {
        if self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        let pools = match self.next {
            Pool::Known => [Pool::Known, Pool::Strangers],
            Pool::Strangers => [Pool::Strangers, Pool::Known],
        };
        let first = |pool: Pool| self.turns[pool as usize].first().map(|turn| (pool, turn));
        let may = pools.into_iter().filter(|pool| self.left(*pool) > 0);
        may.filter_map(first).next()
    }

    /// Places that a pool has left.
    pub(super) fn left(&self, pool: Pool) -> u32 {
        let most = or_unlimited(self.options.deliveries);
        let moving = u32::try_from(self.moving.len()).unwrap_or(u32::MAX);
        let for_strangers = most - most / 4;
        match pool {
            Pool::Known => most.saturating_sub(moving),
            Pool::Strangers => most
                .saturating_sub(moving)
                .min(for_strangers.saturating_sub(self.strangers)),
        }
    }

    /// Whether an attempt that takes too long can be counted apart.
    pub(super) fn may_stall(&self) -> bool {
        self.stalled < self.options.stalled
    }

    /// Whether nothing is lost by forgetting it. Whatever waits or runs does so at a destination.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.sites.is_empty()
            && self.suspended.is_none()
            && self.not_before.is_none_or(|at| at <= now)
    }
}
