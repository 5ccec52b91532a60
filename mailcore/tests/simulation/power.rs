//! The power of one start of the server: it lasts until so many disk operations, or until shortly behind something that is
//! seen from outside, or to the end.

use crate::journal::{Journal, Moment};
use mailcore::store::disk::SimDisk;
use mailcore::store::mailbox::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// When power is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After this operation.
    After(u64),
    /// So many operations behind the attempt of this number to deliver something.
    BehindAttempt(u64, u64),
    /// So many operations after a server has taken something, whether or not its answer has come.
    BehindAcceptance(u64, u64),
    /// So many operations behind the answer of this number that a client has read.
    BehindAnswer(u64, u64),
    /// Before the sync of this number, with what it was to save.
    BeforeSync(u64),
    /// When all is settled.
    AtRest,
}

/// What is seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Attempt,
    Acceptance,
    Answer,
    Sync,
}

#[derive(Debug, Clone)]
pub struct Power {
    pub disk: SimDisk,
    pub clock: Clock,
    pub journal: Journal,
    /// Which start of the server this is.
    start: u64,
    cut: Cut,
    /// After which operation power is lost, once that is known.
    last: Arc<AtomicU64>,
    seen: Arc<AtomicU64>,
    gone: Arc<Notify>,
}

impl Power {
    pub fn on(disk: SimDisk, journal: Journal, start: u64, cut: Cut) -> Self {
        let power = Self {
            clock: Clock::system(),
            disk,
            journal,
            start,
            cut,
            last: Arc::new(AtomicU64::new(u64::MAX)),
            seen: Arc::default(),
            gone: Arc::default(),
        };
        if let Cut::After(last) = cut {
            power.lasts_until(power.disk.operations() + last);
        }
        power
    }

    fn lasts_until(&self, last: u64) {
        self.last.store(last, Ordering::SeqCst);
        self.disk.crash_after(last);
        self.gone.notify_one();
    }

    /// Something has been seen from outside.
    pub fn saw(&self, what: Seen) {
        let (number, behind) = match (self.cut, what) {
            (Cut::BehindAttempt(number, behind), Seen::Attempt)
            | (Cut::BehindAcceptance(number, behind), Seen::Acceptance)
            | (Cut::BehindAnswer(number, behind), Seen::Answer) => (number, behind),
            (Cut::BeforeSync(number), Seen::Sync) => (number, 0),
            _ => return,
        };
        if self.seen.fetch_add(1, Ordering::SeqCst) == number {
            self.lasts_until(self.disk.operations() + behind);
        }
    }

    /// From now on the time of the disk is that of the runtime, which runs.
    pub fn runs(self) -> Self {
        let (disk, at, since) = (self.disk.clone(), self.disk.now(), Instant::now());
        let clock = Clock::new(move || {
            let now = at + since.elapsed();
            disk.advance(now.duration_since(disk.now()).unwrap_or_default());
            disk.now()
        });
        Self { clock, ..self }
    }

    pub fn moment(&self) -> Moment {
        (self.start, self.clock.now())
    }

    /// The disk has failed.
    pub fn fault(&self, what: &str) {
        let moment = self.moment();
        self.journal.note(moment, format!("{what} fails"));
        self.journal.page().faults.push(moment);
    }

    pub fn is_on(&self) -> bool {
        self.disk.operations() < self.last.load(Ordering::SeqCst)
    }

    /// To be called when the disk has worked.
    pub fn watch(&self) -> impl Fn() + Send + Sync + 'static {
        let power = self.clone();
        move || {
            if !power.is_on() {
                power.gone.notify_one();
            }
        }
    }

    /// Returns when power is lost.
    pub async fn lost(&self) {
        while self.is_on() {
            self.gone.notified().await;
        }
    }

    /// Goes on only while there is power: whoever is out there sees nothing of what comes later.
    pub async fn check(&self) {
        while !self.is_on() {
            tokio::time::sleep(Duration::from_secs(1 << 30)).await;
        }
    }
}
