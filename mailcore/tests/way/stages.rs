//! Every kind of answer at every stage, on every way, through a queue that runs: what becomes of each recipient is the
//! same in the log, in the queue and in the report to the sender. All cells run at once.

use crate::log;
use crate::peer::{CLOSE, IMPLICIT, PART, Peer, SILENCE, Script};
use crate::scene::{Octets, transport};
use async_trait::async_trait;
use mailcore::auth::{self, MemoryUsers};
use mailcore::bounce;
use mailcore::deliver::hosts::NextHop;
use mailcore::deliver::smtp::{Demands, Login, Options, SmtpTransport};
use mailcore::deliver::{Fate, Job, Report, Transport};
use mailcore::dns::Zone;
use mailcore::intake::Intake;
use mailcore::net::connect::Target;
use mailcore::net::tls::client::{Level, Policy};
use mailcore::queue::{Orders, Runner, Setup, Ways, scheduler};
use mailcore::route::Routes;
use mailcore::sasl::client::Credentials;
use mailcore::store::auth::{Entry as Known, Stored, User};
use mailcore::store::mailbox::Clock;
use mailcore::store::queue::{Identity, MemoryQueue, Outcome, Queue};
use mailcore_base::address::{Address, ReversePath};
use mailcore_base::envelope::{Envelope, Recipient};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How mail travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// One command at a time.
    Plain,
    /// Commands ahead of their replies.
    Ahead,
    /// STARTTLS where it is offered, and it is.
    May,
    /// STARTTLS or nothing.
    Tls,
    /// TLS from the first octet on.
    Implicit,
    /// With a login.
    Auth,
    Lmtp,
}

use By::*;
const WAYS: [By; 7] = [Plain, Ahead, May, Tls, Implicit, Auth, Lmtp];

/// Where something goes wrong: the command, as a peer's script has it, and the ways that have such a stage.
const STAGES: [(&str, &[By]); 9] = [
    ("", &WAYS),
    ("EHLO", &[Plain, Ahead, May, Tls, Implicit, Auth]),
    ("LHLO", &[Lmtp]),
    ("STARTTLS", &[May, Tls]),
    ("AUTH", &[Auth]),
    ("MAIL", &WAYS),
    ("RCPT TO:<odd", &WAYS),
    ("DATA", &WAYS),
    (".", &WAYS),
];

/// What goes wrong.
const LATER: &str = "451 4.3.0 later";
const NEVER: &str = "554 5.3.0 never";
const BYE: &str = "421 4.3.2 bye\nPART";
const GARBAGE: &str = "<html>what?</html>";
const FAULTS: [&str; 6] = [LATER, NEVER, BYE, GARBAGE, CLOSE, SILENCE];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Sent,
    SentByTheNext,
    Deferred,
    Bounced,
}
use Ends::*;

/// One cell of the table, and its place in it.
#[derive(Debug, Clone, Copy)]
struct Cell {
    number: usize,
    by: By,
    stage: &'static str,
    fault: &'static str,
    /// There is a second server, with nothing wrong about it.
    spare: bool,
}

const LOCALS: [&str; 3] = ["first", "odd", "last"];

impl Cell {
    /// What becomes of the recipients: of the odd one, and of the other two.
    fn ends(self) -> (Ends, Ends) {
        let refused = self.fault == LATER || self.fault == NEVER;
        let judged = match self.fault {
            NEVER => Bounced,
            _ => Deferred,
        };
        let (odd, others) = match self.stage {
            "QUIT" => (Sent, Sent),
            // A greeting is no word about the mail (Postfix: smtp_skip_5xx_greeting); nor is what is said to AUTH.
            "" | "AUTH" => (Deferred, Deferred),
            // There is HELO, which offers nothing; as in Postfix, nobody logs in where no login is offered.
            "EHLO" if refused && self.by != Tls => (Sent, Sent),
            "EHLO" => (Deferred, Deferred),
            "STARTTLS" if refused && self.by == May => (Sent, Sent),
            // Where there must be TLS, a word against it is one against the mail (Postfix: smtp_site_fail).
            "STARTTLS" if refused => (judged, judged),
            "STARTTLS" => (Deferred, Deferred),
            "RCPT TO:<odd" if refused => (judged, Sent),
            _ => (judged, judged),
        };
        let next = |end| match end {
            Deferred if self.spare => SentByTheNext,
            end => end,
        };
        (next(odd), next(others))
    }

    fn end_of(self, local: &str) -> Ends {
        match local {
            "odd" => self.ends().0,
            _ => self.ends().1,
        }
    }

    fn domain(self) -> String {
        format!("{:?}-{}.test", self.by, self.number).to_lowercase()
    }

    /// The server; the one that something is wrong about, or the one that is left.
    async fn peer(self, wrong: bool) -> Peer {
        let mut script = Vec::new();
        if wrong {
            script.push((self.stage, self.fault));
        }
        let offers = match self.by {
            Plain => "250 mx.test",
            May | Tls => "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS",
            Auth => "250-mx.test\r\n250-PIPELINING\r\n250 AUTH PLAIN",
            Ahead | Implicit | Lmtp => "250-mx.test\r\n250 PIPELINING",
        };
        script.extend([("EHLO", offers), ("AUTH", "235 2.7.0 welcome")]);
        script.extend((self.by == Implicit).then_some((IMPLICIT, "")));
        let script: Script = script.leak();
        match self.by {
            May | Tls | Implicit => Peer::secured(script).await,
            _ => Peer::start(script).await,
        }
    }
}

/// The whole table. Silence costs time, so there is no second server after it.
fn table() -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |by, stage, fault, spare| {
        cells.push(Cell {
            number: cells.len(),
            by,
            stage,
            fault,
            spare,
        });
    };
    for (stage, ways) in STAGES.into_iter().chain([("QUIT", &WAYS[..])]) {
        for by in ways {
            for fault in FAULTS {
                add(*by, stage, fault, false);
                if *by != Lmtp && fault != SILENCE {
                    add(*by, stage, fault, true);
                }
            }
        }
    }
    cells
}

/// The transports by cell.
#[derive(Debug)]
struct Dispatch(BTreeMap<String, SmtpTransport>);

#[async_trait]
impl Transport for Dispatch {
    async fn deliver(&self, job: &Job) -> Report {
        self.0[&*job.nexthop].deliver(job).await
    }
}

/// Keeps reports: whom they go to, and what they say.
#[derive(Debug, Default)]
struct Reports(Mutex<BTreeMap<String, Vec<String>>>);

#[async_trait]
impl Transport for Reports {
    async fn deliver(&self, job: &Job) -> Report {
        let len = job.content.len();
        let mut text = Vec::new();
        while (text.len() as u64) < len {
            text.extend(job.content.read(text.len() as u64..len).await.unwrap());
        }
        let text = String::from_utf8(text).unwrap();
        for recipient in job.recipients() {
            let to = recipient.path.to_string();
            self.0
                .lock()
                .unwrap()
                .entry(to)
                .or_default()
                .push(text.clone());
        }
        job.all(Fate::delivered("virtual", "kept"))
    }
}

#[derive(Debug)]
struct LoggedIn;

#[async_trait]
impl Demands for LoggedIn {
    async fn tls(&self, _: &NextHop) -> mailcore::store::Result<Option<Policy>> {
        Ok(None)
    }
    async fn login(
        &self,
        _: &NextHop,
        _: &Target,
        _: &ReversePath,
    ) -> mailcore::store::Result<Option<Login>> {
        let mut login = Login::new(Credentials::password("tim", "tanstaaftanstaaf"));
        login.clear = true;
        Ok(Some(login))
    }
}

fn way(cell: Cell, zone: Zone) -> SmtpTransport {
    let name = "client.test".parse().unwrap();
    let mut options = match cell.by {
        Lmtp => Options::lmtp(name),
        _ => Options::smtp(name),
    };
    options.tls = Policy::new(match cell.by {
        May => Level::May,
        Tls | Implicit => Level::Encrypt,
        _ => Level::None,
    });
    options.implicit_tls = cell.by == Implicit;
    if cell.fault == SILENCE {
        // Whatever else is slow here, too: the outcome is the same.
        let (times, short) = (&mut options.session.timeouts, Duration::from_millis(100));
        match cell.stage {
            "" | "EHLO" | "LHLO" | "AUTH" => times.hello = short,
            "STARTTLS" => times.starttls = short,
            "MAIL" => times.mail = short,
            "RCPT TO:<odd" => times.rcpt = short,
            "DATA" => times.data_init = short,
            "." => times.data_done = short,
            _ => {}
        }
    }
    let way = transport(options, zone);
    match cell.by {
        Auth => way.with_demands(Arc::new(LoggedIn)),
        _ => way,
    }
}

/// A queue with its runner.
struct Office {
    queue: Arc<dyn Queue>,
    orders: Orders,
    reports: Arc<Reports>,
}

impl Office {
    fn open(out: Dispatch, senders: &[String]) -> Self {
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(Identity(1), 1 << 30));
        let users = MemoryUsers::new(auth::hasher());
        for sender in senders {
            let stored = Stored::parse("{PLAIN}x").unwrap();
            users.insert(Known::new(User::new(sender.as_str()), stored));
        }
        let origin = "here.test".parse().unwrap();
        let routes = Arc::new(Routes::new(origin, [], Arc::new(users)));
        let (orders, reports) = (Orders::new(), Arc::new(Reports::default()));
        let hostname = "mail.here.test";
        let intake = Intake::new(hostname, routes.clone(), queue.clone(), orders.bell());
        let mut ways = Ways::new();
        ways.insert("smtp".into(), Arc::new(out));
        ways.insert("virtual".into(), reports.clone());
        let runner = Runner::new(Setup {
            queue: queue.clone(),
            routes,
            ways: Arc::new(ways),
            intake,
            reports: bounce::Options::new(hostname.parse().unwrap()),
            options: scheduler::Options::default(),
            exchangers: None,
            clock: Clock::system(),
            orders: orders.clone(),
        });
        tokio::spawn(runner.run(std::future::pending()));
        Self {
            queue,
            orders,
            reports,
        }
    }

    async fn put(&self, cell: Cell) -> Identity {
        let sender: Address = sender(cell).parse().unwrap();
        let mut envelope = Envelope::new(sender);
        for local in LOCALS {
            let address = format!("{local}@{}", cell.domain());
            let address: Address = address.parse().unwrap();
            envelope.recipients.push(Recipient::new(address));
        }
        let mut draft = self.queue.create().await.unwrap();
        let content = Octets(b"\r\n.body\r\n".to_vec());
        draft.write(&content.0).await.unwrap();
        let header = bytes::Bytes::from_static(b"Subject: x\r\n");
        let now = std::time::SystemTime::now();
        let put = draft.commit(
            header,
            envelope,
            now,
            mailcore::store::queue::Lane::Incoming,
        );
        put.await.unwrap()
    }

    /// What is wrong about a cell in the log, the queue and the reports; nothing if all is as it should be.
    async fn wrong(&self, cell: Cell, message: Identity, lines: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        let entry = self.queue.entry(message).await.unwrap();
        let reports = self.reports.0.lock().unwrap();
        let reports = reports.get(&sender(cell)).map_or(&[][..], Vec::as_slice);
        for (n, local) in LOCALS.iter().enumerate() {
            let end = cell.end_of(local);
            let (status, relay) = match end {
                Sent => ("sent", "relay=mx0."),
                SentByTheNext => ("sent", "relay=mx1."),
                Deferred => ("deferred", "relay=mx0."),
                Bounced => ("bounced", "relay=mx0."),
            };
            let to = format!("to=<{local}@{}>, ", cell.domain());
            let told: Vec<_> = lines.iter().filter(|line| line.contains(&to)).collect();
            let fits = |line: &&&String| {
                line.contains(&format!("status={status} (")) && line.contains(relay)
            };
            if told.len() != 1 || told.iter().find(fits).is_none() {
                wrong.push(format!("{local} is not {end:?}: {told:?}"));
            }
            let kept = entry.as_ref().map(|entry| entry.outcomes[n].clone());
            let lies = matches!(kept, Some(Some(Outcome::Deferred(_))));
            if lies != (end == Deferred) {
                wrong.push(format!("{local} in the queue: {kept:?}"));
            }
            let final_recipient = format!("\r\nFinal-Recipient: rfc822; {local}@");
            let reported = reports.iter().filter(|it| it.contains(&final_recipient));
            if reported.count() != usize::from(end == Bounced) {
                wrong.push(format!("{local} in the reports: {reports:?}"));
            }
        }
        let waits = LOCALS.iter().any(|local| cell.end_of(local) == Deferred);
        if entry.is_some() != waits {
            wrong.push(format!("in the queue: {entry:?}"));
        }
        wrong
    }
}

fn sender(cell: Cell) -> String {
    format!("sender-{}@here.test", cell.number)
}

#[tokio::test]
async fn every_answer_at_every_stage_on_every_way_is_told_rightly_of_every_recipient() {
    log::listen();
    let (cells, mut peers, mut ways) = (table(), Vec::new(), BTreeMap::new());
    for cell in &cells {
        let mut zone = format!("$ORIGIN {}.\n", cell.domain());
        let mut servers = vec![cell.peer(true).await];
        if cell.spare {
            servers.push(cell.peer(false).await);
        }
        for (n, peer) in servers.iter().enumerate() {
            let port = peer.at.port();
            writeln!(zone, "@ MX {n} mx{n}\nmx{n} A 127.0.0.1\nmx{n} PORT {port}").unwrap();
            if cell.by == Lmtp {
                // No mail exchangers there: the name is the host's own.
                writeln!(zone, "@ A 127.0.0.1\n@ PORT {port}").unwrap();
            }
        }
        ways.insert(cell.domain(), way(*cell, zone.parse().unwrap()));
        peers.extend(servers);
    }
    let senders: Vec<String> = cells.iter().map(|cell| sender(*cell)).collect();
    let office = Office::open(Dispatch(ways), &senders);
    let mut messages = Vec::new();
    for cell in &cells {
        messages.push(office.put(*cell).await);
    }
    office.orders.look();
    let end = tokio::time::Instant::now() + Duration::from_secs(180);
    let wrong = loop {
        let lines: Vec<String> = log::heard()
            .iter()
            .filter(|line| line.contains("status="))
            // LMTP's server goes by its domain.
            .map(|line| line.replace("relay=lmtp-", "relay=mx0.lmtp-"))
            .collect();
        let mut wrong = String::new();
        for (cell, message) in cells.iter().zip(&messages) {
            for what in office.wrong(*cell, *message, &lines).await {
                writeln!(wrong, "{cell:?}: {what}").unwrap();
            }
        }
        let late = tokio::time::Instant::now() > end;
        // Reports are mail too; what is under way comes to its end.
        if wrong.is_empty() || late {
            break wrong;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(wrong.is_empty(), "of {} cells:\n{wrong}", cells.len());
    assert!(cells.len() > 500, "{}", cells.len());
    assert!(BYE.ends_with(PART));
}
