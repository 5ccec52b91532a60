//! The transport into mailboxes: what is reported as delivered lies there once, and a store that fails never returns
//! mail.

use crate::world::{At, World};
use mailcore::base::address::{ForwardPath, Repertoire, ReversePath};
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::deliver::{Action, Discard, Fate, Job, Mailboxes, Refusal, Transport};
use mailcore::route::Routes;
use mailcore::store::auth::{User, Users};
use mailcore::store::body::Body;
use mailcore::store::mailbox::{Access, MailStore, MemoryStore};
use mailcore::store::queue::Identity;
use mailcore::store::{Error, Kind, Result};
use mailcore_base::login::Login;
use mailcore_base::mailbox::MailboxName;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

const MESSAGE: &str = "Received: from a\r\nSubject: hi\r\n\r\nFirst mail.\r\n";

/// A message that reads well up to `good`.
#[derive(Debug)]
struct Content {
    text: String,
    good: u64,
}

#[mailcore::async_trait]
impl Body for Content {
    fn len(&self) -> u64 {
        self.text.len() as u64
    }
    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
    async fn read(&self, range: Range<u64>) -> Result<bytes::Bytes> {
        if range.start >= self.good {
            return Err(Error::new(Kind::Unavailable, "the disk is gone"));
        }
        let end = range.end.min(self.good).min(range.start + 10);
        let run = &self.text.as_bytes()[range.start as usize..end as usize];
        Ok(bytes::Bytes::copy_from_slice(run))
    }
}

fn path(text: &str) -> ForwardPath {
    ForwardPath::parse_prefix(text, Repertoire::Utf8).unwrap().0
}

fn job(text: &str, recipients: &[&str]) -> Job {
    let sender = ReversePath::parse_prefix("<sender@elsewhere.test>", Repertoire::Ascii);
    let mut envelope = Envelope::new(sender.unwrap().0);
    // One that is not of this job.
    envelope
        .recipients
        .push(Recipient::new(path("<carol@example.test>")));
    for to in recipients {
        envelope.recipients.push(Recipient::new(path(to)));
    }
    Job {
        identity: Identity(7),
        id: "973D698E128".to_owned(),
        positions: (1..envelope.recipients.len() as u32).collect(),
        envelope: Arc::new(envelope),
        nexthop: "example.test".into(),
        content: Arc::new(Content {
            text: text.to_owned(),
            good: u64::MAX,
        }),
        arrived: SystemTime::UNIX_EPOCH,
    }
}

fn transport(world: &World) -> Mailboxes {
    let domain = "example.test".parse().unwrap();
    let routes = Routes::new(domain, [], world.directory.clone());
    Mailboxes::new(Arc::new(routes), Arc::new(world.mailboxes.clone()))
}

/// The messages in a user's INBOX.
async fn inbox(store: &dyn MailStore, user: &str) -> Vec<String> {
    let account = store.account(&User::new(user)).await.unwrap();
    let inbox = account
        .open(&MailboxName::inbox(), Access::Read)
        .await
        .unwrap();
    let mut found = Vec::new();
    let now = inbox.sync(None).await.unwrap().now;
    for uid in now.uids.iter() {
        let body = inbox.body(uid).await.unwrap().unwrap();
        let mut octets = Vec::new();
        while (octets.len() as u64) < body.len() {
            let run = body.read(octets.len() as u64..body.len()).await.unwrap();
            octets.extend_from_slice(&run);
        }
        found.push(String::from_utf8(octets).unwrap());
    }
    found
}

fn said(fates: &[Fate]) -> Vec<String> {
    let said = |f: &Fate| format!("{:?} {} {} {}", f.action, f.status, f.relay, f.text);
    fates.iter().map(said).collect()
}

#[tokio::test(start_paused = true)]
async fn each_user_has_his_copy_and_the_trace_says_how_it_came() {
    let world = World::new();
    let mut job = job(
        MESSAGE,
        &["<ALICE@example.test>", "<bob+lists@example.test>"],
    );
    Arc::make_mut(&mut job.envelope).recipients[1].original = Some(path("<root@example.test>"));
    let report = transport(&world)
        .saying("delivered to maildir")
        .deliver(&job)
        .await;
    let delivered = "Delivered 2.0.0 virtual delivered to maildir";
    assert_eq!(said(&report.fates), [delivered, delivered]);
    let front = "Return-Path: <sender@elsewhere.test>\r\nX-Original-To: root@example.test\r\nDelivered-To: alice@example.test\r\n";
    assert_eq!(
        inbox(&world.mailboxes, "alice@example.test").await,
        [format!("{front}{MESSAGE}")]
    );
    let front = "Return-Path: <sender@elsewhere.test>\r\nX-Original-To: bob+lists@example.test\r\nDelivered-To: bob@example.test\r\n";
    assert_eq!(
        inbox(&world.mailboxes, "bob@example.test").await,
        [format!("{front}{MESSAGE}")]
    );
    assert_eq!(world.mailboxes.count("carol@example.test").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_adds_nothing_and_a_user_with_two_addresses_gets_one() {
    let world = World::new();
    let job = job(
        MESSAGE,
        &[
            "<alice@example.test>",
            "<alice+x@example.test>",
            "<bob@example.test>",
        ],
    );
    let transport = transport(&world);
    world
        .mailboxes
        .fail("bob@example.test", At::Commit, Kind::Busy);
    for _ in 0..2 {
        let report = transport.deliver(&job).await;
        let actions: Vec<_> = report.fates.iter().map(|f| f.action).collect();
        assert_eq!(
            actions,
            [Action::Delivered, Action::Delivered, Action::Deferred]
        );
    }
    let found = inbox(&world.mailboxes, "alice@example.test").await;
    assert_eq!(
        found,
        [format!(
            "Return-Path: <sender@elsewhere.test>\r\nDelivered-To: alice@example.test\r\n{MESSAGE}"
        )]
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_returned_and_a_directory_that_is_away_is_asked_again() {
    let world = World::new();
    let job = job(
        MESSAGE,
        &[
            "<nobody@example.test>",
            "<alice@elsewhere.test>",
            "<alice@example.test>",
            "postmaster",
        ],
    );
    let report = transport(&world).deliver(&job).await;
    assert_eq!(
        said(&report.fates),
        [
            "Failed 5.1.1 virtual unknown user: \"nobody@example.test\"",
            "Failed 5.1.1 virtual unknown user: \"alice@elsewhere.test\"",
            "Delivered 2.0.0 virtual delivered to mailbox",
            "Failed 5.1.1 virtual unknown user: \"postmaster@example.test\"",
        ]
    );
    world.directory.lost.store(true, Ordering::SeqCst);
    let report = transport(&world).deliver(&job).await;
    let away = "Deferred 4.3.0 none temporary user lookup failure";
    for n in [0, 2, 3] {
        assert_eq!(said(&report.fates)[n], away);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_returns_no_mail_and_harms_nobody_else() {
    let cases = [
        (Kind::OverQuota, "4.2.2"),
        (Kind::Full, "4.3.1"),
        (Kind::Unavailable, "4.2.0"),
        (Kind::Busy, "4.2.0"),
        (Kind::NotFound, "4.2.0"),
        (Kind::AlreadyExists, "4.2.0"),
        (Kind::Denied, "4.2.0"),
        (Kind::Corrupt, "4.2.0"),
        (Kind::Limit, "4.2.0"),
        (Kind::Unsupported, "4.2.0"),
    ];
    for at in [At::Open, At::Write, At::Commit] {
        for (kind, status) in cases {
            let world = World::new();
            world.mailboxes.fail("bob@example.test", at, kind);
            let job = job(MESSAGE, &["<bob@example.test>", "<alice@example.test>"]);
            let report = transport(&world).deliver(&job).await;
            let [bob, alice] = &report.fates[..] else {
                panic!("{report:?}")
            };
            assert_eq!(
                (bob.action, bob.status.to_string().as_str()),
                (Action::Deferred, status),
                "{at:?} {kind:?}"
            );
            assert!(
                !bob.text.contains("made to fail"),
                "what the store said is for the log: {}",
                bob.text
            );
            assert_eq!(alice.action, Action::Delivered);
            assert_eq!(world.mailboxes.count("bob@example.test").await, 0);
            assert_eq!(world.mailboxes.count("alice@example.test").await, 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn mail_that_has_been_here_is_returned() {
    let world = World::new();
    let looped = format!(
        "Received: from b\r\ndelivered-to: Alice@example.test \r\n{MESSAGE}Delivered-To: bob@example.test\r\n"
    );
    let job = job(&looped, &["<alice@example.test>", "<bob@example.test>"]);
    let report = transport(&world).deliver(&job).await;
    assert_eq!(
        said(&report.fates),
        [
            "Failed 5.4.6 virtual mail forwarding loop for alice@example.test",
            "Delivered 2.0.0 virtual delivered to mailbox",
        ]
    );
    assert_eq!(world.mailboxes.count("alice@example.test").await, 0);
}

#[tokio::test(start_paused = true)]
async fn content_that_cannot_be_read_leaves_nothing_behind() {
    for good in [0, 12, 40, MESSAGE.len() as u64 - 1] {
        let world = World::new();
        let mut job = job(MESSAGE, &["<alice@example.test>", "<nobody@example.test>"]);
        job.content = Arc::new(Content {
            text: MESSAGE.to_owned(),
            good,
        });
        let report = transport(&world).deliver(&job).await;
        let actions: Vec<_> = report.fates.iter().map(|f| f.action).collect();
        assert_eq!(actions, [Action::Deferred, Action::Failed], "{good}");
        assert_eq!(
            world.mailboxes.count("alice@example.test").await,
            0,
            "{good}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_copies_of_all_jobs_are_in_the_batch_before_any_is_waited_for() {
    let world = World::new();
    world.mailboxes.commits.forget_permits(usize::MAX);
    let transport = transport(&world);
    let mut other = job(MESSAGE, &["<carol@example.test>"]);
    other.identity = Identity(8);
    let job = job(MESSAGE, &["<alice@example.test>", "<bob@example.test>"]);
    let both = async { tokio::join!(transport.deliver(&job), transport.deliver(&other)) };
    tokio::pin!(both);
    // Time goes on only when nobody has anything to do.
    let waiting = tokio::time::timeout(Duration::from_secs(1), &mut both).await;
    assert!(waiting.is_err(), "nothing is durable yet: {waiting:?}");
    assert_eq!(world.mailboxes.begun.load(Ordering::SeqCst), 3);
    world.mailboxes.commits.add_permits(3);
    let (first, second) = both.await;
    let fates: Vec<_> = first.fates.iter().chain(&second.fates).collect();
    assert!(fates.iter().all(|f| f.action == Action::Delivered) && fates.len() == 3);
}

/// A directory in which everybody is.
#[derive(Debug)]
struct Everybody;

#[mailcore::async_trait]
impl Users for Everybody {
    async fn user(&self, login: &Login) -> Result<Option<User>> {
        Ok(Some(User::new(login.name.as_str())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_served_whole() {
    let store = Arc::new(MemoryStore::new());
    let routes = Routes::new("example.test".parse().unwrap(), [], Arc::new(Everybody));
    let transport = Mailboxes::new(Arc::new(routes), store.clone());
    let names: Vec<_> = (0..350).map(|n| format!("u{n}@example.test")).collect();
    let given: Vec<_> = names.iter().map(String::as_str).collect();
    let report = transport.deliver(&job(MESSAGE, &given)).await;
    assert_eq!(report.fates.len(), 350);
    for (name, fate) in names.iter().zip(&report.fates) {
        assert_eq!(fate.action, Action::Delivered);
        let found = inbox(&*store, name).await;
        assert_eq!(found.len(), 1, "{name}");
        assert!(found[0].contains(&format!("Delivered-To: {name}\r\n")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_none_is_not_answered_for() {
    let world = World::new();
    let mut job = job(MESSAGE, &["<alice@example.test>"]);
    job.positions = vec![9, 1];
    let report = transport(&world).deliver(&job).await;
    let actions: Vec<_> = report.fates.iter().map(|f| f.action).collect();
    assert_eq!(actions, [Action::Deferred, Action::Delivered]);
}

#[tokio::test]
async fn what_goes_nowhere_says_why() {
    let mut job = job(MESSAGE, &["<a@x.test>", "<b@x.test>"]);
    job.nexthop = "5.1.2 no such \"place\"".into();
    let report = Refusal::Error.deliver(&job).await;
    assert_eq!(
        said(&report.fates),
        ["Failed 5.1.2 none no such \"place\""; 2]
    );
    let report = Refusal::Retry.deliver(&job).await;
    assert_eq!(
        said(&report.fates),
        ["Deferred 4.1.2 none no such \"place\""; 2]
    );
    job.nexthop = "silently".into();
    let report = Discard.deliver(&job).await;
    assert_eq!(said(&report.fates), ["Delivered 2.0.0 none silently"; 2]);
}
