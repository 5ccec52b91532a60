//! The desk that answers the toy's questions: a store that takes its time.

use super::octet;
use super::server::Ask;
use mailcore::net::{End, Transport};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was asked of the store, and what became of it.
#[derive(Debug, Default)]
pub struct Tally {
    pub begun: AtomicU64,
    pub finished: AtomicU64,
    pub dropped: AtomicU64,
    pub commits: AtomicU64,
    pub abandoned: AtomicU64,
    pub secured: AtomicU64,
    pub served: AtomicU64,
}

impl Tally {
    pub fn of(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }
}

/// A store's speed and its tally.
#[derive(Debug, Clone, Default)]
pub struct Store {
    pub tally: Arc<Tally>,
    /// How long a word takes.
    pub word: Duration,
    /// How long a run of octets takes.
    pub bytes: Duration,
    /// How long a commit takes.
    pub commit: Duration,
}

/// Counts a piece of work, also when it is dropped.
struct Work<'t>(&'t Tally, bool);

impl<'t> Work<'t> {
    fn begin(tally: &'t Tally) -> Self {
        tally.begun.fetch_add(1, Ordering::SeqCst);
        Self(tally, false)
    }

    fn finish(mut self) {
        self.1 = true;
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let counter = if self.1 {
            &self.0.finished
        } else {
            &self.0.dropped
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

impl Store {
    async fn take(&self, time: Duration) {
        let work = Work::begin(&self.tally);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        work.finish();
    }
}

impl Store {
    pub async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) {
        match ask {
            Ask::Word(mut question) => {
                let (word, mut line) = question.parts();
                let work = async {
                    self.take(self.word).await;
                    word.to_uppercase()
                };
                if let Some(word) = end.attend(&mut line, work).await {
                    question.answer(&word);
                }
            }
            Ask::Bytes(mut question) => {
                let (&(at, room), mut line) = question.parts();
                let work = async {
                    self.take(self.bytes).await;
                    (at..at + room as u64).map(octet).collect::<Vec<_>>()
                };
                if let Some(bytes) = end.attend(&mut line, work).await {
                    self.tally
                        .served
                        .fetch_add(bytes.len() as u64, Ordering::SeqCst);
                    question.answer(&bytes);
                }
            }
            Ask::Content(content) => {
                let n = content.bytes().len();
                content.taken(n);
            }
            Ask::Commit(mut question) => {
                let (_, mut line) = question.parts();
                let n = end
                    .carry(&mut line, async {
                        self.take(self.commit).await;
                        self.tally.commits.fetch_add(1, Ordering::SeqCst) + 1
                    })
                    .await;
                question.answer(n);
            }
            Ask::Secured(question) => {
                self.tally.secured.fetch_add(1, Ordering::SeqCst);
                question.answer();
            }
            Ask::Abandoned(question) => {
                self.tally.abandoned.fetch_add(1, Ordering::SeqCst);
                question.answer();
            }
        }
    }
}
