//! What the queue's writer and its readers share: the disk, who is in the queue, and envelopes at hand.

use super::Options;
use super::segment::{Kept, Sight};
use crate::disk::File;
use crate::figures::Flushes;
use crate::mailbox::Clock;
use crate::queue::index::{Index, Message};
use crate::queue::{Entry, Identity, Lane};
use crate::{Kind, Result};
use mailcore_base::envelope::Envelope;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// Recipients (and as many messages) whose envelopes are kept at hand.
const AT_HAND: usize = 1 << 16;
/// How long a message waits that the medium did not give.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct House {
    pub(super) options: Options,
    clock: Clock,
    index: Mutex<Index<Kept>>,
    envelopes: Mutex<Envelopes>,
    given: Mutex<Given>,
    /// Flushes of the log.
    pub(super) flushes: Flushes,
    /// Another process has none.
    _lock: Box<dyn File>,
}

/// Identities and markers given so far.
#[derive(Debug, Default)]
struct Given {
    last: u64,
    count: u64,
}

#[derive(Debug, Default)]
struct Envelopes {
    all: HashMap<Identity, Arc<Envelope>>,
    order: VecDeque<Identity>,
    weight: usize,
}

/// What an entry is made of, without its envelope.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) entry: Entry,
    pub(super) sight: Sight,
}

impl House {
    pub(super) fn new(
        clock: Clock,
        options: Options,
        index: Index<Kept>,
        lock: Box<dyn File>,
    ) -> Self {
        Self {
            options,
            clock,
            index: Mutex::new(index),
            envelopes: Mutex::default(),
            given: Mutex::default(),
            flushes: Flushes::default(),
            _lock: lock,
        }
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index<Kept>> {
        lock(&self.index)
    }

    /// An identity that no message has had: the time in the upper half, chance in the lower.
    pub(super) fn identity(&self) -> Identity {
        let since = self.clock.now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_nanos() as u64);
        let mut given = lock(&self.given);
        given.last = now.max(given.last.saturating_add(1));
        given.count += 1;
        let chance = mixed(self.options.seed, given.count);
        Identity(u128::from(given.last) << 64 | u128::from(chance))
    }

    /// A new segment's marker.
    pub(super) fn marker(&self, segment: u64) -> u64 {
        mixed(!self.options.seed, segment)
    }

    /// Keeps an envelope at hand.
    pub(super) fn keep(&self, identity: Identity, envelope: &Arc<Envelope>) {
        let mut envelopes = lock(&self.envelopes);
        if envelopes
            .all
            .insert(identity, Arc::clone(envelope))
            .is_none()
        {
            envelopes.order.push_back(identity);
            envelopes.weight += 1 + envelope.recipients.len();
        }
        while envelopes.weight > AT_HAND && envelopes.order.len() > 1 {
            let Some(oldest) = envelopes.order.pop_front() else {
                break;
            };
            if let Some(dropped) = envelopes.all.remove(&oldest) {
                envelopes.weight -= 1 + dropped.recipients.len();
            }
        }
    }

    /// An envelope, if it is at hand.
    pub(super) fn at_hand(&self, identity: Identity) -> Option<Arc<Envelope>> {
        lock(&self.envelopes).all.get(&identity).cloned()
    }

    /// An envelope, read where it is not at hand. Blocks.
    pub(super) fn envelope(&self, identity: Identity, sight: &Sight) -> Result<Arc<Envelope>> {
        if let Some(envelope) = self.at_hand(identity) {
            return Ok(envelope);
        }
        let (_, envelope) = sight.head()?;
        let envelope = Arc::new(envelope);
        self.keep(identity, &envelope);
        Ok(envelope)
    }

    /// An entry with its envelope. One that cannot be read is shown without, in [`Lane::Corrupt`]. Blocks.
    pub(super) fn complete(&self, outline: Outline) -> Entry {
        let Outline { mut entry, sight } = outline;
        match self.envelope(entry.identity, &sight) {
            Ok(envelope) => entry.envelope = envelope,
            // Whatever the reason: one message that cannot be read must not keep others from being claimed.
            Err(e) => {
                match e.kind() {
                    Kind::Corrupt => self.damaged(entry.identity),
                    _ => self.put_off(entry.identity),
                }
                entry.lane = Lane::Corrupt;
            }
        }
        entry
    }

    /// The medium did not give a message just now: it is looked at again in a while, for it may be whole.
    fn put_off(&self, identity: Identity) {
        let due = self.clock.now() + AGAIN;
        // Where the message has gone meanwhile, or somebody has it, nothing is put off.
        let _ = self.index().change(identity, |message| {
            if matches!(message.lane, Lane::Incoming | Lane::Deferred) {
                message.defer(due, message.attempts);
            }
        });
    }

    /// Something of a message is not what was written: nobody is given it any more. Not written down, for whoever reads it
    /// after a restart sees it again.
    pub(super) fn damaged(&self, identity: Identity) {
        // Where the message has gone meanwhile, nothing is damaged.
        let _ = self
            .index()
            .change(identity, |message| message.assign(Lane::Corrupt));
    }
}

impl Message<Kept> {
    pub(super) fn outline(&self, identity: Identity) -> Outline {
        Outline {
            entry: self.entry(identity, Arc::default()),
            sight: self.kept.sight(),
        }
    }
}

/// Numbers without pattern that do not come twice for one seed (splitmix64).
fn mixed(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
