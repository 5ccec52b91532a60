//! Questions for messages in an order. The mailbox meant is the open one.

use super::{Answer, Decline, Question, Search};
use crate::sort::Criterion;
use crate::thread::{Algorithm, Threads};
use crate::types::Failed;
use mailcore_base::mailbox::Uid;
use std::sync::Arc;

/// Which messages match, ordered so ([`Sorting`](crate::sort::Sorting)).
#[derive(Debug, Clone)]
pub struct Sort {
    /// Which messages.
    pub search: Search,
    /// By what, the first deciding first.
    pub order: Arc<[Criterion]>,
}

/// Which messages match, in threads ([`Threading`](crate::thread::Threading)).
#[derive(Debug, Clone)]
pub struct Thread {
    /// Which messages.
    pub search: Search,
    /// How they are put together.
    pub by: Algorithm,
}

impl Question<'_, Sort> {
    /// Those that match, each once.
    pub fn answer(self, found: Result<Vec<Uid>, Failed>) {
        self.answered(Answer::Ordered(found));
    }
}

impl Question<'_, Thread> {
    /// Those that match, each once.
    pub fn answer(self, found: Result<Threads, Failed>) {
        self.answered(Answer::Threaded(found));
    }
}

impl Decline for Sort {
    fn refusal() -> Answer {
        Answer::Ordered(Err(Failed::Unavailable))
    }
}

impl Decline for Thread {
    fn refusal() -> Answer {
        Answer::Threaded(Err(Failed::Unavailable))
    }
}
