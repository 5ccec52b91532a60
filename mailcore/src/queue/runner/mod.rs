//! Runs the queue: claims what is due, asks where it goes, lets the scheduler say when, gives jobs to transports, and
//! settles what came of it. Decides nothing about when (the scheduler does) or how (the transports do).
//!
//! ```text
//! Queue::claim ──▶ Routes::next_hop ──▶ Scheduler ──Start──▶ Transport::deliver
//!                                         ▲   │                   │
//!                                         │   │   finished        │
//!                                         └───┼───────────────────┘
//!                                             └─Settled─▶ reports, Queue::mark or Queue::remove
//! ```

mod arrival;
mod attempt;
mod chores;
mod deliveries;
mod hand;
mod lines;
mod report;
mod settle;

use super::Orders;
use super::scheduler::{Arrival, Attempt, Options, Scheduler, Step};
use crate::bounce;
use crate::deliver::Transport;
use crate::deliver::hosts::Exchangers;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::route::Routes;
use attempt::Ended;
use hand::Hand;
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::{Claim, Identity, Queue};
use settle::Settled;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

/// How long a claim holds, unless it is renewed: after so long another runner takes up what this one had in hand.
const LEASE: Duration = Duration::from_secs(600);
/// Messages that are claimed in one go; deliveries that have ended are seen to in between.
const HANDFUL: usize = 100;
/// How often the queue is looked into unasked: for what others have put there, or made due.
const ROUND: Duration = Duration::from_secs(60);
/// Settlements that are under way before nothing more is claimed.
const MOST_CHORES: usize = 1000;

/// The transports by name.
pub type Ways = HashMap<Arc<str>, Arc<dyn Transport>>;

/// What a runner works with. Clones share it.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// Where mail goes.
    pub routes: Arc<Routes>,
    /// How it gets there.
    pub ways: Arc<Ways>,
    /// The way into the queue, for reports.
    pub intake: Intake,
    /// What reports say.
    pub reports: bounce::Options,
    /// When mail is sent, and how much at once.
    pub options: Options,
    /// What tells which destinations share their servers, and so concurrency, feedback and being dead; none, as in Postfix:
    /// each domain stands for itself.
    pub exchangers: Option<Exchangers>,
    /// What tells the time of day.
    pub clock: Clock,
    /// How others call the runner.
    pub orders: Orders,
}

/// Runs one queue.
#[derive(Debug)]
pub struct Runner {
    parts: Arc<Setup>,
    scheduler: Scheduler,
    hands: HashMap<Identity, Hand>,
    /// Messages that are being settled.
    settling: HashSet<Identity>,
    deliveries: JoinSet<Ended>,
    /// The running deliveries by task, for those that do not come back.
    running: HashMap<Id, (Attempt, Duration)>,
    chores: JoinSet<Chore>,
    /// Messages of which recipients were delivered to since their outcomes were last recorded.
    unnoted: BTreeSet<Identity>,
    /// Messages in hand whose destinations' servers are being looked up; the scheduler does not know of them yet.
    sought: HashSet<Identity>,
    /// Messages that somebody wants tried whatever stands in the way.
    urged: HashSet<Identity>,
    next_look: Instant,
    next_renewal: Instant,
    /// The last look found no room to claim anything.
    waits_for_room: bool,
    metrics: Option<Arc<Metrics>>,
    /// It comes to its end: nobody waits for what fails.
    closing: watch::Sender<bool>,
}

/// A piece of work on the queue that has been done beside the deliveries.
#[derive(Debug)]
enum Chore {
    Settled(Identity, Settled),
    Noted,
    Found(Arrival),
    Renewed(Vec<Claim>),
}

impl Runner {
    /// A runner with nothing in hand.
    pub fn new(setup: Setup) -> Self {
        Self {
            scheduler: Scheduler::new(setup.options.clone(), now()),
            parts: Arc::new(setup),
            hands: HashMap::new(),
            settling: HashSet::new(),
            deliveries: JoinSet::new(),
            running: HashMap::new(),
            chores: JoinSet::new(),
            unnoted: BTreeSet::new(),
            sought: HashSet::new(),
            urged: HashSet::new(),
            next_look: Instant::now(),
            next_renewal: Instant::now() + LEASE / 3,
            waits_for_room: false,
            metrics: None,
            closing: watch::Sender::new(false),
        }
    }

    /// The same, which counts there what becomes of recipients.
    #[must_use]
    pub fn counting(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }

    /// Runs until `stop`, then waits for the deliveries that run. Whoever has no patience drops the future: what was
    /// under way is then tried again at the next start.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        let orders = self.parts.orders.clone();
        loop {
            if Instant::now() >= self.next_look {
                self.look().await;
            }
            if Instant::now() >= self.next_renewal {
                self.renew();
            }
            let wait = self.turn().min(self.next_look).min(self.next_renewal);
            tokio::select! {
                () = &mut stop => break,
                heard = orders.heard() => self.obey(heard).await,
                Some(ended) = self.deliveries.join_next_with_id() => self.ended(ended),
                Some(done) = self.chores.join_next() => self.done(done),
                () = tokio::time::sleep_until(wait) => {}
            }
        }
        self.finish().await;
    }

    /// Lets what runs come to its end; begins nothing.
    async fn finish(mut self) {
        self.closing.send_replace(true);
        while let Some(ended) = self.deliveries.join_next_with_id().await {
            self.ended(ended);
            while let Some(step) = self.said() {
                if let Step::Settled(settlement) = step {
                    self.settle(settlement);
                }
            }
            self.note_done();
        }
        while self.chores.join_next().await.is_some() {}
    }

    /// What the scheduler says, but for that it waits.
    fn said(&mut self) -> Option<Step> {
        match self.scheduler.step(now()) {
            Step::Wait(_) => None,
            step => Some(step),
        }
    }

    /// Claims what is due, as much as there is room for.
    async fn look(&mut self) {
        let room = self.scheduler.room();
        let limit = room.messages.min(room.recipients).min(HANDFUL);
        if limit == 0 || self.chores.len() >= MOST_CHORES {
            // Looked again when something has been settled.
            self.waits_for_room = true;
            self.next_look = Instant::now() + ROUND;
            return;
        }
        self.waits_for_room = false;
        let claimed = self
            .parts
            .queue
            .claim(self.parts.clock.now(), LEASE, limit)
            .await;
        match claimed {
            Ok(claims) => {
                let more = claims.len() == limit;
                for claim in claims {
                    self.take_up(claim).await;
                }
                self.next_look = Instant::now() + if more { Duration::ZERO } else { ROUND };
            }
            Err(error) => {
                tracing::error!("queue: {error}");
                self.next_look = Instant::now() + ROUND;
            }
        }
    }

    /// Does what the scheduler says until it waits; says until when.
    fn turn(&mut self) -> Instant {
        loop {
            match self.scheduler.step(now()) {
                Step::Start(attempt) => self.start(attempt),
                Step::Suspended(suspension) => self.suspend(suspension),
                Step::Settled(settlement) => self.settle(settlement),
                Step::Wait(until) => {
                    self.note_done();
                    let until = until.map(Instant::from_std);
                    return until.unwrap_or_else(|| Instant::now() + ROUND);
                }
            }
        }
    }
}

/// Now, as the scheduler counts: tests may stop this clock.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
