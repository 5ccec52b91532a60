//! How busy destinations are, which says whether a connection is worth keeping. Postfix's rule (on-demand connection
//! caching, in qmgr): not for a message that comes alone, nor for a burst that concurrency takes in one go; but once a
//! delivery follows on the heels of another, and from then on as long as there are several at once, or one follows another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A delivery follows another if no more than this lies between them.
const HEELS: Duration = Duration::from_secs(1);
/// Destinations beyond which those that nothing follows any more are forgotten.
const MANY: usize = 1024;

/// The traffic to each next hop.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    flows: Mutex<HashMap<Arc<str>, Flow>>,
}

#[derive(Debug, Default)]
struct Flow {
    /// Deliveries under way.
    busy: usize,
    /// When the last one ended.
    ended: Option<Instant>,
    /// Connections are kept.
    keeps: bool,
}

impl Flow {
    fn follows(&self, now: Instant) -> bool {
        self.ended
            .is_some_and(|ended| now.saturating_duration_since(ended) <= HEELS)
    }
}

/// A delivery under way.
#[derive(Debug)]
pub(super) struct Passage<'t> {
    traffic: &'t Traffic,
    nexthop: Arc<str>,
    /// Whether its connection is to be kept for the next one.
    pub(super) keeps: bool,
    clock: fn() -> Instant,
}

impl Traffic {
    /// A delivery begins.
    pub(super) fn begin(&self, nexthop: &Arc<str>, clock: fn() -> Instant) -> Passage<'_> {
        let now = clock();
        let mut flows = self.flows();
        if flows.len() >= MANY {
            flows.retain(|_, flow| flow.busy > 0 || flow.follows(now));
        }
        let flow = flows.entry(Arc::clone(nexthop)).or_default();
        flow.busy += 1;
        flow.keeps = flow.follows(now) || flow.keeps && flow.busy > 1;
        Passage {
            traffic: self,
            nexthop: Arc::clone(nexthop),
            keeps: flow.keeps,
            clock,
        }
    }

    fn flows(&self) -> MutexGuard<'_, HashMap<Arc<str>, Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(flow) = self.traffic.flows().get_mut(&self.nexthop) {
            flow.busy = flow.busy.saturating_sub(1);
            flow.ended = Some((self.clock)());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_and_a_burst_keep_nothing_and_a_stream_does() {
        let (traffic, hop) = (Traffic::default(), Arc::from("example.test"));
        let begin = || traffic.begin(&hop, now);
        // Alone, and long after another.
        assert!(!begin().keeps);
        advance(Duration::from_millis(1001)).await;
        // All at once.
        let burst: Vec<_> = (0..5).map(|_| begin()).collect();
        assert!(burst.iter().all(|it| !it.keeps));
        drop(burst);
        // One after the other.
        advance(Duration::from_secs(1)).await;
        let first = begin();
        assert!(first.keeps);
        // Several at once go on with it, however long they take.
        advance(Duration::from_secs(60)).await;
        let second = begin();
        assert!(second.keeps);
        drop((first, second));
        advance(Duration::from_secs(2)).await;
        assert!(!begin().keeps, "it has become quiet");
        assert!(!traffic.begin(&Arc::from("other.test"), now).keeps);
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_destinations_are_forgotten() {
        let traffic = Traffic::default();
        for n in 0..10 * MANY {
            drop(traffic.begin(&Arc::from(format!("{n}.test")), now));
            advance(Duration::from_millis(10)).await;
        }
        assert!(traffic.flows().len() <= MANY + 1);
    }
}
