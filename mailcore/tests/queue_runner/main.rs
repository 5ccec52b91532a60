//! What the runner does with a queue, in stopped time: a transport that says what the test wants, a queue in memory.

#![allow(clippy::unwrap_used)]

mod failing;
mod lookups;
mod office;

use async_trait::async_trait;
use bytes::Bytes;
use mailcore::base::address::ReversePath;
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::deliver::{Job, Report, Transport};
use mailcore::queue::scheduler::Options;
use mailcore::queue::{Orders, Runner};
use mailcore::store::mailbox::Clock;
use mailcore::store::queue::{Identity, Lane, MemoryQueue, Outcome, Queue};
use office::{Office, later, never, ok, secs, setup};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_removed() {
    let office = Office::open(Options::default(), vec![]);
    let message = office.put("a@x.test", &["b@y.test", "c@z.test"]).await;
    secs(5).await;
    assert_eq!(office.jobs().len(), 2, "a job for each domain");
    assert!(office.entry(message).await.is_none());
    let jobs = office.out.jobs.lock().unwrap();
    assert!(
        jobs.iter()
            .all(|(_, _, content)| content == "Subject: x\r\n\r\nbody\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn who_has_it_does_not_get_it_again_and_who_was_deferred_does_after_the_backoff() {
    let says = vec![vec![ok(), later()]];
    let office = Office::open(Options::default(), says);
    let message = office.put("a@x.test", &["b@y.test", "c@y.test"]).await;
    secs(5).await;
    let entry = office.entry(message).await.unwrap();
    assert_eq!(entry.lane, Lane::Deferred);
    assert_eq!(
        entry.outcomes,
        [
            Some(Outcome::Done),
            Some(Outcome::Deferred("greylisted".into()))
        ]
    );
    secs(290).await;
    assert_eq!(office.jobs().len(), 1, "not before the backoff is over");
    secs(700).await;
    assert_eq!(office.jobs()[1..], [["c@y.test"]]);
    assert!(office.entry(message).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failure_comes_back_to_its_sender_as_a_report() {
    let office = Office::open(Options::default(), vec![vec![never()]]);
    let message = office.put("a@x.test", &["b@y.test"]).await;
    secs(5).await;
    assert!(office.entry(message).await.is_none());
    assert!(office.all().await.is_empty(), "the report has gone too");
    assert_eq!(office.jobs(), [["b@y.test"], ["a@x.test"]]);
    let jobs = office.out.jobs.lock().unwrap();
    let report = &jobs[1].2;
    assert!(
        report.starts_with("Received: by mail.here.test "),
        "{report}"
    );
    assert!(report.contains("Action: failed"), "{report}");
    assert!(report.contains("no such user"), "{report}");
    assert!(report.contains("Subject: x"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_fails_is_reported_to_nobody() {
    let office = Office::open(Options::default(), vec![vec![never()]]);
    office.put("", &["b@y.test"]).await;
    secs(5).await;
    assert!(office.all().await.is_empty());
    assert_eq!(office.jobs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_grows_too_old_is_returned() {
    let options = Options {
        lifetime: Duration::from_secs(1_000),
        run_delay: Duration::ZERO,
        ..Options::default()
    };
    let says = vec![vec![later()]; 4];
    let office = Office::open(options, says);
    let message = office.put("a@x.test", &["b@y.test"]).await;
    secs(900).await;
    assert!(office.entry(message).await.is_some());
    secs(1_200).await;
    assert!(office.entry(message).await.is_none());
    let jobs = office.jobs();
    assert_eq!(jobs.last().unwrap(), &["a@x.test"], "{jobs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_is_not_there_defers_and_never_returns() {
    let office = Office::open(Options::default(), vec![]);
    // Nothing is delivered into mailboxes here.
    let message = office.put("a@x.test", &["b@here.test"]).await;
    secs(5).await;
    let entry = office.entry(message).await.unwrap();
    let why = Outcome::Deferred("mail transport unavailable".into());
    assert_eq!(entry.outcomes, [Some(why)]);
}

#[tokio::test(start_paused = true)]
async fn held_mail_waits_and_retried_mail_does_not() {
    let office = Office::open(Options::default(), vec![vec![later()]]);
    let desk = mailcore::admin::QueueDesk::new(Arc::clone(&office.queue), office.orders.clone());
    let all = mailcore::admin::Selection::All;
    let message = office.put("a@x.test", &["b@y.test"]).await;
    secs(5).await;
    assert_eq!(desk.hold(&all).await.unwrap(), 1);
    secs(10_000).await;
    assert_eq!(office.jobs().len(), 1, "it is on hold");
    assert_eq!(desk.release(&all).await.unwrap(), 1);
    secs(5).await;
    assert_eq!(office.jobs().len(), 2);
    assert!(office.entry(message).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_deleted_while_it_is_sent_is_forgotten() {
    let office = Office::open(Options::default(), vec![vec![later()]]);
    let desk = mailcore::admin::QueueDesk::new(Arc::clone(&office.queue), office.orders.clone());
    office.put("a@x.test", &["b@y.test"]).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(office.jobs().len(), 1);
    let all = mailcore::admin::Selection::All;
    assert_eq!(desk.delete(&all).await.unwrap(), 1);
    secs(10_000).await;
    assert_eq!(office.jobs().len(), 1);
    assert!(office.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_what_runs_and_begins_nothing() {
    let mut office = Office::open(Options::default(), vec![]);
    let one = office.put("a@x.test", &["b@y.test"]).await;
    sleep(Duration::from_millis(500)).await;
    office.close().await;
    assert!(
        office.entry(one).await.is_none(),
        "it was delivered and recorded"
    );
    let two = office.put("a@x.test", &["b@y.test"]).await;
    secs(100).await;
    assert_eq!(office.entry(two).await.unwrap().lane, Lane::Incoming);
    office.run(Options::default());
    secs(5).await;
    assert!(office.entry(two).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_crowd_goes_out_whole() {
    let office = Office::open(Options::default(), vec![]);
    for n in 0..1_000 {
        let to = format!("u{n}@d{}.test", n % 37);
        office.put("a@x.test", &[&to]).await;
    }
    secs(120).await;
    assert!(office.all().await.is_empty());
    assert_eq!(office.jobs().len(), 1_000);
}

/// A transport that panics.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Transport for Broken {
    async fn deliver(&self, _: &Job) -> Report {
        panic!("this transport is broken")
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_costs_one_attempt() {
    let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(Identity(1), 1 << 30));
    let runner = Runner::new(setup(
        Arc::clone(&queue),
        Arc::new(Broken),
        Options::default(),
        Clock::system(),
        Orders::new(),
    ));
    let draft = queue.create().await.unwrap();
    let mut envelope = Envelope::new(ReversePath::Null);
    let to: mailcore::base::address::Address = "b@y.test".parse().unwrap();
    envelope.recipients.push(Recipient::new(to));
    let header = Bytes::from_static(b"\r\n");
    let put = draft.commit(header, envelope, SystemTime::now(), Lane::Incoming);
    let message = put.await.unwrap();
    let running = tokio::spawn(runner.run(std::future::pending()));
    secs(5).await;
    let entry = queue.entry(message).await.unwrap().unwrap();
    assert!(matches!(entry.outcomes[..], [Some(Outcome::Deferred(_))]));
    running.abort();
}
