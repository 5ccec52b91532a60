//! A queue that is run, and a transport that says what it was told to say.

use crate::failing::Failing;
use async_trait::async_trait;
use bytes::Bytes;
use mailcore::auth::{self, MemoryUsers};
use mailcore::base::address::ReversePath;
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::bounce;
use mailcore::deliver::hosts::Exchangers;
use mailcore::deliver::{Fate, Job, Report, Transport};
use mailcore::intake::Intake;
use mailcore::queue::scheduler::Options;
use mailcore::queue::{Orders, Runner, Setup, Ways};
use mailcore::route::Routes;
use mailcore::store::body::Body;
use mailcore::store::mailbox::Clock;
use mailcore::store::queue::{Entry, Identity, Lane, MemoryQueue, Queue};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A transport that says what it was told to say, and remembers its jobs.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) says: Mutex<VecDeque<Vec<Fate>>>,
    pub(crate) jobs: Mutex<Vec<(Instant, Vec<String>, String)>>,
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

pub(crate) async fn whole(body: &dyn Body) -> String {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let run = body.read(at..body.len()).await.unwrap();
        at += run.len() as u64;
        out.extend_from_slice(&run);
    }
    String::from_utf8(out).unwrap()
}

/// A queue that is run, and the transport behind it.
pub(crate) struct Office {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) out: Arc<Told>,
    pub(crate) orders: Orders,
    pub(crate) clock: Clock,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Office {
    pub(crate) fn open(options: Options, says: Vec<Vec<Fate>>) -> Self {
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
    pub(crate) async fn on(failing: &Arc<Failing>, says: Vec<Vec<Fate>>) -> Self {
        let mut office = Self::open(Options::default(), says);
        office.close().await;
        office.queue = Arc::clone(failing) as Arc<dyn Queue>;
        office.run(Options::default());
        office
    }

    pub(crate) fn run(&mut self, options: Options) {
        self.run_with(options, None);
    }

    pub(crate) fn run_with(&mut self, options: Options, exchangers: Option<Exchangers>) {
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

    pub(crate) async fn put(&self, sender: &str, recipients: &[&str]) -> Identity {
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

    pub(crate) async fn entry(&self, message: Identity) -> Option<Entry> {
        self.queue.entry(message).await.unwrap()
    }

    pub(crate) async fn all(&self) -> Vec<Entry> {
        self.queue.page(None, None, 100).await.unwrap()
    }

    pub(crate) fn jobs(&self) -> Vec<Vec<String>> {
        let jobs = self.out.jobs.lock().unwrap();
        jobs.iter().map(|(_, to, _)| to.clone()).collect()
    }

    /// Stops in good order.
    pub(crate) async fn close(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap();
    }
}

pub(crate) fn memory() -> Arc<dyn Queue> {
    Arc::new(MemoryQueue::new(Identity(1), 1 << 30))
}

/// A runner's surroundings: one transport, for other servers.
pub(crate) fn setup(
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

pub(crate) fn ok() -> Fate {
    Fate::delivered("there", "ok")
}

pub(crate) fn later() -> Fate {
    Fate::deferred((2, 0), "greylisted")
}

pub(crate) fn never() -> Fate {
    Fate::failed((1, 1), "no such user")
}

pub(crate) async fn secs(n: u64) {
    sleep(Duration::from_secs(n)).await;
}
