//! Each way to fail, in its words.

use crate::peer::{CLOSE, PART, Peer, SILENCE, Script};
use crate::scene::{deliver, is_dead, job, options, shown, transport, zone};
use mailcore::deliver::hosts::NextHop;
use mailcore::deliver::{Action, Transport};
use mailcore::dns::Zone;
use std::time::Duration;

/// What comes of a message where a server says so, and whether the server counts as dead.
async fn comes_of(script: Script) -> (String, bool) {
    let peer = Peer::start(script).await;
    let mut options = options();
    let timeouts = &mut options.session.timeouts;
    if script.iter().any(|rule| rule.1 == SILENCE) {
        let short = Duration::from_millis(50);
        timeouts.hello = short;
        timeouts.rcpt = short;
        timeouts.data_done = short;
    }
    let report = deliver(options, &[&peer]).await;
    (shown(&report.fates[0], &[&peer]), is_dead(&report))
}

#[tokio::test]
async fn every_stage_has_its_words() {
    const HOST: &str = "mx0.test[127.0.0.1]";
    #[rustfmt::skip]
    let cases: &[(Script, &str, &str, bool)] = &[
        (&[], "Relayed { reports: true } 2.0.0", "250 2.0.0 Ok: queued as X", false),
        (&[("", "554 5.7.1 not you\nPART")], "Deferred 4.7.1", "host HOST refused to talk to me: 554 5.7.1 not you", true),
        (&[("", "421 4.3.2 not now\nPART")], "Deferred 4.3.2", "host HOST refused to talk to me: 421 4.3.2 not now", true),
        (&[("", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while receiving the initial server greeting", true),
        (&[("", SILENCE)], "Deferred 4.4.2", "conversation with HOST timed out while receiving the initial server greeting", true),
        (&[("EHLO", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while performing the EHLO handshake", true),
        (&[("EHLO", "500 what"), ("HELO", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while performing the HELO handshake", true),
        (&[("EHLO", "550 5.0.0 go"), ("HELO", "550 5.0.0 go away")], "Failed 5.0.0", "host HOST refused to talk to me: 550 5.0.0 go away", false),
        (&[("MAIL", "451 4.3.0 later")], "Deferred 4.3.0", "host HOST said: 451 4.3.0 later (in reply to MAIL FROM command)", false),
        (&[("MAIL", "550 5.1.8 no such sender")], "Failed 5.1.8", "host HOST said: 550 5.1.8 no such sender (in reply to MAIL FROM command)", false),
        (&[("MAIL", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while sending MAIL FROM", false),
        (&[("RCPT", "550 5.1.1 unknown")], "Failed 5.1.1", "host HOST said: 550 5.1.1 unknown (in reply to RCPT TO command)", false),
        (&[("RCPT", "450 4.2.0 grey")], "Deferred 4.2.0", "host HOST said: 450 4.2.0 grey (in reply to RCPT TO command)", false),
        (&[("RCPT", "421 4.7.0 enough\nPART")], "Deferred 4.7.0", "host HOST said: 421 4.7.0 enough (in reply to RCPT TO command)", false),
        (&[("RCPT", SILENCE)], "Deferred 4.4.2", "conversation with HOST timed out while sending RCPT TO", false),
        (&[("DATA", "451 4.3.0 later")], "Deferred 4.3.0", "host HOST said: 451 4.3.0 later (in reply to DATA command)", false),
        (&[("DATA", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while sending DATA command", false),
        (&[(".", "554 5.6.0 spam")], "Failed 5.6.0", "host HOST said: 554 5.6.0 spam (in reply to end of DATA command)", false),
        (&[(".", "452 4.3.1 full")], "Deferred 4.3.1", "host HOST said: 452 4.3.1 full (in reply to end of DATA command)", false),
        (&[(".", CLOSE)], "Deferred 4.4.2", "lost connection with HOST while sending end of data -- message may be sent more than once", false),
        (&[(".", SILENCE)], "Deferred 4.4.2", "conversation with HOST timed out while sending end of data -- message may be sent more than once", false),
        (&[("EHLO", "250-mx.test\r\n250 SIZE 10")], "Failed 5.3.4", "message size 27 exceeds size limit 10 of server HOST", false),
        (&[("EHLO", "250 client.test")], "Failed 5.4.6", "mail for example.test loops back to myself", false),
        (&[("QUIT", CLOSE)], "Relayed { reports: true } 2.0.0", "250 2.0.0 Ok: queued as X", false),
    ];
    assert!(cases[1].0[0].1.ends_with(PART));
    for (script, status, words, dead) in cases {
        let (came, is_dead) = comes_of(script).await;
        let words = words.replace("HOST", HOST);
        assert_eq!(came, format!("{status} {HOST}:PORT: {words}"));
        assert_eq!(is_dead, *dead, "{came}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_by_its_address() {
    let mut peer = Peer::start(&[]).await;
    // A port that nobody listens at.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    peer.at = listener.local_addr().unwrap();
    drop(listener);
    let report = deliver(options(), &[&peer]).await;
    assert_eq!(
        shown(&report.fates[0], &[&peer]),
        "Deferred 4.4.1 none: connect to mx0.test[127.0.0.1]:PORT: Connection refused"
    );
    assert!(is_dead(&report));
}

#[tokio::test]
async fn a_name_that_is_not_there_is_returned_and_one_that_is_not_known_waits() {
    let zone: Zone = "slow.test. FAIL TIMEOUT\nnull.test. MX 0 ."
        .parse()
        .unwrap();
    let transport = transport(options(), zone);
    for (hop, words, dead) in [
        (
            "gone.test",
            "Failed 5.4.4 none: Host or domain name not found. \
             Name service error for name=gone.test type=AAAA: Host not found",
            false,
        ),
        (
            "slow.test",
            "Deferred 4.4.3 none: Host or domain name not found. \
             Name service error for name=slow.test type=MX: Host not found, try again",
            true,
        ),
        (
            "null.test",
            "Failed 5.1.10 none: Domain null.test does not accept mail (nullMX)",
            false,
        ),
        (
            "[oops",
            "Deferred 4.3.5 none: missing \"]\" in server description: [oops",
            true,
        ),
    ] {
        let report = transport.deliver(&job(&["b@x.test"], hop)).await;
        assert_eq!(shown(&report.fates[0], &[]), words);
        assert_eq!(is_dead(&report), dead, "{hop}");
    }
}

#[tokio::test]
async fn mail_for_a_relay_host_that_is_not_there_waits_since_the_mistake_is_ours() {
    for relay in ["no.test", "[no.test]:10025"] {
        let mut options = options();
        options.relay_host = Some(NextHop::parse(relay).unwrap());
        let transport = transport(options, "there.test. A 127.0.0.1".parse().unwrap());
        let report = transport.deliver(&job(&["b@example.test"], relay)).await;
        let came = shown(&report.fates[0], &[]);
        assert!(came.starts_with("Deferred 4.3.5 "), "{came}");
        assert!(came.contains("Host or domain name not found"), "{came}");
        // The recipient's own choice of a name that is not there still comes back.
        let report = transport.deliver(&job(&["b@no2.test"], "no2.test")).await;
        assert_eq!(report.fates[0].action, Action::Failed);
    }
}

#[tokio::test]
async fn each_recipient_has_a_fate_of_its_own_and_the_servers_answer() {
    let peer = Peer::start(&[
        ("RCPT TO:<b", "550 5.1.1 unknown"),
        ("RCPT TO:<d", "450 4.2.0 grey"),
    ])
    .await;
    let transport = transport(options(), zone(&[&peer]));
    let all = ["a@x.test", "b@x.test", "c@x.test", "d@x.test"];
    let mut job = job(&all, "example.test");
    // Not all of the envelope's, and one that is none.
    job.positions = vec![3, 1, 2, 9];
    let report = transport.deliver(&job).await;
    let actions: Vec<_> = report.fates.iter().map(|it| it.action).collect();
    let relayed = Action::Relayed { reports: true };
    assert_eq!(
        actions,
        [Action::Deferred, Action::Failed, relayed, Action::Deferred]
    );
    assert_eq!(report.fates[3].text, "no such recipient");
    let remote = report.fates[1].remote.as_ref().unwrap();
    assert_eq!(remote.name, "mx0.test");
    assert_eq!(remote.reply.to_string(), "550 5.1.1 unknown");
    assert!(!peer.heard().iter().any(|line| line.contains("a@x.test")));
}

#[tokio::test]
async fn content_that_cannot_be_read_is_never_half_a_message() {
    #[derive(Debug)]
    struct Broken;
    #[mailcore::async_trait]
    impl mailcore::store::body::Body for Broken {
        fn len(&self) -> u64 {
            100_000
        }
        fn is_empty(&self) -> bool {
            false
        }
        async fn read(&self, range: std::ops::Range<u64>) -> mailcore::store::Result<bytes::Bytes> {
            match range.start {
                0 => Ok(bytes::Bytes::from_static(b"Subject: half\r\n\r\n")),
                _ => Err(mailcore::store::Error::new(
                    mailcore::store::Kind::Unavailable,
                    "gone",
                )),
            }
        }
    }
    let mut peer = Peer::start(&[]).await;
    let transport = transport(options(), zone(&[&peer]));
    let mut job = job(&["b@example.test"], "example.test");
    job.content = std::sync::Arc::new(Broken);
    let report = transport.deliver(&job).await;
    assert_eq!(
        shown(&report.fates[0], &[&peer]),
        "Deferred 4.3.0 mx0.test[127.0.0.1]:PORT: local data error while talking to mx0.test[127.0.0.1]"
    );
    peer.gone().await;
    assert!(!peer.heard().contains(&".".to_owned()));
    assert!(peer.heard_of("QUIT").is_empty());
}

#[tokio::test]
async fn a_delivery_that_is_dropped_closes_its_connection() {
    let mut peer = Peer::start(&[(".", SILENCE)]).await;
    let transport = transport(options(), zone(&[&peer]));
    let job = job(&["b@example.test"], "example.test");
    let delivery = transport.deliver(&job);
    tokio::select! {
        _ = delivery => panic!("nobody has answered"),
        () = async {
            while peer.heard_of("last").is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    peer.gone().await;
}
