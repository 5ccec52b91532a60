//! Whose mail it is: a sender in one transport, whose messages share one turn and one share of the places. Decides
//! nothing about single messages.

use super::Scheduler;
use super::job::Job;
use super::rotation::Rotation;
use super::site::Site;
use super::slab::Key;
use super::transport::{Pool, Transport, Turn};
use std::sync::Arc;

/// Somebody whose mail waits or is being delivered by a transport; without a name it is one message alone.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) transport: Key<Transport>,
    pub(super) name: Option<Arc<str>>,
    /// When it last had a turn anywhere, or came.
    pub(super) served: u64,
    /// Messages of which somebody waits.
    pub(super) jobs: u32,
    /// Deliveries that run.
    pub(super) running: u32,
    /// Those of them that may come to nothing: to strangers, and those that have stalled.
    pub(super) unproven: u32,
    /// Recipients that take a place in the room.
    pub(super) counted: usize,
    /// What it would send next, by pool.
    pub(super) errands: [Rotation<Errand>; 2],
    /// Where it stands in the transport, where it has an errand.
    pub(super) stands: [Option<Stands>; 2],
}

/// A turn among those of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// A job, for whichever of its destinations is next.
    Job(Key<Job>),
    /// A destination for which several jobs wait, for whichever of them is next.
    Site(Key<Site>),
}

/// Where a sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// In the transport's rotation.
    Turn(u64),
    /// Aside, for it holds its share of the places.
    Aside,
}

impl Sender {
    pub(super) fn new(transport: Key<Transport>, name: Option<Arc<str>>, served: u64) -> Self {
        Self {
            transport,
            name,
            served,
            jobs: 0,
            running: 0,
            unproven: 0,
            counted: 0,
            errands: Default::default(),
            stands: [None, None],
        }
    }
}

impl Scheduler {
    /// The sender of that name in a transport; without a name a new one.
    pub(super) fn sender(&mut self, key: Key<Transport>, name: Option<&Arc<str>>) -> Key<Sender> {
        let served = self.last_turn;
        let Some(name) = name else {
            return self.senders.insert(Sender::new(key, None, served));
        };
        let transport = &mut self.transports[key];
        let new = || {
            let sender = Sender::new(key, Some(name.clone()), served);
            self.senders.insert(sender)
        };
        *transport.senders.entry(name.clone()).or_insert_with(new)
    }

    /// Puts an errand at the end of a sender's, and the sender at the end of the transport's turns if it stood nowhere.
    pub(super) fn add_errand(&mut self, key: Key<Sender>, pool: Pool, errand: Errand) -> u64 {
        let sender = &mut self.senders[key];
        let at = sender.errands[pool as usize].push(errand);
        let stands = &mut sender.stands[pool as usize];
        if stands.is_none() {
            let turns = &mut self.transports[sender.transport].turns[pool as usize];
            *stands = Some(Stands::Turn(turns.push(Turn::Sender(key))));
        }
        at
    }

    /// Takes an errand out, and the sender with the last of them.
    pub(super) fn remove_errand(&mut self, key: Key<Sender>, pool: Pool, at: u64) {
        let errands = &mut self.senders[key].errands[pool as usize];
        errands.remove(at);
        if errands.is_empty() {
            self.stand(key, pool, None);
        }
    }

    /// The sender stands at the end of the turns, aside, or nowhere.
    fn stand(&mut self, key: Key<Sender>, pool: Pool, to: Option<Place>) {
        let sender = &mut self.senders[key];
        let transport = &mut self.transports[sender.transport];
        let (turns, aside) = (
            &mut transport.turns[pool as usize],
            &mut transport.aside[pool as usize],
        );
        let stands = &mut sender.stands[pool as usize];
        match stands.take() {
            Some(Stands::Turn(at)) => turns.remove(at),
            Some(Stands::Aside) => _ = aside.remove(&(sender.unproven, key)),
            None => {}
        }
        *stands = to.map(|place| match place {
            Place::End => Stands::Turn(turns.push(Turn::Sender(key))),
            Place::Aside => {
                aside.insert((sender.unproven, key));
                Stands::Aside
            }
        });
    }

    /// Who has had his turn goes to the end.
    pub(super) fn to_the_end(&mut self, key: Key<Sender>, pool: Pool) {
        self.stand(key, pool, Some(Place::End));
    }

    /// So many more, or fewer, of a sender's deliveries may come to nothing.
    pub(super) fn weigh(&mut self, key: Key<Sender>, change: i32) {
        let sender = &mut self.senders[key];
        let before = sender.unproven;
        sender.unproven = before.saturating_add_signed(change);
        let now = sender.unproven;
        let aside = &mut self.transports[sender.transport].aside;
        for (stands, aside) in sender.stands.iter().zip(aside) {
            if *stands == Some(Stands::Aside) {
                aside.remove(&(before, key));
                aside.insert((now, key));
            }
        }
    }

    /// Sets aside who is next and holds his share, and lets back in who no longer does.
    ///
    /// A share is so many times what is left: whoever takes places leaves some for the next one, whoever that is and
    /// however many there are. It changes with each place, so who is set aside stands there by what he holds.
    pub(super) fn share_out(&mut self, key: Key<Transport>) {
        for pool in [Pool::Strangers, Pool::Known] {
            let transport = &self.transports[key];
            let left = transport.left(pool);
            if left == 0 {
                continue;
            }
            let share = left.saturating_mul(TIMES_WHAT_IS_LEFT);
            while let Some((holds, sender)) = self.transports[key].aside[pool as usize].first()
                && *holds < share
            {
                let sender = *sender;
                self.stand(sender, pool, Some(Place::End));
            }
            while let Some(Turn::Sender(sender)) = self.transports[key].turns[pool as usize].first()
                && self.senders[sender].unproven >= share
            {
                self.stand(sender, pool, Some(Place::Aside));
            }
        }
    }

    /// Forgets a sender of whom nothing waits or runs.
    pub(super) fn forget_sender(&mut self, key: Key<Sender>) {
        let sender = &self.senders[key];
        if sender.jobs > 0 || sender.running > 0 {
            return;
        }
        if let Some(sender) = self.senders.remove(key)
            && let Some(name) = sender.name
        {
            self.transports[sender.transport].senders.remove(&name);
        }
    }
}

/// Where to put a sender.
#[derive(Debug, Clone, Copy)]
enum Place {
    End,
    Aside,
}

/// A sender alone comes to hold four fifths of the places; the next one four fifths of the rest.
const TIMES_WHAT_IS_LEFT: u32 = 4;
