//! The asynchronous side: wishes gather while the disk works, and share the next flush.

use super::house::{House, lock};
use super::stage::{Answer, Wish};
use super::writer::Writer;
use crate::{Error, Kind, Result};
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Most wishes of one batch.
const BATCH: usize = 512;

pub(super) struct Works {
    pub(super) house: Arc<House>,
    writer: Mutex<Writer>,
    bag: Mutex<Bag>,
    /// Held by whoever writes.
    turn: Arc<Mutex<()>>,
}

/// What waits to be written. Whoever brings something while nobody writes sees to it that somebody does; what comes
/// meanwhile goes with the next batch. So nobody waits for company, and many share a flush.
#[derive(Default)]
struct Bag {
    waiting: Vec<Wish>,
    led: bool,
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
        self.bring(wish(answer));
        let answered = answered.await;
        answered.unwrap_or_else(|e| Err(super::unavailable().because(e)))
    }

    fn bring(self: &Arc<Self>, wish: Wish) {
        let lead = {
            let mut bag = lock(&self.bag);
            bag.waiting.push(wish);
            !std::mem::replace(&mut bag.led, true)
        };
        if lead {
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
    }

    /// Writes batch after batch until nothing waits and all is tidy.
    fn lead(&self) {
        let resign = Resign(self);
        let mut writer = lock(&self.writer);
        let mut untidy = true;
        loop {
            let batch: Vec<Wish> = {
                let mut bag = lock(&self.bag);
                if bag.waiting.is_empty() && !untidy {
                    bag.led = false;
                    std::mem::forget(resign);
                    return;
                }
                let count = bag.waiting.len().min(BATCH);
                bag.waiting.drain(..count).collect()
            };
            for wish in batch {
                writer.take(wish);
            }
            // Each that waits has been told how it went.
            let _ = writer.settle();
            untidy = writer.tidy();
        }
    }

    /// Waits for whoever writes to have nothing more to do.
    pub(super) fn pause(&self) {
        drop(lock(&self.turn));
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
            std::mem::take(&mut bag.waiting)
        };
        drop(waiting);
    }
}

impl fmt::Debug for Works {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Works")
            .field("messages", &self.house.index().len())
            .finish_non_exhaustive()
    }
}
