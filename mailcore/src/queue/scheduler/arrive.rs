//! Messages come in. Refuses only what is here already.

use super::event::{Arrival, Destination, Step, Suspension, Why};
use super::job::{Job, Message, Peer};
use super::room::{share_of_message, share_of_sender, share_of_site};
use super::site::{Health, Name, Site};
use super::slab::Key;
use super::transport::Transport;
use super::{Scheduler, later};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;

/// A message arrived that is here: it was claimed twice. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message is being worked on")]
pub struct AlreadyHere;

impl Scheduler {
    /// Takes a message that was claimed; it is here until [`Step::Settled`] says what becomes of it. With nobody to send it to
    /// it is settled at once.
    ///
    /// # Errors
    /// [`AlreadyHere`] for one that has not been settled.
    pub fn arrive(&mut self, arrival: Arrival, now: Instant) -> Result<(), AlreadyHere> {
        self.tick(now);
        if self.has(arrival.message) {
            return Err(AlreadyHere);
        }
        let message = self.messages.insert(Message {
            identity: arrival.message,
            sender: arrival.sender,
            came: self.now,
            age: arrival.age,
            null_sender: arrival.null_sender,
            warned: arrival.warned,
            urged: arrival.urged,
            withdrawn: false,
            counted: false,
            jobs: Vec::new(),
            running: 0,
            deferred: Vec::new(),
        });
        self.by_identity.insert(arrival.message, message);
        let mut share = share_of_message(&self.options);
        for (destination, recipients) in grouped(arrival.recipients) {
            if let Some(why) = self.obstacle(&destination, arrival.urged) {
                self.suspend(message, destination, recipients, why);
            } else {
                share -= self.wait(message, &destination, recipients, share);
            }
        }
        self.settle_if_done(message);
        Ok(())
    }

    /// Why nothing is sent there for now. Urgent mail clears what it can out of the way.
    fn obstacle(&mut self, destination: &Destination, urged: bool) -> Option<Why> {
        if !urged
            && self
                .options
                .deferred_transports
                .contains(&destination.transport)
        {
            return Some(Why::Deferred);
        }
        let key = *self.by_name.get(&destination.transport)?;
        let transport = &mut self.transports[key];
        if urged {
            transport.suspended = None;
        } else if let Some((_, why)) = &transport.suspended {
            return Some(Why::Unavailable(why.clone()));
        }
        let site = *transport.sites.get(&Name::of(destination))?;
        let site = &mut self.sites[site];
        if urged {
            site.revive(later(self.now, self.options.maximal_backoff));
        }
        match &site.health {
            Health::Dead { why, .. } => Some(Why::Dead(why.clone())),
            Health::Alive | Health::Probing { .. } => None,
        }
    }

    /// Defers recipients without an attempt.
    pub(super) fn suspend(
        &mut self,
        message: Key<Message>,
        destination: Destination,
        recipients: Vec<u32>,
        why: Why,
    ) {
        let message = &mut self.messages[message];
        message.deferred.extend_from_slice(&recipients);
        self.said.push_back(Step::Suspended(Suspension {
            message: message.identity,
            destination,
            recipients,
            why,
        }));
    }

    /// Has recipients wait for their destination; says how many of them count, which are at most `share`.
    fn wait(
        &mut self,
        message: Key<Message>,
        destination: &Destination,
        mut recipients: Vec<u32>,
        share: usize,
    ) -> usize {
        let transport = self.transport(&destination.transport);
        let site = self.site(transport, destination);
        let job = self.job(message, transport);
        let sender = self.jobs[job].sender;
        self.last_turn += 1;
        let turn = self.last_turn;

        let of_site = share_of_site(&self.options).saturating_sub(self.sites[site].counted);
        let of_sender = share_of_sender(&self.options).saturating_sub(self.senders[sender].counted);
        let counted = recipients.len().min(share).min(of_site).min(of_sender);
        self.tally.everybody += recipients.len();
        self.tally.recipients += counted;
        if counted > 0 && !self.messages[message].counted {
            self.messages[message].counted = true;
            self.tally.messages += 1;
        }

        recipients.reverse();
        let peer = self.peers.insert(Peer {
            job,
            site,
            nexthop: destination.nexthop.clone(),
            waiting: recipients,
            counted,
            turn,
        });
        self.jobs[job].peers.insert(peer);
        self.sites[site].counted += counted;
        self.sites[site].line.push(sender, turn, peer);
        self.senders[sender].counted += counted;
        self.refresh(site);
        counted
    }

    fn transport(&mut self, name: &Arc<str>) -> Key<Transport> {
        let new = || {
            let options = self.options.of(name).clone();
            self.transports
                .insert(Transport::new(name.clone(), options))
        };
        *self.by_name.entry(name.clone()).or_insert_with(new)
    }

    fn site(&mut self, key: Key<Transport>, destination: &Destination) -> Key<Site> {
        let name = Name::of(destination);
        let transport = &mut self.transports[key];
        let new = || {
            let mut site = Site::new(key, name.clone(), &transport.options);
            let who = (transport.name.clone(), name.clone());
            if self.known.recall(&who, self.now, self.options.memory) {
                site.recall();
            }
            self.sites.insert(site)
        };
        *transport.sites.entry(name.clone()).or_insert_with(new)
    }

    fn job(&mut self, message: Key<Message>, transport: Key<Transport>) -> Key<Job> {
        let jobs = &self.messages[message].jobs;
        if let Some((_, job)) = jobs.iter().find(|(of, _)| *of == transport) {
            return *job;
        }
        let name = self.messages[message].sender.clone();
        let sender = self.sender(transport, name.as_ref());
        self.senders[sender].jobs += 1;
        let job = self.jobs.insert(Job {
            message,
            sender,
            served: self.last_turn,
            peers: BTreeSet::new(),
            ready: Default::default(),
            turn: [None, None],
        });
        self.messages[message].jobs.push((transport, job));
        job
    }
}

/// The recipients of each destination, destinations in the order in which they first come.
fn grouped(recipients: Vec<(u32, Destination)>) -> Vec<(Destination, Vec<u32>)> {
    let mut places = HashMap::new();
    let mut seen = HashSet::with_capacity(recipients.len());
    let mut groups: Vec<(Destination, Vec<u32>)> = Vec::new();
    for (position, destination) in recipients {
        if !seen.insert(position) {
            continue;
        }
        let place = *places.entry(destination.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(position),
            None => groups.push((destination, vec![position])),
        }
    }
    groups
}
