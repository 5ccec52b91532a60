//! Which delivery begins when: a machine without a clock, a socket or a file. It is told what was claimed from the
//! queue, how deliveries ended and what time it is; it says which to begin, and what becomes of a message that has had
//! its turn. It never delivers, never keeps a message, never looks at one.
//!
//! ```text
//!   arrive ──▶ ┌───────────────────────────────────────────────┐ ──▶ Start     a delivery, to be answered by finished
//! finished ──▶ │ transports: places, turns                     │ ──▶ Suspended no attempt: dead, deferred
//! withdraw ──▶ │   destinations: concurrency, health, rate     │ ──▶ Settled   remove, retry in so long, expired
//!   reload ──▶ │     peers: recipients of one message for each │ ──▶ Wait      until then
//!              └───────────────────────────────────────────────┘
//! ```
//!
//! **Fair shares.** A transport's places are given by turns. A sender has one turn, however much he sends, and all reports
//! together are one sender's; his jobs (a message in one transport) take turns in his, however many recipients and
//! destinations they have. Where several wait for one destination, the destination has the turn, and they take turns at
//! it. So one message beside a mailing to 100,000 waits for one delivery of it, not for all; it makes no difference
//! whether the mailing is one message or 100,000; and a destination with a thousand messages waiting takes one turn and
//! leaves the others theirs.
//!
//! **Destinations that hang.** How many deliveries a destination gets at once is learned (its window); a destination
//! that fails as often as its window is wide is dead for a while, then tried by one delivery at a time until it
//! answers. What neither answers nor fails is the harder case: a delivery that has taken too long is counted apart, a
//! destination that has never answered gets no more while one of its deliveries is stalled, and a quarter of the places is
//! kept for destinations that do answer, and are remembered for it. And nobody's mail takes all places that strangers and
//! the stalled may have: a sender whose deliveries hold four times what is left gets no more, so there is always
//! something left for the next one.
//!
//! Each event costs the logarithm of what is here; an idle destination is forgotten, but for a few words about
//! those that answered.

mod acquaintances;
mod arrive;
mod event;
mod finish;
mod job;
mod line;
mod offer;
mod options;
mod retry;
mod room;
mod rotation;
mod sender;
mod site;
mod slab;
mod standing;
mod start;
mod steer;
mod transport;
mod window;

pub use arrive::AlreadyHere;
pub use event::{
    Arrival, Attempt, AttemptId, Destination, Feedback, Next, Settlement, Step, Suspension, Why,
};
pub use options::{Options, Rate, TransportOptions};
pub use room::Room;
pub use standing::Standing;

use acquaintances::Acquaintances;
use job::{Job, Message, Peer};
use mailcore_store::queue::Identity;
use room::Tally;
use sender::Sender;
use site::{Health, Site};
use slab::{Key, Slab};
use start::Running;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use transport::Transport;

/// The scheduler of one queue. Time is what callers say; a moment before the last one counts as the last one.
#[derive(Debug)]
pub struct Scheduler {
    options: Options,
    epoch: Instant,
    now: Instant,
    tally: Tally,
    messages: Slab<Message>,
    by_identity: HashMap<Identity, Key<Message>>,
    jobs: Slab<Job>,
    peers: Slab<Peer>,
    senders: Slab<Sender>,
    sites: Slab<Site>,
    transports: Slab<Transport>,
    by_name: HashMap<Arc<str>, Key<Transport>>,
    attempts: HashMap<AttemptId, Running>,
    known: Acquaintances,
    last_attempt: u64,
    last_turn: u64,
    /// Transports that can begin a delivery, and the one that last did.
    able: BTreeSet<Key<Transport>>,
    last_able: Option<Key<Transport>>,
    /// When something changes by itself; each destination and transport has one at most.
    alarms: BTreeSet<(Instant, Alarm)>,
    /// What is still to be said.
    said: VecDeque<Step>,
}

/// For whom an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Site(Key<Site>),
    Transport(Key<Transport>),
}

impl Scheduler {
    /// With nothing to do. Runs (see [`Options::run_delay`]) are counted from `now`.
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            options,
            epoch: now,
            now,
            tally: Tally::default(),
            messages: Slab::default(),
            by_identity: HashMap::new(),
            jobs: Slab::default(),
            peers: Slab::default(),
            senders: Slab::default(),
            sites: Slab::default(),
            transports: Slab::default(),
            by_name: HashMap::new(),
            attempts: HashMap::new(),
            known: Acquaintances::default(),
            last_attempt: 0,
            last_turn: 0,
            able: BTreeSet::new(),
            last_able: None,
            alarms: BTreeSet::new(),
            said: VecDeque::new(),
        }
    }

    /// What to do next. Ask again after each answer but `Wait`; after that, when its moment has come or when the
    /// scheduler has been told something.
    pub fn step(&mut self, now: Instant) -> Step {
        self.tick(now);
        if let Some(said) = self.said.pop_front() {
            return said;
        }
        if let Some(attempt) = self.start() {
            return Step::Start(attempt);
        }
        Step::Wait(self.alarms.first().map(|(at, _)| *at))
    }

    /// How much more should be claimed from the queue.
    pub fn room(&self) -> Room {
        self.tally.room(self.messages.len(), &self.options)
    }

    /// Whether a message is here: waiting, or with an attempt that runs.
    pub fn has(&self, message: Identity) -> bool {
        self.by_identity.contains_key(&message)
    }

    /// Whether nothing waits, runs or is still to be said.
    pub fn is_empty(&self) -> bool {
        self.messages.len() == 0 && self.said.is_empty()
    }

    /// Lets the time pass.
    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while let Some((at, alarm)) = self.alarms.first().copied()
            && at <= self.now
        {
            self.alarms.pop_first();
            match alarm {
                Alarm::Site(site) => self.rouse_site(site),
                Alarm::Transport(transport) => self.rouse_transport(transport),
            }
        }
    }

    fn rouse_site(&mut self, key: Key<Site>) {
        let site = &mut self.sites[key];
        site.alarm = None;
        if let Health::Dead { until, .. } = site.health
            && until <= self.now
        {
            site.revive(later(self.now, self.options.maximal_backoff));
        }
        self.refresh(key);
    }

    fn rouse_transport(&mut self, key: Key<Transport>) {
        let transport = &mut self.transports[key];
        transport.alarm = None;
        let over = |(until, _): &mut (Instant, _)| *until <= self.now;
        transport.suspended.take_if(over);
        self.count_stalled(key);
        self.refresh_transport(key);
    }
}

/// So much later, or as late as can be said.
fn later(now: Instant, wait: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(wait.min(CENTURY)).unwrap_or(now)
}
