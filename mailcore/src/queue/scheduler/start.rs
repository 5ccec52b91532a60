//! Deliveries begin, by turns. Decides who, not whether it is right: that was decided when he was let into the turns.

use super::event::{Attempt, AttemptId, Destination};
use super::job::{Message, Peer};
use super::options::or_unlimited;
use super::sender::{Errand, Sender};
use super::site::{Name, Site};
use super::slab::Key;
use super::transport::{Pool, Transport, Turn};
use super::{Scheduler, later};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

/// A delivery that has begun.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) message: Key<Message>,
    pub(super) sender: Key<Sender>,
    pub(super) site: Key<Site>,
    pub(super) recipients: Arc<[u32]>,
    /// How many of them take a place in the room.
    pub(super) counted: usize,
    pub(super) began: Instant,
    /// Whose place it holds; none any more once it has stalled.
    pub(super) place: Option<Pool>,
}

impl Scheduler {
    /// Begins whichever delivery is next, if any can.
    pub(super) fn start(&mut self) -> Option<Attempt> {
        let after = self.last_able.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = self.able.range((after, Bound::Unbounded));
        let transport = *behind.next().or_else(|| self.able.first())?;
        self.last_able = Some(transport);
        let (pool, turn) = self.transports[transport].choose(self.now)?;
        let site = self.take_turn(transport, pool, turn)?;
        let attempt = self.begin(transport, pool, site);
        self.refresh(site);
        Some(attempt)
    }

    /// Moves who has the turn to the end; says which destination's offer he takes.
    fn take_turn(&mut self, key: Key<Transport>, pool: Pool, turn: Turn) -> Option<Key<Site>> {
        let transport = &mut self.transports[key];
        transport.next = match pool {
            Pool::Known => Pool::Strangers,
            Pool::Strangers => Pool::Known,
        };
        let of_sender = match turn {
            // Taking its offer takes it out of the turns; the next one comes in at the end.
            Turn::Site(site) => return Some(site),
            Turn::Sender(sender) => sender,
        };
        self.to_the_end(of_sender, pool);
        let sender = &mut self.senders[of_sender];
        let of_job = match sender.errands[pool as usize].first()? {
            Errand::Site(site) => return Some(site),
            Errand::Job(job) => job,
        };
        let job = &mut self.jobs[of_job];
        if let Some(at) = job.turn[pool as usize].take() {
            sender.errands[pool as usize].remove(at);
        }
        job.turn[pool as usize] = Some(sender.errands[pool as usize].push(Errand::Job(of_job)));
        job.ready[pool as usize].first()
    }

    /// Begins the delivery that a destination offers.
    fn begin(&mut self, transport: Key<Transport>, pool: Pool, site_key: Key<Site>) -> Attempt {
        self.retract(site_key);
        let peer_key = self.longest_unserved(site_key);
        let sender = self.jobs[self.peers[peer_key].job].sender;
        self.senders[sender].running += 1;
        self.weigh(sender, i32::from(pool == Pool::Strangers));
        self.last_attempt += 1;
        let id = AttemptId(self.last_attempt);

        let transport = &mut self.transports[transport];
        transport.moving.insert(id);
        if pool == Pool::Strangers {
            transport.strangers += 1;
        }
        let delay = transport.options.transport_rate_delay;
        transport.not_before = (!delay.is_zero()).then(|| later(self.now, delay));
        let most = or_unlimited(transport.options.recipients) as usize;

        let peer = &mut self.peers[peer_key];
        let (recipients, counted) = take_some(peer, most);
        let job = &mut self.jobs[peer.job];
        self.last_turn += 1;
        job.served = self.last_turn;
        self.senders[sender].served = self.last_turn;
        let message = job.message;
        let site = &mut self.sites[site_key];
        site.running += 1;
        let destination = Destination {
            transport: transport.name.clone(),
            nexthop: peer.nexthop.clone(),
            group: match &site.name {
                Name::Group(group) => Some(group.clone()),
                Name::Nexthop(_) => None,
            },
        };
        if peer.waiting.is_empty() {
            self.remove_peer(peer_key);
        } else {
            site.line.remove(sender, peer.turn);
            peer.turn = self.last_turn;
            site.line.push(sender, peer.turn, peer_key);
        }
        self.sites[site_key].line.served(sender, self.last_turn);
        self.messages[message].running += 1;
        let identity = self.messages[message].identity;
        let running = Running {
            message,
            sender,
            site: site_key,
            recipients: recipients.clone(),
            counted,
            began: self.now,
            place: Some(pool),
        };
        self.attempts.insert(id, running);
        Attempt {
            id,
            message: identity,
            destination,
            recipients,
        }
    }

    /// Of the first senders whose mail waits for a destination, the one that has had no turn for the longest, and so of
    /// its jobs: mailings to the same destinations go on side by side, not one after the other.
    fn longest_unserved(&self, site: Key<Site>) -> Key<Peer> {
        let line = &self.sites[site].line;
        let senders = line.senders().take(LOOKED_AT);
        let sender = senders.min_by_key(|sender| self.senders[*sender].served);
        let peers = sender.into_iter().flat_map(|sender| line.peers_of(sender));
        let served = |peer: &Key<Peer>| self.jobs[self.peers[*peer].job].served;
        peers
            .take(LOOKED_AT)
            .min_by_key(served)
            .expect("who has a turn has somebody waiting")
    }

    /// Counts apart what has taken too long in a transport, as far as that is allowed.
    pub(super) fn count_stalled(&mut self, key: Key<Transport>) {
        loop {
            let transport = &mut self.transports[key];
            let patience = transport.options.patience;
            let Some(id) = transport
                .moving
                .first()
                .copied()
                .filter(|_| transport.may_stall())
            else {
                return;
            };
            let Some(run) = self.attempts.get_mut(&id) else {
                return;
            };
            if later(run.began, patience) > self.now {
                return;
            }
            transport.moving.remove(&id);
            transport.stalled += 1;
            let (site, sender) = (run.site, run.sender);
            match run.place.take() {
                Some(Pool::Strangers) => transport.strangers -= 1,
                Some(Pool::Known) | None => self.weigh(sender, 1),
            }
            self.sites[site].stall();
            self.refresh(site);
        }
    }
}

/// How many senders that wait for a destination are compared, and how many jobs of one.
const LOOKED_AT: usize = 8;

/// The next recipients of those who wait, in order, and how many of them take a place in the room: as many as those
/// left behind cannot take.
fn take_some(peer: &mut Peer, most: usize) -> (Arc<[u32]>, usize) {
    let left = peer.waiting.len().saturating_sub(most);
    let taken: Arc<[u32]> = peer.waiting.drain(left..).rev().collect();
    let counted = peer.counted.saturating_sub(left);
    peer.counted -= counted;
    (taken, counted)
}
