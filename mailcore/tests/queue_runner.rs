//! What the runner does with a queue, in stopped time: a transport that says what the test wants, a queue in memory.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use mailcore::auth::{self, MemoryUsers};
use mailcore::base::address::ReversePath;
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::bounce;
use mailcore::deliver::hosts::{ExchangerOptions, Exchangers};
use mailcore::deliver::{Fate, Job, Report, Transport};
use mailcore::dns::{Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa};
use mailcore::intake::Intake;
use mailcore::queue::scheduler::Options;
use mailcore::queue::{Orders, Runner, Setup, Ways};
use mailcore::route::Routes;
use mailcore::store;
use mailcore::store::body::Body;
use mailcore::store::mailbox::Clock;
use mailcore::store::queue::{Claim, Draft, Entry, Identity, Lane, MemoryQueue, Outcome, Queue};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A transport that says what it was told to say, and remembers its jobs.
#[derive(Debug, Default)]
struct Told {
    says: Mutex<VecDeque<Vec<Fate>>>,
    jobs: Mutex<Vec<(Instant, Vec<String>, String)>>,
    takes: Duration,
}

#[async_trait]
impl Transport for Told {
    async fn deliver(&self, job: &Job) -> Report {
        let to = job.recipients().map(|r| r.path.to_string()).collect();
        let content = whole(&*job.content).await;
        self.jobs
            .lock()
            .unwrap()
            .push((Instant::now(), to, content));
        sleep(self.takes).await;
        let said = self.says.lock().unwrap().pop_front();
        match said {
            Some(fates) => Report::new(fates),
            None => job.all(Fate::delivered("there", "ok")),
        }
    }
}

async fn whole(body: &dyn Body) -> String {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let run = body.read(at..body.len()).await.unwrap();
        at += run.len() as u64;
        out.extend_from_slice(&run);
    }
    String::from_utf8(out).unwrap()
}

/// A queue that is run, and the transport behind it.
struct Office {
    queue: Arc<dyn Queue>,
    out: Arc<Told>,
    orders: Orders,
    clock: Clock,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Office {
    fn open(options: Options, says: Vec<Vec<Fate>>) -> Self {
        let out = Told {
            says: Mutex::new(says.into()),
            takes: Duration::from_secs(1),
            ..Told::default()
        };
        let out = Arc::new(out);
        let (start, at) = (Instant::now(), SystemTime::now());
        let clock = Clock::new(move || at + start.elapsed());
        let mut office = Self {
            queue: memory(),
            out,
            orders: Orders::new(),
            clock,
            stop: None,
            running: None,
        };
        office.run(options);
        office
    }

    /// One on a queue that may be failing.
    async fn on(failing: &Arc<Failing>, says: Vec<Vec<Fate>>) -> Self {
        let mut office = Self::open(Options::default(), says);
        office.close().await;
        office.queue = Arc::clone(failing) as Arc<dyn Queue>;
        office.run(Options::default());
        office
    }

    fn run(&mut self, options: Options) {
        self.run_with(options, None);
    }

    fn run_with(&mut self, options: Options, exchangers: Option<Exchangers>) {
        let out = Arc::clone(&self.out) as Arc<dyn Transport>;
        let queue = Arc::clone(&self.queue);
        let orders = self.orders.clone();
        let mut setup = setup(queue, out, options, self.clock.clone(), orders);
        setup.exchangers = exchangers;
        let runner = Runner::new(setup);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        self.stop = Some(stop);
        self.running = Some(tokio::spawn(runner.run(async move {
            let _ = stopped.await;
        })));
    }

    async fn put(&self, sender: &str, recipients: &[&str]) -> Identity {
        let mut draft = self.queue.create().await.unwrap();
        draft.write(b"\r\nbody\r\n").await.unwrap();
        let sender = match sender {
            "" => ReversePath::Null,
            sender => ReversePath::Address(sender.parse().unwrap()),
        };
        let mut envelope = Envelope::new(sender);
        for recipient in recipients {
            let address: mailcore::base::address::Address = recipient.parse().unwrap();
            envelope.recipients.push(Recipient::new(address));
        }
        let header = Bytes::from_static(b"Subject: x\r\n");
        let arrived = self.clock.now();
        let put = draft.commit(header, envelope, arrived, Lane::Incoming);
        let identity = put.await.unwrap();
        self.orders.look();
        identity
    }

    async fn entry(&self, message: Identity) -> Option<Entry> {
        self.queue.entry(message).await.unwrap()
    }

    async fn all(&self) -> Vec<Entry> {
        self.queue.page(None, None, 100).await.unwrap()
    }

    fn jobs(&self) -> Vec<Vec<String>> {
        let jobs = self.out.jobs.lock().unwrap();
        jobs.iter().map(|(_, to, _)| to.clone()).collect()
    }

    /// Stops in good order.
    async fn close(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap();
    }
}

fn memory() -> Arc<dyn Queue> {
    Arc::new(MemoryQueue::new(Identity(1), 1 << 30))
}

/// A runner's surroundings: one transport, for other servers.
fn setup(
    queue: Arc<dyn Queue>,
    out: Arc<dyn Transport>,
    options: Options,
    clock: Clock,
    orders: Orders,
) -> Setup {
    let users = MemoryUsers::new(auth::hasher());
    let routes = Arc::new(Routes::new(
        "here.test".parse().unwrap(),
        [],
        Arc::new(users),
    ));
    let hostname = "mail.here.test";
    let bell = orders.bell();
    let intake = Intake::new(hostname, Arc::clone(&routes), Arc::clone(&queue), bell);
    Setup {
        queue,
        routes,
        ways: Arc::new(Ways::from([("smtp".into(), out)])),
        intake: intake.with_clock(clock.clone()),
        reports: bounce::Options::new(hostname.parse().unwrap()),
        options,
        exchangers: None,
        clock,
        orders,
    }
}

fn ok() -> Fate {
    Fate::delivered("there", "ok")
}

fn later() -> Fate {
    Fate::deferred((2, 0), "greylisted")
}

fn never() -> Fate {
    Fate::failed((1, 1), "no such user")
}

async fn secs(n: u64) {
    sleep(Duration::from_secs(n)).await;
}

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

/// A resolver that knows of one domain at once, and of all others after ten seconds.
#[derive(Debug)]
struct Slow;

#[async_trait]
impl Resolve for Slow {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        if domain != "fast.test" {
            secs(10).await;
        }
        let exchange = Exchange {
            preference: 10,
            host: "mx.test".into(),
        };
        Ok(Answer::of(vec![exchange]))
    }
    async fn addresses(&self, _: &str, _: Family) -> Result<Answer<Address>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn txt(&self, _: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn ptr(&self, _: std::net::IpAddr) -> Result<Answer<String>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn tlsa(&self, _: &str) -> Result<Answer<Tlsa>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn ns(&self, _: &str) -> Result<Answer<String>, DnsError> {
        Err(DnsError::BadName)
    }
}

/// A queue that is run with destinations grouped by their mail exchangers, as far as [`Slow`] tells of them.
async fn grouped() -> Office {
    let mut office = Office::open(Options::default(), vec![]);
    office.close().await;
    let exchangers = Exchangers::new(Arc::new(Slow), ExchangerOptions::default());
    office.run_with(Options::default(), Some(exchangers));
    office
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_up_delays_its_own_message_alone_and_not_for_long() {
    let office = grouped().await;
    for n in 0..50 {
        let to = format!("x@slow{n}.test");
        office.put("a@x.test", &[&to]).await;
    }
    office.put("a@x.test", &["x@fast.test"]).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(office.jobs(), [["x@fast.test"]]);
    sleep(Duration::from_millis(1_400)).await;
    assert_eq!(office.jobs().len(), 1);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(office.jobs().len(), 51);
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_deleted_or_held_while_its_servers_are_looked_up_is_not_sent() {
    let office = grouped().await;
    let desk = mailcore::admin::QueueDesk::new(Arc::clone(&office.queue), office.orders.clone());
    let all = mailcore::admin::Selection::All;
    office.put("a@x.test", &["x@slow.test"]).await;
    secs(1).await;
    assert_eq!(desk.hold(&all).await.unwrap(), 1);
    secs(1_000).await;
    assert!(office.jobs().is_empty());
    assert_eq!(desk.release(&all).await.unwrap(), 1);
    secs(5).await;
    assert_eq!(office.jobs(), [["x@slow.test"]]);
    assert!(office.all().await.is_empty());
}

/// A queue in which nothing can be recorded while it fails.
#[derive(Debug)]
struct Failing {
    below: Arc<dyn Queue>,
    fails: AtomicBool,
}

impl Failing {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            below: memory(),
            fails: AtomicBool::new(false),
        })
    }

    fn fail(&self, fails: bool) {
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
