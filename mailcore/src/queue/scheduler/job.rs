//! What waits: messages, their jobs (a message in one transport), and those jobs' peers (a job at one destination).
//! Decides nothing.

use super::site::Site;
use super::slab::Key;
use super::transport::{Pool, Transport};
use mailcore_store::queue::Identity;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message that has been claimed.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) identity: Identity,
    /// When it came here, and how old it was then.
    pub(super) came: Instant,
    pub(super) age: Duration,
    pub(super) null_sender: bool,
    pub(super) warned: bool,
    pub(super) urged: bool,
    pub(super) withdrawn: bool,
    /// Whether it takes a place in the room.
    pub(super) counted: bool,
    pub(super) jobs: Vec<(Key<Transport>, Key<Job>)>,
    /// Attempts that run.
    pub(super) running: u32,
    /// Recipients that had their turn and are to have another.
    pub(super) deferred: Vec<u32>,
}

/// What a message has to do in one transport; it lives as long as somebody waits.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: Key<Message>,
    /// When it last had a turn anywhere, or came.
    pub(super) served: u64,
    pub(super) peers: BTreeSet<Key<Peer>>,
    /// Peers whose destination has a place for them, in order, where no other job waits there.
    pub(super) ready: [BTreeMap<u64, Key<Peer>>; 2],
    /// Its turn in the transport's rotations, where anything is ready.
    pub(super) turn: [Option<u64>; 2],
}

/// Recipients of one message that wait for one destination; never empty.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) job: Key<Job>,
    pub(super) site: Key<Site>,
    pub(super) nexthop: Arc<str>,
    /// Positions, the last to be tried first.
    pub(super) waiting: Vec<u32>,
    /// How many of them take a place in the room.
    pub(super) counted: usize,
    /// Its turn at the destination.
    pub(super) turn: u64,
    /// Where it stands to be taken, if it is its destination's offer.
    pub(super) offered: Option<Offered>,
}

/// Where an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) pool: Pool,
    pub(super) stand: Stand,
}

/// By whose right a delivery takes its turn in the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Its job's: nobody else waits for the destination. Where in the job's order.
    Job(u64),
    /// Its destination's, where several wait. Where in the transport's rotation.
    Site(u64),
}
