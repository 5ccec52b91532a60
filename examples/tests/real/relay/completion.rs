//! What a message lacks that begins its way here, and what shall not travel with it.

use super::net::{Letter, Net, exchanger, wait_for_line};
use super::scripted::Scripted;
use crate::server::{SMTP, SUBMISSION, Server, free_base, have, python};

fn with_peer() -> (Server, Scripted) {
    let peer = Scripted::start(&["8BITMIME"]);
    let net = Net::new(&exchanger("c.test", peer.port));
    (net.start("a.test", free_base(), &[]), peer)
}

/// The field names and the body of the one message that the peer got.
fn received(server: &Server, peer: &Scripted) -> (Vec<String>, String) {
    wait_for_line(server, &["to=<x@c.test>", "status=sent"]);
    let [message] = &peer.heard().messages[..] else {
        panic!("one message is expected")
    };
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let fields = header.lines().filter(|line| !line.starts_with([' ', '\t']));
    let names = fields.map(|line| line.split(':').next().unwrap().to_ascii_lowercase());
    (names.collect(), body.to_owned())
}

#[test]
fn a_submitted_message_gets_what_it_lacks_and_loses_its_bcc() {
    if !have(&["python3"]) {
        return;
    }
    let (a, peer) = with_peer();
    let password = a.password("alice@a.test");
    python(
        r#"
import sys, ssl, smtplib
cert, port, password = sys.argv[1:]
s = smtplib.SMTP('localhost', int(port)); s.starttls(context=ssl.create_default_context(cafile=cert))
s.login('alice@a.test', password)
s.sendmail('alice@a.test', ['x@c.test'], 'Subject: short\r\nTo: y@c.test\r\nBcc: x@c.test,\r\n z@c.test\r\nX-Kept: yes\r\n\r\nbody\r\n')
s.quit()
"#,
        &[
            a.certificate().to_str().unwrap(),
            &a.port(SUBMISSION).to_string(),
            &password,
        ],
    );
    let (names, body) = received(&a, &peer);
    for name in [
        "message-id",
        "date",
        "from",
        "subject",
        "to",
        "x-kept",
        "received",
    ] {
        let count = names.iter().filter(|it| *it == name).count();
        assert_eq!(count, 1, "{name} in {names:?}");
    }
    assert!(!names.contains(&"bcc".to_owned()), "{names:?}");
    let message = peer.heard().messages.remove(0);
    assert!(!message.contains("z@c.test"), "{message}");
    assert_eq!(body, "body\r\n");
    wait_for_line(&a, &["sasl_method=", "sasl_username=alice@a.test"]);
}

#[test]
fn what_a_message_has_stays_as_it_is() {
    let (a, peer) = with_peer();
    let message = "Date: Fri, 1 Jan 2021 00:00:00 +0000\nMessage-ID: <mine@a.test>\nfrom: \"A\"  <a@a.test>\nSubject: =?utf-8?q?x?=\n\n.\u{20}dot\n\tend\n";
    Letter {
        mail: "<alice@a.test> BODY=8BITMIME",
        rcpt: &["<x@c.test>"],
        message,
    }
    .send(&a);
    let (_, body) = received(&a, &peer);
    // A dot at the front was put there for the wire by nobody: the server took it away.
    assert_eq!(body, " dot\r\n\tend\r\n");
    let received = peer.heard().messages.remove(0);
    let fields = message.split_once("\n\n").unwrap().0.replace('\n', "\r\n");
    assert!(
        received.contains(&format!("\r\n{fields}\r\n\r\n")),
        "{received}"
    );
    assert!(
        peer.heard()
            .commands
            .iter()
            .any(|it| it == "MAIL FROM:<alice@a.test> BODY=8BITMIME")
    );
}

#[test]
fn who_has_not_logged_in_may_not_relay_by_submission() {
    let (a, peer) = with_peer();
    for (service, stage) in [(SUBMISSION, "530 5.7.0 "), (SMTP, "2")] {
        let mut talk = a.connect(service);
        talk.expect("220 ");
        talk.send("EHLO client.test");
        talk.reply();
        talk.send("MAIL FROM:<alice@a.test>");
        let mail = talk.reply();
        talk.send("RCPT TO:<x@c.test>");
        let rcpt = talk.reply();
        assert!(
            mail.starts_with(stage) || rcpt.starts_with(stage),
            "{mail} {rcpt}"
        );
    }
    assert_eq!(peer.count(), 0);
}
