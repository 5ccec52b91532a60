//! Mail on its way into the queue: what is taken from whom, what lies there afterwards, and that nothing is acknowledged
//! that does not.

use crate::client::Client;
use crate::heard::Log;
use crate::world::{Calls, HOST, World};
use async_trait::async_trait;
use mailcore::intake::{Intake, Options, QueueId};
use mailcore::reception::{Desk, RelayFor};
use mailcore::route::Routes;
use mailcore::sasl::Mechanism;
use mailcore::store::body::Body;
use mailcore::store::mailbox::Clock;
use mailcore::store::queue::{Claim, Draft, Entry, Identity, Lane, MemoryQueue, Outcome, Queue};
use mailcore::store::table::{Shape, Table};
use mailcore::store::{Error, Kind, Result};
use mailcore_base::envelope::{Body as BodyType, Envelope, Notify, Recipient};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify as Bell;

const FIRST: Identity = Identity(5_000_007_000 << 64 | 0x00ab_cdef);
const ROOM: u64 = 1 << 20;

#[derive(Debug)]
struct Lines(&'static [(&'static str, &'static str)]);

#[async_trait]
impl Table for Lines {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        let found = self.0.iter().find(|(k, _)| *k == key);
        Ok(found.map(|(_, value)| (*value).to_owned()))
    }
    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

/// A queue that takes nothing, from a stage on.
#[derive(Debug)]
struct Broken(&'static str, MemoryQueue);

#[derive(Debug)]
struct BrokenDraft(&'static str, Box<dyn Draft>);

fn broken<T>() -> Result<T> {
    Err(Error::new(Kind::Unavailable, "the disk"))
}

#[async_trait]
impl Queue for Broken {
    async fn create(&self) -> Result<Box<dyn Draft>> {
        match self.0 {
            "create" => broken(),
            at => Ok(Box::new(BrokenDraft(at, self.1.create().await?))),
        }
    }
    async fn claim(&self, now: SystemTime, lease: Duration, limit: usize) -> Result<Vec<Claim>> {
        self.1.claim(now, lease, limit).await
    }
    async fn entry(&self, identity: Identity) -> Result<Option<Entry>> {
        self.1.entry(identity).await
    }
    async fn content(&self, identity: Identity) -> Result<Option<Arc<dyn Body>>> {
        self.1.content(identity).await
    }
    async fn renew(&self, claim: &Claim, until: SystemTime) -> Result<Option<Claim>> {
        self.1.renew(claim, until).await
    }
    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<bool> {
        self.1.mark(claim, outcomes, due).await
    }
    async fn assign(&self, identity: Identity, lane: Lane) -> Result<()> {
        self.1.assign(identity, lane).await
    }
    async fn warned(&self, identity: Identity) -> Result<()> {
        self.1.warned(identity).await
    }
    async fn remove(&self, identity: Identity) -> Result<bool> {
        self.1.remove(identity).await
    }
    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        self.1.page(lane, after, limit).await
    }
}

#[async_trait]
impl Draft for BrokenDraft {
    fn identity(&self) -> Identity {
        self.1.identity()
    }
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        match self.0 {
            "write" => broken(),
            _ => self.1.write(chunk).await,
        }
    }
    async fn read(&self, range: std::ops::Range<u64>) -> Result<bytes::Bytes> {
        self.1.read(range).await
    }
    async fn truncate(&mut self, len: u64) -> Result<()> {
        self.1.truncate(len).await
    }
    async fn commit(
        self: Box<Self>,
        header: bytes::Bytes,
        envelope: Envelope,
        arrived: SystemTime,
        lane: Lane,
    ) -> Result<Identity> {
        match self.0 {
            "commit" => broken(),
            _ => self.1.commit(header, envelope, arrived, lane).await,
        }
    }
}

/// A world whose desk has a queue.
struct Office {
    world: World,
    intake: Intake,
    queue: MemoryQueue,
    bell: Arc<Bell>,
}

impl Office {
    fn new() -> Self {
        Self::with(MemoryQueue::new(FIRST, ROOM), RelayFor::SameHost, |q| {
            Arc::new(q.clone())
        })
    }

    fn with(
        queue: MemoryQueue,
        relay_for: RelayFor,
        seen: impl FnOnce(&MemoryQueue) -> Arc<dyn Queue>,
    ) -> Self {
        let world = World::new();
        let bell = Arc::new(Bell::new());
        let routes = Routes::new("example.test".parse().unwrap(), [], world.directory.clone())
            .with_aliases(Arc::new(Lines(&[
                ("team", "alice, friend@elsewhere.test, bob"),
                ("alice", "alice, friend@elsewhere.test"),
                ("stale", "bob, left"),
            ])));
        let routes = Arc::new(routes);
        let clock = Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_700_000_009));
        let intake =
            Intake::new(HOST, routes.clone(), seen(&queue), bell.clone()).with_clock(clock);
        let store = Arc::new(world.mailboxes.clone());
        let desk = Desk::new(HOST, routes, store)
            .with_queue(intake.clone())
            .relay_for(relay_for);
        let world = world.received_by(desk);
        Self {
            world,
            intake,
            queue,
            bell,
        }
    }

    async fn client(&self, calls: Calls) -> Client {
        let mut client = self.world.call(calls);
        client.greet().await;
        client
    }

    async fn at_home(&self) -> Client {
        let mut client = self.world.call_at_home(Calls::Smtp);
        client.greet().await;
        client
    }

    async fn user(&self) -> Client {
        let mut client = self.client(Calls::Submission).await.secured().await;
        let said = client
            .authenticate(Mechanism::Plain, "alice", "alice")
            .await;
        assert!(said.starts_with("235"), "{said}");
        client
    }

    /// The only message in the queue, and its content.
    async fn only(&self) -> (Entry, String) {
        let mut all = self.queue.page(None, None, 10).await.unwrap();
        assert_eq!(all.len(), 1);
        let entry = all.remove(0);
        let body = self.queue.content(entry.identity).await.unwrap().unwrap();
        let mut content = Vec::new();
        while (content.len() as u64) < body.len() {
            let rest = content.len() as u64..body.len();
            content.extend(body.read(rest).await.unwrap());
        }
        (entry, String::from_utf8_lossy(&content).into_owned())
    }

    async fn is_empty(&self) -> bool {
        self.queue.page(None, None, 1).await.unwrap().is_empty()
    }

    /// Whether the queue's runner was told since it last looked.
    async fn rang(&self) -> bool {
        let heard = tokio::time::timeout(Duration::from_millis(1), self.bell.notified());
        heard.await.is_ok()
    }
}

/// Sends this content from this sender to this recipient; what is said of it.
async fn send(client: &mut Client, mail: &str, rcpts: &[&str], content: &str) -> String {
    let said = client.say(&format!("MAIL FROM:{mail}")).await;
    assert!(said.starts_with("250"), "{said}");
    for rcpt in rcpts {
        let said = client.say(&format!("RCPT TO:{rcpt}")).await;
        assert!(said.starts_with("250"), "{said}");
    }
    let said = client.say("DATA").await;
    if !said.starts_with("354") {
        return said;
    }
    client.send(&format!("{content}\r\n.\r\n")).await;
    client.reply().await
}

fn recipients(entry: &Entry) -> Vec<String> {
    let all = entry.envelope.recipients.iter();
    let shown = |r: &Recipient| match &r.original {
        Some(original) => format!("{} ({original})", r.path),
        None => r.path.to_string(),
    };
    all.map(shown).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_lies_in_the_queue_and_its_runner_is_told() {
    let log = Log::listen();
    let office = Office::new();
    let mut client = office.client(Calls::Smtp).await;
    let said = client.deliver(&["alice@example.test"], 1).await;
    let (entry, content) = office.only().await;
    let id = QueueId::of(entry.identity);
    assert_eq!(said, [format!("250 2.0.0 Ok: queued as {id}")]);
    assert_eq!(entry.lane, Lane::Incoming);
    let date = "Tue, 14 Nov 2023 22:13:29 +0000";
    assert_eq!(
        content,
        format!(
            "Received: from client.test (unknown [192.0.2.7])\r\n\tby {HOST} (mailcore) with ESMTP id {id}\r\n\
             \tfor <alice@example.test>; {date}\r\n\
             Message-ID: <1@client.test>\r\nSubject: hi\r\n\r\nFirst mail.\r\n"
        )
    );
    assert!(office.rang().await);
    assert_eq!(office.world.mailboxes.count("alice@example.test").await, 0);
    assert_eq!(
        log.mail()[1..],
        [
            "postfix/smtpd: QUEUEID: client=unknown[192.0.2.7]",
            "postfix/cleanup: QUEUEID: message-id=<1@client.test>",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_relays_nowhere_and_who_is_trusted_everywhere() {
    let to = "RCPT TO:<x@elsewhere.test>";
    let office = Office::new();
    for (client, said) in [
        (
            &mut office.client(Calls::Smtp).await,
            "454 4.7.1 <x@elsewhere.test>: Relay access denied",
        ),
        (
            &mut office.client(Calls::Submission).await.secured().await,
            "554 5.7.1 ",
        ),
        (&mut office.at_home().await, "250 2.1.5 Ok"),
        (&mut office.user().await, "250 2.1.5 Ok"),
    ] {
        client.say("MAIL FROM:<s@client.test>").await;
        let heard = client.say(to).await;
        assert!(heard.starts_with(said), "{heard}");
        let unknown = client.say("RCPT TO:<nobody@example.test>").await;
        assert!(unknown.starts_with('5'), "{unknown}");
    }
    let nobody = Office::with(MemoryQueue::new(FIRST, ROOM), RelayFor::Nobody, |q| {
        Arc::new(q.clone())
    });
    let nets = RelayFor::Networks(mailcore::store::auth::Nets::parse("192.0.2.0/28").unwrap());
    let near = Office::with(MemoryQueue::new(FIRST, ROOM), nets, |q| Arc::new(q.clone()));
    for (mut client, said) in [
        (nobody.at_home().await, "454 4.7.1 "),
        (near.client(Calls::Smtp).await, "250 2.1.5 Ok"),
    ] {
        client.say("MAIL FROM:<s@client.test>").await;
        let heard = client.say(to).await;
        assert!(heard.starts_with(said), "{heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_that_the_queue_did_not_take() {
    let full = |room| {
        let queue = MemoryQueue::new(FIRST, room);
        Office::with(queue, RelayFor::SameHost, |q| Arc::new(q.clone()))
    };
    let away = |at| {
        let queue = MemoryQueue::new(FIRST, ROOM);
        Office::with(queue, RelayFor::SameHost, |q| {
            Arc::new(Broken(at, q.clone()))
        })
    };
    let (storage, file) = (
        "452 4.3.1 Insufficient system storage",
        "451 4.3.0 Error: queue file write error",
    );
    for (office, expected) in [
        (full(5), storage),
        // Room for the body and not for the header.
        (full(100), storage),
        (away("create"), file),
        (away("write"), file),
        (away("commit"), file),
    ] {
        let log = Log::listen();
        let mut client = office.client(Calls::Smtp).await;
        let to = ["alice@example.test", "bob@example.test"];
        assert_eq!(client.deliver(&to, 1).await, [expected]);
        assert!(office.is_empty().await && !office.rang().await);
        assert!(log.text().contains("NOQUEUE: reject: "), "{}", log.text());
        // The connection is as good as before.
        assert_eq!(client.say("NOOP").await, "250 2.0.0 Ok");
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_stops_half_way_leaves_no_draft() {
    let office = Office::with(MemoryQueue::new(FIRST, 400), RelayFor::SameHost, |q| {
        Arc::new(q.clone())
    });
    let body = "x".repeat(100);
    let mut client = office.client(Calls::Smtp).await;
    client.say("MAIL FROM:<>").await;
    client.say("RCPT TO:<bob@example.test>").await;
    client.say("DATA").await;
    client.send(&format!("Subject: hi\r\n\r\n{body}\r\n")).await;
    drop(client);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(office.is_empty().await && !office.rang().await);
    // There is room for one: the first has left nothing.
    let mut client = office.client(Calls::Smtp).await;
    let said = send(
        &mut client,
        "<>",
        &["<bob@example.test>"],
        &format!("\r\n{body}"),
    )
    .await;
    assert!(said.starts_with("250"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn aliases_become_final_recipients_each_once() {
    let office = Office::new();
    let mut client = office.client(Calls::Smtp).await;
    let rcpts = [
        "<ALICE+x@example.test> NOTIFY=NEVER",
        "<team@example.test> NOTIFY=DELAY",
        "<bob@Example.test>",
        "<stale@example.test>",
    ];
    let said = send(&mut client, "<root>", &rcpts, "Subject: x\r\n\r\n.").await;
    assert!(said.starts_with("250"), "{said}");
    let (entry, content) = office.only().await;
    assert_eq!(entry.envelope.sender.to_string(), "root@example.test");
    assert_eq!(
        recipients(&entry),
        [
            "alice@example.test (ALICE+x@example.test)",
            "friend@elsewhere.test (ALICE+x@example.test)",
            "bob@example.test (team@example.test)",
            "left@example.test (stale@example.test)",
        ]
    );
    let notify: Vec<_> = entry
        .envelope
        .recipients
        .iter()
        .map(|r| r.parameters.notify)
        .collect();
    let never = Some(Notify::NEVER);
    assert_eq!(notify, [never, never, Some(Notify::DELAY), None]);
    assert!(!content.contains("for <"), "who else gets it is not told");
    assert!(content.contains("ESMTP id 00007ABCDEF;\r\n\tTue, 14 Nov 2023 22:13:29 +0000\r\n"));
    assert!(!content.contains("alice"), "{content}");
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_goes_along() {
    let office = Office::new();
    let mut client = office.client(Calls::Smtp).await;
    let rcpt = "<bob@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;rob+2Bx@old.test";
    let mail = "<s@client.test> RET=HDRS ENVID=QQ314 BODY=7BIT SMTPUTF8";
    send(&mut client, mail, &[rcpt], "Subject: x\r\n\r\nplain").await;
    let (entry, content) = office.only().await;
    let mail = &entry.envelope.parameters;
    assert_eq!(mail.ret.unwrap().to_string(), "HDRS");
    assert_eq!(mail.envelope_id.as_ref().unwrap().as_str(), "QQ314");
    assert_eq!((mail.body, mail.smtputf8), (Some(BodyType::SevenBit), true));
    let rcpt = &entry.envelope.recipients[0].parameters;
    assert_eq!(rcpt.notify.unwrap().to_string(), "SUCCESS,FAILURE");
    assert_eq!(rcpt.original.as_ref().unwrap().address(), "rob+x@old.test");
    assert!(content.contains(" with UTF8SMTP id "), "{content}");
}

#[tokio::test(start_paused = true)]
async fn an_eighth_bit_is_declared_whether_its_sender_did_or_not() {
    for (mail, content) in [
        ("<>", "Subject: x\r\n\r\nä"),
        ("<>", "Subject: ä\r\n\r\nx"),
        ("<> BODY=7BIT", "Subject: x\r\n\r\nx\r\nä"),
        ("<> BODY=8BITMIME", "Subject: x\r\n\r\nx"),
    ] {
        let office = Office::new();
        let mut client = office.client(Calls::Smtp).await;
        send(&mut client, mail, &["<bob@example.test>"], content).await;
        let (entry, _) = office.only().await;
        assert_eq!(entry.envelope.parameters.body, Some(BodyType::EightBitMime));
    }
}

#[tokio::test(start_paused = true)]
async fn mail_that_begins_here_is_completed_and_mail_from_others_is_not() {
    let office = Office::new();
    let content = "Subject: x\r\nBcc: secret@example.test,\r\n\tother@x.test\r\nReturn-Path: <y@z>\r\n\r\nbody";
    let to = ["<bob@example.test>"];
    let mut user = office.user().await;
    let mut home = office.at_home().await;
    let mut stranger = office.client(Calls::Smtp).await;
    for (client, completed) in [(&mut user, true), (&mut home, true), (&mut stranger, false)] {
        let log = Log::listen();
        send(client, "<s@client.test>", &to, content).await;
        let (entry, stored) = office.only().await;
        let id = QueueId::of(entry.identity);
        let added = format!(
            "Message-Id: <20231114221329.{id}@{HOST}>\r\nDate: Tue, 14 Nov 2023 22:13:29 +0000\r\n\
             From: s@client.test\r\n"
        );
        let tail = match completed {
            true => format!("\r\nSubject: x\r\n{added}\r\nbody\r\n"),
            false => "\r\nSubject: x\r\n\r\nbody\r\n".to_owned(),
        };
        assert!(
            stored.starts_with("Received: ") && stored.ends_with(&tail),
            "{stored}"
        );
        let noted = match completed {
            true => format!("message-id=<20231114221329.QUEUEID@{HOST}>"),
            false => "message-id=<>".to_owned(),
        };
        assert!(log.text().contains(&noted), "{}", log.text());
        office.queue.remove(entry.identity).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn mail_that_runs_in_circles_is_refused() {
    let office = Office::new();
    let hops = |n| format!("{}\r\nbody", "Received: from a by b\r\n".repeat(n));
    let mut client = office.client(Calls::Smtp).await;
    let to = ["<bob@example.test>"];
    let said = send(&mut client, "<>", &to, &hops(49)).await;
    assert_eq!(said, "554 5.4.0 Error: too many hops");
    assert!(office.is_empty().await);
    let said = send(&mut client, "<>", &to, &hops(48)).await;
    assert!(said.starts_with("250"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn lmtp_delivers_at_once_beside_a_queue() {
    let office = Office::new();
    let mut lmtp = office.client(Calls::Lmtp).await;
    let heard = lmtp.deliver(&["bob@example.test"], 1).await;
    assert!(heard[0].ends_with(" Saved"), "{heard:?}");
    assert_eq!(office.world.mailboxes.count("bob@example.test").await, 1);
    assert!(office.is_empty().await);
    // What leads to another server cannot be answered for at once.
    lmtp.say("MAIL FROM:<>").await;
    let said = lmtp.say("RCPT TO:<team@example.test>").await;
    assert!(said.starts_with("451 "), "{said}");
    lmtp.say("RSET").await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_mail_goes_the_same_way() {
    let office = Office::new();
    let mut envelope = Envelope::default();
    for to in ["team@example.test", "nobody@example.test"] {
        let to: mailcore_base::address::Address = to.parse().unwrap();
        envelope.recipients.push(Recipient::new(to));
    }
    let content = b"From: x\r\nDate: y\r\nTo: z\r\n\r\nreport\r\n";
    let identity = office.intake.put(envelope, content).await.unwrap();
    let (entry, stored) = office.only().await;
    assert_eq!(entry.identity, identity);
    assert!(office.rang().await);
    let id = QueueId::of(identity);
    let trace = format!(
        "Received: by {HOST} (mailcore)\r\n\tid {id}; Tue, 14 Nov 2023 22:13:29 +0000\r\nFrom: x\r\n"
    );
    assert!(stored.starts_with(&trace), "{stored}");
    assert!(stored.contains(&format!(
        "\r\nMessage-Id: <20231114221329.{id}@{HOST}>\r\n\r\nreport"
    )));
    // Who is not there is told so by the delivery: the report of a report goes elsewhere.
    assert_eq!(recipients(&entry).last().unwrap(), "nobody@example.test");
}

#[tokio::test(start_paused = true)]
async fn aliases_that_lead_to_too_many_put_the_mail_off() {
    let office = Office::new();
    let mut options = Options::default();
    options.most_recipients = 2;
    let few = office.intake.clone().with_options(options);
    let mut envelope = Envelope::default();
    let to: mailcore_base::address::Address = "team@example.test".parse().unwrap();
    envelope.recipients.push(Recipient::new(to));
    let client = mailcore::log::Client::at(None);
    let visit = mailcore::reception::Visit::new(mailcore::reception::Role::Transfer, client);
    let said = few.open(&visit, &envelope).await.unwrap_err().to_string();
    assert_eq!(said, "452 4.5.3 Error: too many recipients");
    assert!(office.intake.open(&visit, &envelope).await.is_ok());
}
