//! Nothing that a peer says begins a line of its own in a header or in the log.

use crate::peer::{Peer, inbox, log};
use crate::server::{IMAP, LMTP, POP3, SMTP, Server};

fn lines_are_ours(server: &Server) {
    let text = log(server);
    for line in text.lines() {
        let ours = line.len() > 16
            && line.is_char_boundary(15)
            && line[..15].split(' ').count() >= 3
            && line[6..15].contains(':');
        assert!(ours, "a line that nobody wrote: {line:?}");
        assert!(!line.chars().any(|c| c.is_control()), "{line:?}");
    }
    assert!(
        !text.contains("\nInjected") && !text.contains('\u{202e}'),
        "{text}"
    );
}

#[test]
fn no_part_of_an_envelope_makes_a_line() {
    let server = Server::start(&[]);
    for text in [
        "x\rInjected: yes",
        "x\nInjected: yes",
        "x\0Injected: yes",
        "x\u{1b}[31m",
        "x\u{85}y",
        "x\u{2028}y",
        "x\u{202e}y",
    ] {
        let mut peer = Peer::greeted(&server, SMTP);
        let parts = [
            format!("EHLO {text}"),
            format!("HELO {text}"),
            "EHLO client.test".to_owned(),
            format!("MAIL FROM:<{text}@client.test>"),
            format!("MAIL FROM:<\"{text}\"@client.test>"),
            format!("MAIL FROM:<a@client.test> ENVID={text}"),
            format!("MAIL FROM:<a@client.test> AUTH={text}"),
            "RSET".to_owned(),
            "MAIL FROM:<a@client.test> ENVID=a+0D+0AInjected AUTH=a+0D+0AInjected".to_owned(),
            "RSET".to_owned(),
            "MAIL FROM:<a@client.test>".to_owned(),
            format!("RCPT TO:<{text}@example.test>"),
            format!("RCPT TO:<\"{text}\"@example.test>"),
            format!("RCPT TO:<alice@example.test> ORCPT=rfc822;{text}"),
            "RCPT TO:<alice@example.test> ORCPT=rfc822;a+0D+0AInjected".to_owned(),
            format!("VRFY {text}"),
            format!("{text} {text}"),
        ];
        for part in parts {
            peer.send(&part);
        }
        peer.close_half();
        peer.rest();
        let mut lmtp = Peer::greeted(&server, LMTP);
        for part in [
            format!("LHLO {text}"),
            format!("MAIL FROM:<{text}@x.test>"),
            format!("RCPT TO:<{text}>"),
        ] {
            lmtp.send(&part);
        }
        lmtp.close_half();
        lmtp.rest();
        let mut imap = Peer::greeted(&server, IMAP);
        imap.send(&format!("a LOGIN {{{}+}}\r\n{text} x", text.len()));
        imap.send(&format!("a LOGIN \"{text}\" x"));
        imap.close_half();
        imap.rest();
        let mut pop = Peer::greeted(&server, POP3);
        pop.send(&format!("USER {text}"));
        pop.send("PASS x");
        pop.close_half();
        pop.rest();
    }
    lines_are_ours(&server);
}

#[test]
fn a_message_with_an_evil_envelope_keeps_its_header() {
    let server = Server::start(&[]);
    let mut peer = Peer::greeted(&server, SMTP);
    let replies = peer.all(&[
        "EHLO a(b)c<d>\"e\\;@f",
        "MAIL FROM:<\"q\\\"u>o te\"@client.test>",
        "RCPT TO:<alice+\"x>@example.test>",
        "RCPT TO:<\"alice+a>b\"@example.test>",
        "DATA",
    ]);
    assert!(replies.last().unwrap().starts_with("354 "), "{replies:?}");
    peer.raw(b"Message-ID: <a\x1b]0;b\x07@c>\r\nSubject: x\r\n\r\nx\r\n.\r\n");
    assert!(peer.reply().starts_with("250 "));
    server.settled();
    let mut imap = inbox(&server, "alice@example.test");
    let header = imap.tagged("h", "FETCH 1 BODY[HEADER]").join("\n");
    let received = header.lines().find(|l| l.contains("Received: ")).unwrap();
    // What a client calls itself can neither end a comment nor begin one.
    assert_eq!(received.matches('(').count(), 1, "{received}");
    assert_eq!(received.matches(')').count(), 1, "{received}");
    assert!(
        !received.contains(['<', '>', '"', '\\', ';', '@']),
        "{received}"
    );
    assert_eq!(
        header
            .matches("Return-Path: <\"q\\\"u>o te\"@client.test>")
            .count(),
        1,
        "{header}"
    );
    lines_are_ours(&server);
}

#[test]
fn a_message_cannot_forge_our_own_trace() {
    let server = Server::start(&[]);
    let mut peer = Peer::hello(&server, SMTP);
    peer.all(&[
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ]);
    peer.raw(b"Return-Path: <forged@client.test>\r\nDelivered-To: bob@example.test\r\nSubject: x\r\n\r\nx\r\n.\r\n");
    assert!(peer.reply().starts_with("250 "));
    server.settled();
    let mut imap = inbox(&server, "alice@example.test");
    let header = imap.tagged("h", "FETCH 1 BODY[HEADER]");
    let trace: Vec<&String> = header
        .iter()
        .filter(|l| l.starts_with("Return-Path:") || l.starts_with("Delivered-To:"))
        .collect();
    // Ours stand first.
    assert_eq!(trace[0], "Return-Path: <a@client.test>", "{header:?}");
    assert_eq!(trace[1], "Delivered-To: alice@example.test", "{header:?}");
}
