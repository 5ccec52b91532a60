//! Who is told of what.

use crate::scene::{Read, Scene, path};
use mailcore::bounce::{Addressee, Kind, Returned};
use mailcore::deliver::{Action, Fate};

fn failed() -> Fate {
    Fate::failed((1, 1), "unknown user")
}

fn deferred() -> Fate {
    Fate::deferred((4, 1), "not now")
}

fn relayed(reports: bool) -> Fate {
    Fate::new(
        Action::Relayed { reports },
        (0, 0),
        "h[192.0.2.1]:25",
        "250 Ok",
    )
}

#[test]
fn notify_says_who_is_told_of_what() {
    let delivered = || Fate::delivered("virtual", "delivered to mailbox");
    let cases = [
        (None, failed(), Some(Kind::Failure)),
        (None, deferred(), Some(Kind::Delay)),
        (None, delivered(), None),
        (None, relayed(false), None),
        (Some("NEVER"), failed(), None),
        (Some("NEVER"), deferred(), None),
        (Some("NEVER"), delivered(), None),
        (Some("SUCCESS"), failed(), None),
        (Some("SUCCESS"), deferred(), None),
        (Some("SUCCESS"), delivered(), Some(Kind::Success)),
        (Some("SUCCESS"), relayed(false), Some(Kind::Success)),
        (Some("SUCCESS"), relayed(true), None),
        (Some("FAILURE"), failed(), Some(Kind::Failure)),
        (Some("FAILURE"), deferred(), None),
        (Some("DELAY"), deferred(), Some(Kind::Delay)),
        (Some("DELAY"), failed(), None),
        (Some("DELAY,FAILURE"), failed(), Some(Kind::Failure)),
    ];
    for (notify, fate, expected) in cases {
        let shown = format!("{notify:?} {fate:?}");
        let mut scene = Scene::from("<a@src.test>").to("<x@y.test>", fate).late();
        if let Some(notify) = notify {
            scene = scene.notify(notify);
        }
        let kinds: Vec<_> = scene.reports().iter().map(|r| r.kind).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{shown}");
    }
}

#[test]
fn what_waits_is_told_only_when_it_is_late() {
    let scene = Scene::from("<a@src.test>").to("<x@y.test>", deferred());
    assert_eq!(scene.reports(), []);
    assert_eq!(scene.late().reports().len(), 1);
}

#[tokio::test]
async fn each_kind_of_news_has_its_own_report_with_its_own_recipients() {
    let scene = Scene::from("<a@src.test>")
        .to("<one@y.test>", failed())
        .to("<two@y.test>", deferred())
        .to("<three@y.test>", Fate::delivered("virtual", "x"))
        .notify("SUCCESS")
        .to("<four@y.test>", failed())
        .notify("NEVER")
        .late();
    let reports = scene.reports();
    for (report, named) in reports.iter().zip(["one", "two", "three"]) {
        let read = Read::of(report, b"\r\n").await;
        let text = String::from_utf8_lossy(&read.octets).into_owned();
        for name in ["one", "two", "three", "four"] {
            assert_eq!(
                text.contains(&format!("{name}@y.test")),
                name == named,
                "{text}"
            );
        }
        assert_eq!(read.status().len(), 2);
    }
    assert_eq!(reports.len(), 3);
}

#[tokio::test]
async fn the_postmaster_gets_copies_without_the_body() {
    let mut scene = Scene::from("<a@src.test>")
        .to("<x@y.test>", failed())
        .to("<z@y.test>", deferred())
        .late();
    scene.options.notices.bounce = Some(path("postmaster"));
    scene.options.notices.delay = Some(path("<ops@example.test>"));
    let reports = scene.reports();
    let of: Vec<_> = reports.iter().map(|r| (r.kind, r.to, r.returned)).collect();
    assert_eq!(
        of,
        [
            (Kind::Failure, Addressee::Sender, Returned::Whole),
            (Kind::Failure, Addressee::Postmaster, Returned::Header),
            (Kind::Delay, Addressee::Sender, Returned::Header),
            (Kind::Delay, Addressee::Postmaster, Returned::Header),
        ]
    );
    let copy = &reports[1];
    assert_eq!(
        copy.envelope.sender.to_string(),
        "double-bounce@mx.example.test"
    );
    assert_eq!(copy.envelope.recipients[0].path.to_string(), "postmaster");
    let read = Read::of(copy, b"Subject: x\r\n\r\nsecret\r\n").await;
    assert_eq!(read.field("Subject"), "Postmaster Copy: Undelivered Mail");
    assert_eq!(read.field("To"), "postmaster@example.test");
    assert_eq!(read.field("Auto-Submitted"), "auto-generated");
    assert_eq!(read.part(0), "\r\n<x@y.test>: unknown user\r\n");
    assert!(!String::from_utf8_lossy(&read.octets).contains("secret"));
    let read = Read::of(&reports[3], b"\r\n").await;
    assert_eq!(read.field("Subject"), "Postmaster Warning: Delayed Mail");
}

#[tokio::test]
async fn a_report_is_never_answered_by_a_report() {
    let null = || {
        let scene = Scene::from("<>").to("<x@y.test>", failed());
        scene.to("<z@y.test>", deferred()).late()
    };
    assert_eq!(null().reports(), []);
    let mut told = null();
    told.options.notices.double_bounce = Some(path("postmaster"));
    told.options.notices.bounce = Some(path("other"));
    let (report, read) = told.only().await;
    assert_eq!(report.notice(), "postmaster non-delivery notification");
    assert_eq!(
        report.envelope.sender.to_string(),
        "double-bounce@mx.example.test"
    );
    assert_eq!(report.envelope.recipients[0].path.to_string(), "postmaster");
    assert_eq!(report.returned, Returned::Whole);
    assert!(read.part(2).starts_with("Return-Path: <>\r\n"));
    assert_eq!(
        read.status()[0][2],
        "X-Postfix-Sender: rfc822; MAILER-DAEMON@mx.example.test"
    );
    // And what goes wrong with that is told to nobody at all.
    for sender in [
        "<double-bounce@mx.example.test>",
        "<Double-Bounce@MX.example.test>",
    ] {
        let mut scene = Scene::from(sender).to("<postmaster@example.test>", failed());
        scene.options.notices = told.options.notices.clone();
        assert_eq!(scene.reports(), [], "{sender}");
    }
}

#[test]
fn positions_that_the_envelope_has_not_are_passed_over() {
    let mut scene = Scene::from("<a@src.test>");
    scene.fates = vec![(7, failed())];
    assert_eq!(scene.reports(), []);
}
