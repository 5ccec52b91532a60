//! The asynchronous side: wishes gather while the disk works, and share the next flush.

use super::house::{House, lock};
use super::stage::{Answer, Wish};
use super::writer::Writer;
use crate::{Error, Kind, Result};
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::timeout;

/// Most wishes of one batch.
const BATCH: usize = 512;

pub(super) struct Works {
    pub(super) house: Arc<House>,
    writer: Mutex<Writer>,
    bag: Mutex<Bag>,
    /// Held by whoever writes.
    turn: Arc<Mutex<()>>,
}

/// What waits to be written. Whoever brings something pressing while nobody writes sees to it that somebody does; what
/// comes meanwhile goes with the next batch. So nobody who is waited for waits for company, and many share a flush.
#[derive(Default)]
struct Bag {
    waiting: Vec<Wish>,
    /// How much in it waits for no company.
    pressing: usize,
    /// More than one came for the last batch, or came while it was written.
    crowded: bool,
    led: bool,
}

impl Bag {
    /// Whether whoever asks is to see to it that what is in it is written.
    fn lead(&mut self) -> bool {
        self.pressing > 0 && !std::mem::replace(&mut self.led, true)
    }

    /// The next batch. None where nothing pressing waits and all is `tidy`: then nobody leads any more.
    fn batch(&mut self, tidy: bool) -> Option<Vec<Wish>> {
        if self.pressing == 0 && tidy {
            self.led = false;
            return None;
        }
        self.crowded = self.pressing > 1;
        let count = self.waiting.len().min(BATCH);
        let batch = self.waiting.drain(..count).collect();
        self.pressing = self.waiting.len();
        Some(batch)
    }
}

impl Works {
    pub(super) fn new(house: Arc<House>, writer: Writer) -> Self {
        Self {
            house,
            writer: Mutex::new(writer),
            bag: Mutex::default(),
            turn: Arc::default(),
        }
    }

    /// Has a wish granted. What has begun goes on to its end if nobody waits for it any more.
    pub(super) async fn ask<T>(
        self: &Arc<Self>,
        wish: impl FnOnce(Answer<T>) -> Wish,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        if self.bring(wish(answer), true) {
            match self.alone() {
                true => block_in_place(|| self.lead_once()),
                false => self.have_led(),
            }
        }
        let answered = answered.await;
        answered.unwrap_or_else(|e| Err(super::unavailable().because(e)))
    }

    /// The same for what may wait a little for others to share a flush with ([`Options::patience`](super::Options)).
    pub(super) async fn ask_patiently<T>(
        self: &Arc<Self>,
        wish: impl FnOnce(Answer<T>) -> Wish,
    ) -> Result<T> {
        let patience = self.house.options.patience;
        if patience.is_zero() {
            return self.ask(wish).await;
        }
        let (answer, mut answered) = oneshot::channel();
        self.bring(wish(answer), false);
        let impatience = Impatience(self);
        let answered = match timeout(patience, &mut answered).await {
            Ok(answered) => {
                std::mem::forget(impatience);
                answered
            }
            Err(_) => {
                drop(impatience);
                answered.await
            }
        };
        answered.unwrap_or_else(|e| Err(super::unavailable().because(e)))
    }

    /// Puts a wish to the others; whether whoever brought it is to have them written.
    fn bring(&self, wish: Wish, pressing: bool) -> bool {
        let mut bag = lock(&self.bag);
        bag.waiting.push(wish);
        bag.pressing += usize::from(pressing);
        bag.lead()
    }

    /// Whether what waits, if anything does, is to be written now by whoever asks.
    fn press(&self) -> bool {
        let mut bag = lock(&self.bag);
        bag.pressing = bag.waiting.len();
        bag.lead()
    }

    fn have_led(self: &Arc<Self>) {
        let works = Arc::clone(self);
        let turn = Arc::clone(&self.turn);
        spawn_blocking(move || {
            let held = lock(&turn);
            works.lead();
            // Whoever waits for the turn may be the last who has the queue.
            drop(works);
            drop(held);
        });
    }

    /// Writes batch after batch until nothing pressing waits and all is tidy.
    fn lead(&self) {
        let resign = Resign(self);
        let mut writer = lock(&self.writer);
        let mut tidy = false;
        while let Some(batch) = self.batch(tidy) {
            writer.write(batch);
            tidy = !writer.tidy();
        }
        std::mem::forget(resign);
    }

    fn batch(&self, tidy: bool) -> Option<Vec<Wish>> {
        lock(&self.bag).batch(tidy)
    }

    /// Whether what is brought now is best written where it is brought: nobody else brings anything, and the runtime can
    /// do without this thread for a while. Two threads need not be woken then, which takes half as long as a flush.
    fn alone(&self) -> bool {
        let threads = || Handle::try_current().map(|it| it.runtime_flavor());
        self.house.options.in_place
            && !lock(&self.bag).crowded
            && matches!(threads(), Ok(RuntimeFlavor::MultiThread))
    }

    /// Writes one batch. What has come meanwhile, and tidying, is another's affair.
    fn lead_once(self: &Arc<Self>) {
        let held = lock(&self.turn);
        let resign = Resign(self);
        let tidy = {
            let mut writer = lock(&self.writer);
            if let Some(batch) = self.batch(false) {
                writer.write(batch);
            }
            writer.is_tidy()
        };
        std::mem::forget(resign);
        drop(held);
        let over = {
            let mut bag = lock(&self.bag);
            bag.crowded |= bag.pressing > 0;
            bag.led = bag.pressing > 0 || !tidy;
            !bag.led
        };
        if !over {
            self.have_led();
        }
    }

    /// Waits until what was brought is written and whoever writes has nothing more to do.
    pub(super) fn pause(&self) {
        let held = lock(&self.turn);
        if self.press() {
            self.lead();
        }
        drop(held);
    }

    /// Does work that may wait for the disk, on another thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = spawn_blocking(work).await;
        done.unwrap_or_else(|e| Err(Error::new(Kind::Unavailable, "disk work").because(e)))
    }
}

/// Should a batch panic, those in it get an error and the next who brings something leads.
struct Resign<'w>(&'w Works);

impl Drop for Resign<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut bag = lock(&self.0.bag);
            bag.led = false;
            bag.pressing = 0;
            std::mem::take(&mut bag.waiting)
        };
        drop(waiting);
    }
}

/// Has what waits for company written at the latest when it is dropped: nothing stays behind of whoever waits no more.
struct Impatience<'w>(&'w Arc<Works>);

impl Drop for Impatience<'_> {
    fn drop(&mut self) {
        // Outside of any runtime, as when one comes to its end, whoever comes next takes it along.
        if Handle::try_current().is_ok() && self.0.press() {
            self.0.have_led();
        }
    }
}

impl fmt::Debug for Works {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Works")
            .field("messages", &self.house.index().len())
            .finish_non_exhaustive()
    }
}
