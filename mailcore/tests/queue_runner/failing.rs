//! A queue in which nothing can be recorded for a while.

use crate::office::{Office, later, memory, never, ok, secs};
use async_trait::async_trait;
use mailcore::store;
use mailcore::store::body::Body;
use mailcore::store::queue::{Claim, Draft, Entry, Identity, Lane, Outcome, Queue};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// A queue in which nothing can be recorded while it fails.
#[derive(Debug)]
pub(crate) struct Failing {
    below: Arc<dyn Queue>,
    fails: AtomicBool,
}

impl Failing {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            below: memory(),
            fails: AtomicBool::new(false),
        })
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    fn stands(&self) -> store::Result<()> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(store::Error::new(store::Kind::Unavailable, "the disk")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Queue for Failing {
    async fn create(&self) -> store::Result<Box<dyn Draft>> {
        self.stands()?;
        self.below.create().await
    }
    async fn claim(
        &self,
        now: SystemTime,
        lease: Duration,
        limit: usize,
    ) -> store::Result<Vec<Claim>> {
        self.below.claim(now, lease, limit).await
    }
    async fn entry(&self, identity: Identity) -> store::Result<Option<Entry>> {
        self.below.entry(identity).await
    }
    async fn content(&self, identity: Identity) -> store::Result<Option<Arc<dyn Body>>> {
        self.below.content(identity).await
    }
    async fn renew(&self, claim: &Claim, until: SystemTime) -> store::Result<Option<Claim>> {
        self.below.renew(claim, until).await
    }
    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> store::Result<bool> {
        self.stands()?;
        self.below.mark(claim, outcomes, due).await
    }
    async fn assign(&self, identity: Identity, lane: Lane) -> store::Result<()> {
        self.stands()?;
        self.below.assign(identity, lane).await
    }
    async fn warned(&self, identity: Identity) -> store::Result<()> {
        self.stands()?;
        self.below.warned(identity).await
    }
    async fn remove(&self, identity: Identity) -> store::Result<bool> {
        self.stands()?;
        self.below.remove(identity).await
    }
    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> store::Result<Vec<Entry>> {
        self.below.page(lane, after, limit).await
    }
}

const HOUR: u64 = 3600;

#[tokio::test(start_paused = true)]
async fn who_has_it_does_not_get_it_again_while_that_cannot_be_recorded() {
    let queue = Failing::new();
    let says = vec![vec![ok(), ok()], vec![ok(), later()]];
    let office = Office::on(&queue, says).await;
    let all_done = office.put("a@x.test", &["b@y.test", "c@y.test"]).await;
    let some = office.put("a@x.test", &["d@z.test", "e@z.test"]).await;
    sleep(Duration::from_millis(500)).await;
    queue.fail(true);
    // Longer than any claim.
    secs(3 * HOUR).await;
    assert_eq!(office.jobs().len(), 2);
    assert!(office.entry(all_done).await.is_some());
    queue.fail(false);
    secs(61).await;
    assert!(office.entry(all_done).await.is_none());
    let entry = office.entry(some).await.unwrap();
    assert!(matches!(
        &entry.outcomes[..],
        [Some(Outcome::Done), Some(Outcome::Deferred(_))]
    ));
    secs(HOUR).await;
    assert_eq!(office.jobs()[2..], [["e@z.test"]]);
    assert!(office.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_owed_is_written_once_when_the_queue_takes_it() {
    let queue = Failing::new();
    let mut office = Office::on(&queue, vec![vec![never()], vec![never()]]).await;
    office.put("a@x.test", &["b@y.test"]).await;
    sleep(Duration::from_millis(500)).await;
    queue.fail(true);
    secs(HOUR).await;
    assert_eq!(office.jobs(), [["b@y.test"]]);
    queue.fail(false);
    secs(HOUR).await;
    assert_eq!(office.jobs(), [["b@y.test"], ["b@y.test"], ["a@x.test"]]);
    assert!(office.all().await.is_empty());
    // Whoever stops it does not wait for a disk that fails.
    office.put("a@x.test", &["f@y.test"]).await;
    sleep(Duration::from_millis(500)).await;
    queue.fail(true);
    secs(10).await;
    let before = Instant::now();
    office.close().await;
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!(office.jobs().len(), 4);
    assert_eq!(office.all().await.len(), 1, "it is still in the queue");
}
