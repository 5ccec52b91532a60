//! What waits: messages, their jobs (a message in one transport), and those jobs' peers (a job at one destination).
//! Decides nothing.

use super::rotation::Rotation;
use super::sender::Sender;
use super::site::Site;
use super::slab::Key;
use super::transport::{Pool, Transport};
use mailcore_store::queue::Identity;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message that has been claimed.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) identity: Identity,
    /// Whose it is; nobody's but its own where there is no name.
    pub(super) sender: Option<Arc<str>>,
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
    pub(super) sender: Key<Sender>,
    /// When it last had a turn anywhere, or came.
    pub(super) served: u64,
    pub(super) peers: BTreeSet<Key<Peer>>,
    /// Destinations that have a place for it and for which no other job waits, by pool.
    pub(super) ready: [Rotation<Key<Site>>; 2],
    /// Its turn among its sender's, where anything is ready.
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
}

/// Where a destination's offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) pool: Pool,
    pub(super) stand: Stand,
}

/// By whose right a delivery takes its turn, and where in his order it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Its job's: nobody else waits for the destination.
    Job(Key<Job>, u64),
    /// Its sender's, of whom several jobs wait.
    Sender(Key<Sender>, u64),
    /// Its destination's, where several senders' mail waits: in the transport's order.
    Site(u64),
}
