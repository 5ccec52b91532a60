//! What a report looks like: Postfix's words and fields.

use crate::scene::{MESSAGE, Scene};
use mailcore::base::envelope::{Body, Return};
use mailcore::base::reply::Reply;
use mailcore::bounce::{Addressee, Kind, Returned};
use mailcore::deliver::{Action, Fate};

fn refused() -> Fate {
    let reply: Reply = "550 5.1.1 no such user\nask somebody".parse().unwrap();
    Fate::failed((1, 1), "host h.relay.test[192.0.2.9] said: 550 5.1.1 no such user ask somebody (in reply to RCPT TO command)")
        .by("h.relay.test[192.0.2.9]:25")
        .said("h.relay.test", reply)
}

#[tokio::test]
async fn a_failure_is_told_in_postfixs_words() {
    let scene = Scene::from("<a@src.test>")
        .envid("abc+2Bd")
        .to(
            "<gone@fail.test>",
            Fate::failed((1, 2), "no such \"place\""),
        )
        .expanded_from("<al@src.test>")
        .to("<y@relay.test>", refused())
        .orcpt("rfc822;orig+2Bz@o.test");
    let (report, read) = scene.only().await;
    assert_eq!((report.kind, report.to), (Kind::Failure, Addressee::Sender));
    assert_eq!(report.notice(), "sender non-delivery notification");
    assert!(report.envelope.sender.is_null());
    assert_eq!(report.envelope.recipients[0].path.to_string(), "a@src.test");
    assert_eq!(
        read.field("From"),
        "Mail Delivery System <MAILER-DAEMON@example.test>"
    );
    assert_eq!(read.field("Subject"), "Undelivered Mail Returned to Sender");
    assert_eq!(read.field("To"), "a@src.test");
    assert_eq!(read.field("Auto-Submitted"), "auto-replied");
    assert_eq!(read.field("Date"), "Fri, 20 Nov 2026 13:39:05 +0000");
    assert_eq!(
        read.field("Content-Type").replace('\t', " "),
        "multipart/report; report-type=\"delivery-status\"; boundary=\"973D698E128.1795181945/mx.example.test\""
    );
    assert_eq!(
        read.part(0),
        "This is the mail system at host mx.example.test.\r\n\r\n\
         I'm sorry to have to inform you that your message could not\r\n\
         be delivered to one or more recipients. It's attached below.\r\n\r\n\
         For further assistance, please send mail to postmaster.\r\n\r\n\
         If you do so, please include this problem report. You can\r\n\
         delete your own text from the attached returned message.\r\n\r\n                   \
         The mail system\r\n\r\n\
         <gone@fail.test> (expanded from <al@src.test>): no such \"place\"\r\n\r\n\
         <y@relay.test>: host h.relay.test[192.0.2.9] said: 550 5.1.1 no such user ask\r\n    \
         somebody (in reply to RCPT TO command)\r\n"
    );
    assert_eq!(
        read.part(1),
        "Reporting-MTA: dns; mx.example.test\r\n\
         Original-Envelope-Id: abc+d\r\n\
         X-Postfix-Queue-ID: 973D698E128\r\n\
         X-Postfix-Sender: rfc822; a@src.test\r\n\
         Arrival-Date: Fri, 20 Nov 2026 13:37:25 +0000\r\n\r\n\
         Final-Recipient: rfc822; gone@fail.test\r\n\
         Original-Recipient: rfc822;al@src.test\r\n\
         Action: failed\r\n\
         Status: 5.1.2\r\n\
         Diagnostic-Code: X-Postfix; no such \"place\"\r\n\r\n\
         Final-Recipient: rfc822; y@relay.test\r\n\
         Original-Recipient: rfc822;orig+z@o.test\r\n\
         Action: failed\r\n\
         Status: 5.1.1\r\n\
         Remote-MTA: dns; h.relay.test\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user ask somebody\r\n"
    );
    let types = ["text/plain", "message/delivery-status", "message/rfc822"];
    assert_eq!(read.types(), types);
    let whole = String::from_utf8_lossy(MESSAGE);
    assert_eq!(
        read.part(2),
        format!("Return-Path: <a@src.test>\r\n{whole}")
    );
}

#[tokio::test]
async fn of_what_is_large_or_not_wanted_the_header_comes_back() {
    let failed = || Scene::from("<a@src.test>").to("<x@fail.test>", Fate::failed((1, 2), "no"));
    let mut large = failed();
    large.size = 50_001;
    let mut binary = failed();
    binary.envelope.parameters.body = Some(Body::BinaryMime);
    for scene in [failed().ret(Return::Headers), large, binary] {
        let (report, read) = scene.only().await;
        assert_eq!(report.returned, Returned::Header);
        assert_eq!(read.types()[2], "text/rfc822-headers");
        let header = "Return-Path: <a@src.test>\r\nReceived: from a\r\nSubject: héllo\r\nTo: x@fail.test\r\n";
        assert_eq!(read.part(2), header);
    }
    let mut just = failed().ret(Return::Full);
    just.size = 50_000;
    assert_eq!(just.only().await.0.returned, Returned::Whole);
}

#[tokio::test]
async fn a_delay_says_how_long_it_will_be_tried() {
    let late = Fate::deferred(
        (4, 1),
        "connect to h.late.test[192.0.2.1]:25: Connection refused",
    );
    let scene = Scene::from("<a@src.test>").to("<l@late.test>", late).late();
    let (report, read) = scene.only().await;
    assert_eq!(report.notice(), "sender delay notification");
    assert_eq!(read.field("Subject"), "Delayed Mail (still being retried)");
    let text = read.part(0);
    assert!(
        text.contains(
            "\r\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\r\n"
        )
    );
    assert!(text.contains("\r\nYour message could not be delivered for more than 4 hour(s).\r\nIt will be retried until it is 5 day(s) old.\r\n\r\nFor further"), "{text}");
    assert!(text.ends_with(
        "\r\n<l@late.test>: connect to h.late.test[192.0.2.1]:25: Connection refused\r\n"
    ));
    let status = read.status();
    assert_eq!(status[1][2..4], ["Action: delayed", "Status: 4.4.1"]);
    assert_eq!(
        status[1][5],
        "Will-Retry-Until: Wed, 25 Nov 2026 13:37:25 +0000"
    );
    assert_eq!(read.types()[2], "text/rfc822-headers");
}

#[tokio::test]
async fn a_success_says_who_has_it() {
    let relayed = Fate::new(
        Action::Relayed { reports: false },
        (0, 0),
        "h.sink.test[192.0.2.2]:25",
        "250 2.0.0 Ok",
    )
    .said("h.sink.test", "250 2.0.0 Ok".parse().unwrap());
    let scene = Scene::from("<a@src.test>")
        .to(
            "<t@src.test>",
            Fate::delivered("virtual", "delivered to maildir"),
        )
        .notify("SUCCESS")
        .to(
            "<many@src.test>",
            Fate::new(Action::Expanded, (0, 0), "none", "alias expanded"),
        )
        .notify("SUCCESS")
        .to("<r@sink.test>", relayed)
        .notify("SUCCESS");
    let (report, read) = scene.only().await;
    assert_eq!(report.notice(), "sender delivery status notification");
    assert_eq!(read.field("Subject"), "Successful Mail Delivery Report");
    let text = read.part(0);
    assert!(text.ends_with("\r\n<t@src.test>: delivery via virtual: delivered to maildir\r\n\r\n<many@src.test>: alias expanded\r\n\r\n<r@sink.test>: delivery via h.sink.test[192.0.2.2]:25: 250 2.0.0 Ok\r\n"), "{text}");
    let status = read.status();
    let action = |n: usize| status[n][2].clone();
    assert_eq!(
        [action(1), action(2), action(3)],
        ["Action: delivered", "Action: expanded", "Action: relayed"]
    );
    assert_eq!(
        status[1][4],
        "Diagnostic-Code: X-Postfix; delivery via virtual: delivered to maildir"
    );
    assert_eq!(
        status[3][4..],
        [
            "Remote-MTA: dns; h.sink.test",
            "Diagnostic-Code: smtp; 250 2.0.0 Ok"
        ]
    );
    assert_eq!(report.returned, Returned::Header);
    assert!(
        String::from_utf8_lossy(&read.octets).contains("Content-Description: Message Headers\r\n")
    );
}

#[tokio::test]
async fn mail_with_smtputf8_is_reported_in_utf8() {
    let failed = Fate::failed((1, 2), "gibt es nicht: jös");
    let scene = Scene::from("<jörg@src.test>")
        .to("<jös@fail.test>", failed)
        .orcpt("utf-8;jöx@src.test")
        .utf8();
    let (report, read) = scene.only().await;
    assert!(report.envelope.parameters.smtputf8);
    assert_eq!(report.envelope.parameters.body, Some(Body::EightBitMime));
    assert_eq!(read.field("To"), "jörg@src.test");
    let types = [
        "text/plain",
        "message/global-delivery-status",
        "message/global",
    ];
    assert_eq!(read.types(), types);
    let status = read.status();
    assert_eq!(status[0][2], "X-Postfix-Sender: utf-8; jörg@src.test");
    assert_eq!(
        status[1][..2],
        [
            "Final-Recipient: utf-8; jös@fail.test",
            "Original-Recipient: utf-8;jöx@src.test"
        ]
    );
    assert_eq!(
        status[1][4],
        "Diagnostic-Code: X-Postfix; gibt es nicht: jös"
    );
    let (_, read) = scene.ret(Return::Headers).only().await;
    assert_eq!(read.types()[2], "message/global-headers");
}

#[tokio::test]
async fn mail_without_smtputf8_is_reported_in_ascii_fields() {
    let scene = Scene::from("<a@src.test>")
        .to(
            "<jös+x@fail.test>",
            Fate::failed((1, 2), "gibt es nicht: jös"),
        )
        .expanded_from("<al@src.test>");
    let (report, read) = scene.only().await;
    assert!(!report.envelope.parameters.smtputf8);
    assert_eq!(
        report.envelope.parameters.body,
        Some(Body::EightBitMime),
        "the text needs it"
    );
    let status = read.status();
    assert_eq!(
        status[1][0],
        "Final-Recipient: utf-8; j\\x{F6}s\\x{2B}x@fail.test"
    );
    assert_eq!(
        status[1][4],
        "Diagnostic-Code: X-Postfix; gibt es nicht: j?s"
    );
    assert!(report.header.is_ascii());
    assert!(
        read.part(0)
            .contains("<jös+x@fail.test> (expanded from <al@src.test>): gibt es nicht: jös")
    );
    let plain = Scene::from("<a@src.test>").to("<x@fail.test>", Fate::failed((1, 2), "no"));
    assert_eq!(plain.only().await.0.envelope.parameters.body, None);
}
