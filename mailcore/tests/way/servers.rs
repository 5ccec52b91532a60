//! From server to server.

use crate::peer::{CLOSE, Peer};
use crate::scene::{deliver, is_dead, job, options, shown, transport, zone};
use mailcore::deliver::{Action, Transport};

#[tokio::test]
async fn who_is_deferred_by_one_server_is_offered_to_the_next_and_nobody_else_is() {
    let first = Peer::start(&[
        ("RCPT TO:<grey", "450 4.2.0 grey"),
        ("RCPT TO:<bad", "550 5.1.1 unknown"),
    ])
    .await;
    let second = Peer::start(&[(".", "250 2.0.0 Ok: queued as Y")]).await;
    let transport = transport(options(), zone(&[&first, &second]));
    let to = ["good@x.test", "grey@x.test", "bad@x.test"];
    let report = transport.deliver(&job(&to, "example.test")).await;
    let shown: Vec<_> = report
        .fates
        .iter()
        .map(|fate| shown(fate, &[&first, &second]))
        .collect();
    assert_eq!(
        shown,
        [
            "Relayed { reports: true } 2.0.0 mx0.test[127.0.0.1]:PORT: 250 2.0.0 Ok: queued as X",
            "Relayed { reports: true } 2.0.0 mx1.test[127.0.0.1]:PORT: 250 2.0.0 Ok: queued as Y",
            "Failed 5.1.1 mx0.test[127.0.0.1]:PORT: host mx0.test[127.0.0.1] said: \
             550 5.1.1 unknown (in reply to RCPT TO command)",
        ]
    );
    assert_eq!(second.heard_of("RCPT"), ["RCPT TO:<grey@x.test>"]);
    assert!(!is_dead(&report));
}

#[tokio::test]
async fn a_server_that_does_not_talk_is_passed_over() {
    for script in [&[("", CLOSE)][..], &[("EHLO", "421 4.3.2 not now\nPART")]] {
        let first = Peer::start(script).await;
        let second = Peer::start(&[]).await;
        let report = deliver(options(), &[&first, &second]).await;
        assert_eq!(report.fates[0].action, Action::Relayed { reports: true });
        assert!(report.fates[0].relay.starts_with("mx1.test["));
        assert!(!is_dead(&report));
    }
}

#[tokio::test]
async fn sessions_are_limited_and_failed_greetings_are_none() {
    let silent = Peer::start(&[("", CLOSE)]).await;
    let grey = Peer::start(&[("MAIL", "451 4.7.1 grey")]).await;
    let greyer = Peer::start(&[("MAIL", "451 4.7.1 greyer")]).await;
    let spare = Peer::start(&[]).await;
    let peers = [&silent, &grey, &greyer, &spare];
    let report = deliver(options(), &peers).await;
    assert_eq!(
        shown(&report.fates[0], &peers),
        "Deferred 4.7.1 mx2.test[127.0.0.1]:PORT: host mx2.test[127.0.0.1] said: \
         451 4.7.1 greyer (in reply to MAIL FROM command)"
    );
    assert_eq!(spare.connections(), 0);
    assert!(!is_dead(&report), "two of them talked to us");
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_elsewhere() {
    let first = Peer::start(&[(".", "554 5.6.0 spam")]).await;
    let second = Peer::start(&[]).await;
    let report = deliver(options(), &[&first, &second]).await;
    assert_eq!(report.fates[0].action, Action::Failed);
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn a_destination_is_dead_if_no_server_talks_and_the_last_reason_is_told() {
    let first = Peer::start(&[("", CLOSE)]).await;
    let second = Peer::start(&[("", "421 4.3.2 not now\nPART")]).await;
    let report = deliver(options(), &[&first, &second]).await;
    let text = "host mx1.test[127.0.0.1] refused to talk to me: 421 4.3.2 not now";
    assert_eq!(report.fates[0].text, text);
    assert_eq!(
        report.feedback,
        mailcore::deliver::Feedback::Dead(text.to_owned())
    );
}
