//! One attempt: the message's content is fetched, and a transport is given the job.

use super::Ways;
use super::hand::Hand;
use crate::deliver::{Fate, Feedback, Job, Report};
use crate::queue::scheduler::Attempt;
use async_trait::async_trait;
use bytes::Bytes;
use mailcore_store::Kind;
use mailcore_store::body::Body;
use mailcore_store::queue::Queue;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Which.
    pub(super) attempt: Attempt,
    /// How long the message waited in hand before it began.
    pub(super) waited: Duration,
    /// What came of it.
    pub(super) result: Result<Report, Lost>,
}

/// Why there was nothing to deliver.
#[derive(Debug)]
pub(super) enum Lost {
    /// The message was removed meanwhile.
    Gone,
    /// Its content cannot be read, ever: why, and what the transport made of it where it had begun.
    Corrupt(String, Option<Report>),
}

/// The job of an attempt, but for its content.
pub(super) fn job_of(hand: &Hand, attempt: &Attempt) -> impl FnOnce(Arc<dyn Body>) -> Job + use<> {
    let entry = &hand.claim.entry;
    let (identity, arrived) = (entry.identity, entry.arrived);
    let envelope = Arc::clone(&entry.envelope);
    let id = hand.id.clone();
    let positions = attempt.recipients.to_vec();
    let nexthop = Arc::clone(&attempt.destination.nexthop);
    move |content| Job {
        identity,
        id,
        envelope,
        positions,
        nexthop,
        content,
        arrived,
    }
}

/// Carries an attempt out.
pub(super) async fn run(
    queue: Arc<dyn Queue>,
    ways: Arc<Ways>,
    attempt: &Attempt,
    job: impl FnOnce(Arc<dyn Body>) -> Job + Send,
) -> Result<Report, Lost> {
    let count = attempt.recipients.len();
    let Some(transport) = ways.get(&attempt.destination.transport) else {
        // SPEC §8: mail for a transport that is not there is deferred, never returned.
        let mut report = Report::new(vec![Fate::deferred((3, 0), UNAVAILABLE); count]);
        report.feedback = Feedback::Unavailable(UNAVAILABLE.to_owned());
        return Ok(report);
    };
    match queue.content(attempt.message).await {
        Ok(Some(content)) => {
            let damage = Damage::default();
            let content = Arc::new(Read {
                body: content,
                damage: damage.clone(),
            });
            let report = transport.deliver(&job(content)).await;
            match damage.what() {
                Some(why) => Err(Lost::Corrupt(why, Some(report))),
                None => Ok(report),
            }
        }
        Ok(None) => Err(Lost::Gone),
        Err(error) if error.kind() == Kind::Corrupt => Err(Lost::Corrupt(error.to_string(), None)),
        Err(error) => {
            tracing::error!("queue: {error}");
            let fate = Fate::deferred((3, 0), "queue file read error");
            Ok(Report::new(vec![fate; count]))
        }
    }
}

const UNAVAILABLE: &str = "mail transport unavailable";

/// What a transport found damaged while it read.
#[derive(Debug, Clone, Default)]
struct Damage(Arc<Mutex<Option<String>>>);

impl Damage {
    fn what(&self) -> Option<String> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.take()
    }
}

/// Content that remembers what was found damaged in it: a transport can only defer then, and would not say why.
#[derive(Debug)]
struct Read {
    body: Arc<dyn Body>,
    damage: Damage,
}

#[async_trait]
impl Body for Read {
    fn len(&self) -> u64 {
        self.body.len()
    }

    fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    async fn read(&self, range: Range<u64>) -> mailcore_store::Result<Bytes> {
        let read = self.body.read(range).await;
        if let Err(error) = &read
            && error.kind() == Kind::Corrupt
        {
            let mut found = self.damage.0.lock().unwrap_or_else(PoisonError::into_inner);
            *found = Some(error.to_string());
        }
        read
    }
}
