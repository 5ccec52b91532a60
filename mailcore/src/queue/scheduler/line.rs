//! Who waits for one destination: its senders, and each sender's recipients. Decides nothing but what order is.

use super::job::Peer;
use super::sender::Sender;
use super::slab::Key;
use std::collections::{BTreeMap, HashMap};

/// The line before a destination. Who comes, and who has been served, stands at its end.
#[derive(Debug, Default)]
pub(super) struct Line {
    order: BTreeMap<u64, Key<Sender>>,
    senders: HashMap<Key<Sender>, Mail>,
    len: usize,
}

/// What waits of one sender; never empty.
#[derive(Debug)]
struct Mail {
    turn: u64,
    peers: BTreeMap<u64, Key<Peer>>,
}

/// Whose all of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// One peer's.
    One(Key<Peer>),
    /// Several peers' of one sender.
    Sender(Key<Sender>),
    /// Several senders'.
    Many,
}

impl Line {
    /// Puts a peer at the end of its sender's, whose turn stays what it is; a sender that is new here stands at the end.
    pub(super) fn push(&mut self, sender: Key<Sender>, turn: u64, peer: Key<Peer>) {
        let order = &mut self.order;
        let mail = self.senders.entry(sender).or_insert_with(|| {
            order.insert(turn, sender);
            let peers = BTreeMap::new();
            Mail { turn, peers }
        });
        self.len += usize::from(mail.peers.insert(turn, peer).is_none());
    }

    /// Takes out the peer that stands there.
    pub(super) fn remove(&mut self, sender: Key<Sender>, turn: u64) {
        let Some(mail) = self.senders.get_mut(&sender) else {
            return;
        };
        self.len -= usize::from(mail.peers.remove(&turn).is_some());
        if mail.peers.is_empty() {
            self.order.remove(&mail.turn);
            self.senders.remove(&sender);
        }
    }

    /// A sender that has been served goes to the end.
    pub(super) fn served(&mut self, sender: Key<Sender>, turn: u64) {
        if let Some(mail) = self.senders.get_mut(&sender) {
            self.order.remove(&mail.turn);
            mail.turn = turn;
            self.order.insert(turn, sender);
        }
    }

    /// Whose it is, where anybody waits.
    pub(super) fn whose(&self) -> Option<Whose> {
        let sender = *self.order.values().next()?;
        let mail = self.senders.get(&sender)?;
        match (self.senders.len(), mail.peers.len()) {
            (1, 1) => mail.peers.values().next().copied().map(Whose::One),
            (1, _) => Some(Whose::Sender(sender)),
            _ => Some(Whose::Many),
        }
    }

    /// Senders in order.
    pub(super) fn senders(&self) -> impl Iterator<Item = Key<Sender>> {
        self.order.values().copied()
    }

    /// A sender's peers in order.
    pub(super) fn peers_of(&self, sender: Key<Sender>) -> impl Iterator<Item = Key<Peer>> {
        let mail = self.senders.get(&sender);
        mail.into_iter().flat_map(|m| m.peers.values().copied())
    }

    /// Everybody.
    pub(super) fn peers(&self) -> impl Iterator<Item = Key<Peer>> {
        self.senders().flat_map(|sender| self.peers_of(sender))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}
