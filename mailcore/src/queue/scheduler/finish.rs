//! Deliveries end, and with the last of them a message's turn. Decides nothing about the queue: it says what is to be
//! done there.

use super::event::{AttemptId, Destination, Feedback, Settlement, Step, Why};
use super::job::{Message, Peer};
use super::sender::Sender;
use super::site::{Name, Site};
use super::slab::Key;
use super::start::Running;
use super::transport::{Pool, Transport};
use super::{Scheduler, later, retry};
use std::sync::Arc;
use std::time::Instant;

impl Scheduler {
    /// A delivery has ended. `done` are the recipients, by position, whose outcome is final: delivered, or failed for good;
    /// all others of the attempt are deferred. An attempt that is not running is not heeded.
    pub fn finished(&mut self, id: AttemptId, feedback: Feedback, done: &[u32], now: Instant) {
        self.tick(now);
        let Some(run) = self.attempts.remove(&id) else {
            return;
        };
        let transport = self.free_place(id, &run);
        self.count_out(run.site, run.sender, run.recipients.len(), run.counted);
        self.senders[run.sender].running -= 1;
        self.forget_sender(run.sender);
        let message = &mut self.messages[run.message];
        message.running -= 1;
        message.deferred.extend(left_over(&run.recipients, done));

        self.heed(run.site, transport, feedback);
        // Whoever was suspended just now may have been the last of the same message.
        if self.messages.contains(run.message) {
            self.settle_if_done(run.message);
        }
        // A transport that stopped working has looked at its destinations already.
        if self.sites.contains(run.site) {
            self.refresh(run.site);
        }
    }

    /// Gives back what an attempt held in its transport.
    fn free_place(&mut self, id: AttemptId, run: &Running) -> Key<Transport> {
        let site = &mut self.sites[run.site];
        let transport = &mut self.transports[site.transport];
        match run.place {
            Some(pool) => {
                transport.moving.remove(&id);
                transport.strangers -= u32::from(pool == Pool::Strangers);
            }
            None => {
                transport.stalled -= 1;
                site.stalled -= 1;
            }
        }
        let key = site.transport;
        self.weigh(run.sender, -i32::from(run.place != Some(Pool::Known)));
        key
    }

    /// What the end of a delivery says of its destination.
    fn heed(&mut self, key: Key<Site>, transport: Key<Transport>, feedback: Feedback) {
        let options = &self.transports[transport].options;
        let site = &mut self.sites[key];
        let rest = self.options.minimal_backoff;
        let dead = match &feedback {
            Feedback::Answered => {
                site.answered(options);
                false
            }
            Feedback::Dead(why) => site.failed(why, later(self.now, rest), options),
            Feedback::Unavailable(_) => false,
        };
        site.running -= 1;
        let delay = options.rate_delay;
        site.not_before = (!delay.is_zero()).then(|| later(self.now, delay));
        match feedback {
            Feedback::Dead(why) if dead => self.suspend_site(key, &Why::Dead(why), false),
            Feedback::Unavailable(why) => self.suspend_transport(transport, &why),
            Feedback::Dead(_) | Feedback::Answered => (),
        }
    }

    /// A transport does not work: everybody who waits for it is deferred, and who comes for it in the next minute.
    fn suspend_transport(&mut self, key: Key<Transport>, why: &Arc<str>) {
        let until = later(self.now, self.options.transport_retry);
        let transport = &mut self.transports[key];
        transport.suspended = Some((until, why.clone()));
        for site in transport.sites.values().copied().collect::<Vec<_>>() {
            self.suspend_site(site, &Why::Unavailable(why.clone()), false);
            self.refresh(site);
        }
    }

    /// Defers everybody who waits for a destination; with `spare_urged` not those of urged messages.
    pub(super) fn suspend_site(&mut self, key: Key<Site>, why: &Why, spare_urged: bool) {
        let peers: Vec<_> = self.sites[key].line.peers().collect();
        for peer in peers {
            let message = self.jobs[self.peers[peer].job].message;
            if spare_urged && self.messages[message].urged {
                continue;
            }
            let Some(mut peer) = self.take_out(peer) else {
                continue;
            };
            peer.waiting.reverse();
            let site = &self.sites[key];
            let destination = Destination {
                transport: self.transports[site.transport].name.clone(),
                nexthop: peer.nexthop,
                group: match &site.name {
                    Name::Group(group) => Some(group.clone()),
                    Name::Nexthop(_) => None,
                },
            };
            self.suspend(message, destination, peer.waiting, why.clone());
            self.settle_if_done(message);
        }
    }

    /// Takes recipients who wait out of everything, the room included.
    pub(super) fn take_out(&mut self, key: Key<Peer>) -> Option<Peer> {
        let peer = &self.peers[key];
        let sender = self.jobs[peer.job].sender;
        let (site, recipients, counted) = (peer.site, peer.waiting.len(), peer.counted);
        self.count_out(site, sender, recipients, counted);
        self.remove_peer(key)
    }

    fn count_out(
        &mut self,
        site: Key<Site>,
        sender: Key<Sender>,
        recipients: usize,
        counted: usize,
    ) {
        self.senders[sender].counted -= counted;
        self.tally.everybody -= recipients;
        self.tally.recipients -= counted;
        self.sites[site].counted -= counted;
    }

    /// Says what becomes of a message once nobody waits and nothing runs.
    pub(super) fn settle_if_done(&mut self, key: Key<Message>) {
        let message = &self.messages[key];
        if message.running > 0 || !message.jobs.is_empty() {
            return;
        }
        let next = retry::next(message, self.epoch, self.now, &self.options);
        let Some(mut message) = self.messages.remove(key) else {
            return;
        };
        self.by_identity.remove(&message.identity);
        self.tally.messages -= usize::from(message.counted);
        message.deferred.sort_unstable();
        self.said.push_back(Step::Settled(Settlement {
            message: message.identity,
            deferred: message.deferred,
            next,
        }));
    }
}

/// The recipients that are not done with.
fn left_over(recipients: &[u32], done: &[u32]) -> impl Iterator<Item = u32> {
    let mut done = done.to_vec();
    done.sort_unstable();
    let left = move |position: &u32| done.binary_search(position).is_err();
    recipients.iter().copied().filter(left)
}
