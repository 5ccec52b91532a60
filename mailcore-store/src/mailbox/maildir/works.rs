//! The asynchronous side: disk work off the event loop, shared flushes, and the patrol that looks for changes made by
//! other programs.

use super::deliver::{Outcome, deliver};
use super::lookout::Post;
use super::parcel::{Parcel, Placed};
use super::room::Room;
use super::scan;
use super::site::{Site, lock};
use crate::{Error, Kind, Result};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

/// In one of so many rounds the patrol looks at mailboxes that are watched, too.
const SELDOM: u32 = 12;
/// Most parcels of one batch.
const BATCH: usize = 256;
/// So many batches are delivered at once, into different mailboxes: one is written while another waits for the disk.
const LEADERS: usize = 2;

#[derive(Debug)]
pub(super) struct Works {
    pub(super) site: Arc<Site>,
    gate: Semaphore,
    bag: Mutex<Bag>,
    /// How long somebody else's lock is waited for.
    patience: Duration,
    patrol: Duration,
    patrolled: AtomicBool,
}

/// What waits to be delivered. Whoever brings something for a mailbox that nobody delivers to sees to it that somebody
/// does; what comes meanwhile goes with the next batch. So nobody waits for company, and many share a flush.
#[derive(Debug, Default)]
struct Bag {
    waiting: Vec<Waiting>,
    /// Directories of the mailboxes that are being delivered to.
    busy: HashSet<PathBuf>,
    leaders: usize,
}

impl Bag {
    fn is_due(&self, waiting: &Waiting) -> bool {
        !self.busy.contains(&waiting.parcel.room.dir)
    }

    /// The next batch, whose mailboxes are busy from here on.
    fn take(&mut self) -> Vec<Waiting> {
        let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|it| self.is_due(it));
        let mut due = due.into_iter();
        let batch: Vec<Waiting> = due.by_ref().take(BATCH).collect();
        self.waiting = due.chain(rest).collect();
        let rooms = batch.iter().map(|it| it.parcel.room.dir.clone());
        self.busy.extend(rooms);
        batch
    }
}

#[derive(Debug)]
struct Waiting {
    parcel: Parcel,
    answer: oneshot::Sender<Result<Placed>>,
    waited: Duration,
}

impl Works {
    pub(super) fn new(
        site: Arc<Site>,
        threads: usize,
        patience: Duration,
        patrol: Duration,
    ) -> Self {
        Self {
            site,
            gate: Semaphore::new(threads.max(1)),
            bag: Mutex::default(),
            patience,
            patrol,
            patrolled: AtomicBool::new(false),
        }
    }

    /// Does disk work on another thread, again and again while another program has the lock. Work that has begun goes
    /// on to its end if nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let work = Arc::new(work);
        let mut waited = Duration::ZERO;
        loop {
            let result = {
                let _permit = self.gate.acquire().await;
                let work = work.clone();
                done(spawn_blocking(move || work()).await)
            };
            match result {
                Err(e) if e.kind() == Kind::Busy && waited < self.patience => {
                    waited += pause(waited).await;
                }
                other => return other,
            }
        }
    }

    /// Hands a parcel over. The answer comes once it is durable, or has failed.
    pub(super) fn post(self: &Arc<Self>, parcel: Parcel) -> oneshot::Receiver<Result<Placed>> {
        let (answer, answered) = oneshot::channel();
        self.bring(Waiting {
            parcel,
            answer,
            waited: Duration::ZERO,
        });
        answered
    }

    fn bring(self: &Arc<Self>, waiting: Waiting) {
        let lead = {
            let mut bag = lock(&self.bag);
            let lead = bag.leaders < LEADERS && bag.is_due(&waiting);
            bag.leaders += usize::from(lead);
            bag.waiting.push(waiting);
            lead
        };
        if lead {
            let (works, runtime) = (self.clone(), Handle::current());
            spawn_blocking(move || works.lead(&runtime));
        }
    }

    /// Delivers batch after batch until nothing waits that nobody else is at.
    fn lead(self: &Arc<Self>, runtime: &Handle) {
        let mut turn = Turn {
            works: self,
            rooms: Vec::new(),
            over: false,
        };
        while let Some(batch) = turn.next() {
            let (parcels, others): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|w| (w.parcel, (w.answer, w.waited)))
                .unzip();
            self.site.figures.batches.shared(parcels.len());
            let outcomes = deliver(&self.site, parcels);
            for (outcome, (answer, waited)) in outcomes.into_iter().zip(others) {
                match outcome {
                    Outcome::Done(result) => drop(answer.send(result)), // or nobody waits
                    Outcome::Busy(parcel) => self.later(runtime, parcel, answer, waited),
                }
            }
        }
    }

    fn later(
        self: &Arc<Self>,
        runtime: &Handle,
        parcel: Parcel,
        answer: oneshot::Sender<Result<Placed>>,
        waited: Duration,
    ) {
        if waited >= self.patience {
            drop(answer.send(Err(Error::new(Kind::Busy, "mailbox is locked"))));
            return;
        }
        let works = self.clone();
        runtime.spawn(async move {
            let waited = waited + pause(waited).await;
            works.bring(Waiting {
                parcel,
                answer,
                waited,
            });
        });
    }

    /// Watches a mailbox that a session waits on, where that can be.
    pub(super) fn watch(self: &Arc<Self>, room: &Arc<Room>) -> Option<Arc<Post>> {
        let (post, new) = self.site.lookout.post(self, room)?;
        if new || post.is_full() {
            post.rouse(); // something may have happened before
        }
        Some(post)
    }

    /// How long to leave a mailbox alone that others change, if it would rather be left alone for so long.
    pub(super) fn pace(&self, wanted: Duration) -> Duration {
        match self.patrol.is_zero() {
            true => wanted,
            false => wanted.min(self.patrol),
        }
    }

    /// Sees to it that somebody looks at the mailboxes that sessions wait on: one task for the whole store, for as
    /// long as anybody waits.
    pub(super) fn patrol(self: &Arc<Self>) {
        if self.patrol.is_zero() || self.patrolled.swap(true, Ordering::SeqCst) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            self.patrolled.store(false, Ordering::SeqCst);
            return;
        };
        let works = Arc::downgrade(self);
        let every = self.patrol;
        runtime.spawn(async move {
            for round in 1u32.. {
                tokio::time::sleep(every).await;
                let Some(works) = works.upgrade() else { return };
                let round = {
                    let works = works.clone();
                    spawn_blocking(move || works.walk(round)).await
                };
                if !round.unwrap_or(true) {
                    works.patrolled.store(false, Ordering::SeqCst);
                    // Somebody may have begun to wait between the look and this.
                    if !works.is_watched() || works.patrolled.swap(true, Ordering::SeqCst) {
                        return;
                    }
                }
            }
        });
    }

    fn is_watched(&self) -> bool {
        let rooms = self.site.open_rooms();
        rooms.iter().any(|room| room.watch.is_watched())
    }

    /// Looks at every mailbox that is waited on, now and then at those that are watched; says whether there was any.
    fn walk(&self, round: u32) -> bool {
        let mut any = false;
        for room in self.site.open_rooms() {
            if room.watch.is_watched() {
                any = true;
                let watched = room.post().is_some_and(|post| post.is_trusted());
                if watched && !round.is_multiple_of(SELDOM) {
                    continue;
                }
                let mut ledger = room.ledger();
                let _ = scan::refresh(&room, &mut ledger, None); // the session sees the failure when it looks
            }
        }
        any
    }
}

impl Drop for Works {
    fn drop(&mut self) {
        self.site.close();
    }
}

/// A leader's time. Should a batch panic, those who wait get an error and the next who brings something leads.
struct Turn<'w> {
    works: &'w Works,
    /// Of the batch.
    rooms: Vec<PathBuf>,
    over: bool,
}

impl Turn<'_> {
    /// The last batch is delivered. The next one, if there is any; else the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut bag = lock(&self.works.bag);
        for room in self.rooms.drain(..) {
            bag.busy.remove(&room);
        }
        let batch = bag.take();
        if batch.is_empty() {
            bag.leaders -= 1;
            self.over = true;
            return None;
        }
        let rooms = batch.iter().map(|it| it.parcel.room.dir.clone());
        self.rooms.extend(rooms);
        Some(batch)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let waiting = {
            let mut bag = lock(&self.works.bag);
            bag.leaders -= 1;
            for room in &self.rooms {
                bag.busy.remove(room);
            }
            std::mem::take(&mut bag.waiting)
        };
        drop(waiting);
    }
}

/// What a thread came back with.
pub(super) fn done<T>(joined: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    joined.unwrap_or_else(|e| Err(Error::new(Kind::Unavailable, "disk work").because(e)))
}

/// What a parcel's answer was.
pub(super) fn answered(
    answer: std::result::Result<Result<Placed>, oneshot::error::RecvError>,
) -> Result<Placed> {
    answer.unwrap_or_else(|e| Err(Error::new(Kind::Unavailable, "delivery").because(e)))
}

async fn pause(waited: Duration) -> Duration {
    let pause = (waited / 4).clamp(Duration::from_millis(5), Duration::from_millis(250));
    tokio::time::sleep(pause).await;
    pause
}
