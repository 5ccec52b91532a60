//! Hashing is bounded, fair, and off the event loop.
#![cfg(feature = "schemes")]

use mailcore_store::auth::{Hasher, HasherLimits};
use mailcore_store::{Kind, Result};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A hasher with one worker that is held up until told to go on, and the order in which work is then done.
struct Held {
    hasher: Hasher,
    go_on: Sender<()>,
    first: tokio::task::JoinHandle<Result<()>>,
    order: Arc<Mutex<Vec<String>>>,
}

fn limits(workers: usize, waiting: usize, waiting_per_peer: usize) -> HasherLimits {
    let mut limits = HasherLimits::default();
    limits.workers = NonZeroUsize::new(workers).expect("one or more");
    limits.waiting = waiting;
    limits.waiting_per_peer = waiting_per_peer;
    limits
}

fn peer(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

impl Held {
    async fn new(waiting: usize, waiting_per_peer: usize) -> Self {
        let hasher = Hasher::with_limits([0; 32], limits(1, waiting, waiting_per_peer));
        let (go_on, wait) = channel();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let same = hasher.clone();
        let first = tokio::spawn(async move {
            same.run(None, move || {
                begun.send(()).expect("the test waits");
                wait.recv().expect("the test says when");
            })
            .await
        });
        begins.await.expect("the worker begins");
        Self {
            hasher,
            go_on,
            first,
            order: Arc::default(),
        }
    }

    /// Puts work into the line of `from`; it stands there when this returns, or has been refused.
    fn stand(&self, from: &str, name: &str) -> Work {
        let order = Arc::clone(&self.order);
        let name = name.to_owned();
        let (hasher, from) = (self.hasher.clone(), peer(from));
        let mut work: Work = Box::pin(async move {
            let done = move || order.lock().expect("the list").push(name);
            hasher.run(from, done).await
        });
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Box::pin(async { result }),
            Poll::Pending => work,
        }
    }

    /// Lets the worker go on, and gives the order in which all was done.
    async fn order(self, all: Vec<Work>) -> Vec<String> {
        self.go_on.send(()).expect("the worker waits");
        self.first.await.expect("no panic").expect("done");
        for work in all {
            work.await.expect("done");
        }
        std::mem::take(&mut *self.order.lock().expect("the list"))
    }
}

fn kind(result: Result<()>) -> Option<Kind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn a_thousand_bad_logins_do_not_delay_a_good_one() {
    let held = Held::new(4096, 4096).await;
    let mut all: Vec<Work> = (0..1000)
        .map(|n| held.stand("203.0.113.1", &format!("bad {n}")))
        .collect();
    all.push(held.stand("192.0.2.1", "good"));
    assert_eq!(held.hasher.load().waiting, 1001);
    let mut order = held.order(all).await;
    assert_eq!(order.remove(1), "good", "right behind the first");
    let in_order = (0..1000).map(|n| format!("bad {n}"));
    assert!(order.into_iter().eq(in_order), "first come, first served");
}

#[tokio::test]
async fn neighbours_within_a_64_stand_in_one_line() {
    let held = Held::new(4096, 4096).await;
    let all = vec![
        held.stand("2001:db8::1", "a1"),
        held.stand("2001:db8::2", "a2"),
        held.stand("2001:db8:0:1::1", "b"),
        held.stand("::ffff:192.0.2.1", "c1"),
        held.stand("192.0.2.1", "c2"),
    ];
    assert_eq!(held.order(all).await, ["a1", "b", "c1", "a2", "c2"]);
}

#[tokio::test]
async fn a_full_line_refuses_and_others_still_stand() {
    let held = Held::new(4096, 2).await;
    let mut all = vec![held.stand("192.0.2.1", "a1"), held.stand("192.0.2.1", "a2")];
    let refused = held.stand("192.0.2.1", "a3").await;
    assert_eq!(kind(refused), Some(Kind::Busy));
    all.push(held.stand("192.0.2.2", "b"));
    assert_eq!(held.order(all).await, ["a1", "b", "a2"]);
}

#[tokio::test]
async fn a_newcomer_takes_the_place_of_the_last_in_the_longest_line() {
    let held = Held::new(3, 3).await;
    let mut all = vec![held.stand("192.0.2.1", "a1"), held.stand("192.0.2.1", "a2")];
    let last = held.stand("192.0.2.1", "a3");
    all.push(held.stand("192.0.2.2", "b"));
    assert_eq!(kind(last.await), Some(Kind::Busy));
    let even = held.stand("192.0.2.2", "b2").await;
    assert_eq!(
        kind(even),
        Some(Kind::Busy),
        "his line would be the longest"
    );
    assert_eq!(held.hasher.load().waiting, 3);
    assert_eq!(held.order(all).await, ["a1", "b", "a2"]);
}

#[tokio::test]
async fn work_whose_login_is_gone_is_not_done() {
    let held = Held::new(10, 10).await;
    let hasher = held.hasher.clone();
    drop(held.stand("192.0.2.1", "gone"));
    let all = vec![held.stand("192.0.2.1", "there")];
    assert_eq!(held.order(all).await, ["there"]);
    assert_eq!(hasher.load().waiting, 0);
}

#[tokio::test]
async fn a_panic_costs_its_one_login() {
    let hasher = Hasher::with_limits([0; 32], limits(1, 10, 10));
    for _ in 0..3 {
        let failed = hasher.run(None, || panic!("a bug, on purpose")).await;
        assert_eq!(kind(failed), Some(Kind::Busy));
        assert_eq!(hasher.run(None, || 7).await.expect("done"), 7);
    }
}

/// While as many are computed as may be, none more is begun; and none of it on the thread of the event loop.
#[tokio::test]
async fn no_more_is_computed_at_once_than_allowed() {
    let hasher = Hasher::with_limits([0; 32], limits(3, 100, 100));
    let here = std::thread::current().id();
    let most = Arc::new(Mutex::new((0, 0)));
    let mut all = tokio::task::JoinSet::new();
    for n in 0..50 {
        let (hasher, most) = (hasher.clone(), Arc::clone(&most));
        let work = move || {
            let mut now = most.lock().expect("the count");
            now.0 += 1;
            now.1 = now.1.max(now.0);
            drop(now);
            std::thread::yield_now();
            most.lock().expect("the count").0 -= 1;
            assert_ne!(std::thread::current().id(), here);
            Arc::strong_count(&most)
        };
        let from = peer(&format!("192.0.2.{}", n % 7));
        all.spawn(async move { hasher.run(from, work).await });
    }
    while let Some(result) = all.join_next().await {
        result.expect("no panic").expect("done");
    }
    assert!(most.lock().expect("the count").1 <= 3);
    assert_eq!(hasher.load().waiting, 0);
}

#[test]
fn without_a_runtime_it_says_so() {
    let hasher = Hasher::new([0; 32]);
    let mut asked = Box::pin(hasher.run(None, || ()));
    let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(result) = polled else {
        panic!("it waits for nobody");
    };
    assert_eq!(kind(result), Some(Kind::Unavailable));
}
