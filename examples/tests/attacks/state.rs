//! No transaction outlives a refusal, and what was promised at RCPT is not taken back for good.

use crate::peer::{Peer, count};
use crate::server::{LMTP, SMTP, Server};

fn ready(server: &Server, service: u16) -> Peer {
    let mut peer = Peer::hello(server, service);
    for command in ["MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>"] {
        assert!(peer.ask(command).starts_with("250 "));
    }
    peer
}

fn nothing_is_open(peer: &mut Peer, after: &str) {
    let replies = peer.all(&["RCPT TO:<bob@example.test>", "DATA"]);
    assert!(
        replies.iter().all(|r| r.starts_with("503 ")),
        "after {after}: {replies:?}"
    );
    peer.raw(b"BDAT 6 LAST\r\nx: y\r\n");
    assert!(peer.reply().starts_with("503 "), "after {after}");
}

#[test]
fn after_a_refusal_nothing_is_left_of_the_transaction() {
    let server = Server::start(&[]);
    for service in [SMTP, LMTP] {
        for (way, sent) in [
            ("RSET", &b"RSET\r\n"[..]),
            (
                "a greeting",
                if service == LMTP {
                    b"LHLO x\r\n"
                } else {
                    b"EHLO x\r\n"
                },
            ),
            ("DATA with an argument", b"DATA x\r\n"),
        ] {
            let mut peer = ready(&server, service);
            peer.raw(sent);
            peer.reply();
            nothing_is_open(&mut peer, way);
        }
    }
    // Refused by its size, both ways.
    let mut peer = ready(&server, SMTP);
    assert!(peer.ask("DATA").starts_with("354 "));
    let line = [b'x'; 998];
    for _ in 0..11_000 {
        peer.raw(&line);
        peer.raw(b"\r\n");
    }
    peer.raw(b".\r\n");
    assert!(peer.reply().starts_with("552 "));
    nothing_is_open(&mut peer, "a message that is too large");
    let mut peer = ready(&server, SMTP);
    peer.raw(b"BDAT 20000000 LAST\r\n");
    for _ in 0..20_000 {
        peer.raw(&[b'y'; 1000]);
    }
    assert!(peer.reply().starts_with("552 "));
    nothing_is_open(&mut peer, "a chunk that is too large");
    assert_eq!(
        count(&server, "alice@example.test") + count(&server, "bob@example.test"),
        0
    );
}

#[test]
fn a_recipient_that_vanishes_after_rcpt_is_asked_for_again_and_not_bounced() {
    let server = Server::start(&[]);
    for service in [SMTP, LMTP] {
        let users = std::fs::read_to_string(server.data().join("users")).unwrap();
        let mut peer = ready(&server, service);
        assert!(peer.ask("RCPT TO:<bob@example.test>").starts_with("250 "));
        let without: String = users
            .lines()
            .filter(|l| !l.starts_with("alice@"))
            .map(|l| format!("{l}\n"))
            .collect();
        std::fs::write(server.data().join("users"), without).unwrap();
        peer.send("DATA");
        let reply = peer.reply();
        assert!(!reply.starts_with('5'), "{service}: {reply}");
        std::fs::write(server.data().join("users"), users).unwrap();
    }
}

#[test]
fn lmtp_answers_each_recipient_in_order_whatever_became_of_it() {
    let server = Server::start(&[]);
    let mut peer = Peer::hello(&server, LMTP);
    peer.raw(
        b"MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<nobody@example.test>\r\n\
          RCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<root@example.test>\r\n\
          RCPT TO:<bob+x@example.test>\r\n",
    );
    let codes: Vec<String> = (0..7).map(|_| peer.reply()[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "550", "250", "250", "250", "250"]);
    assert!(peer.ask("DATA").starts_with("354 "));
    peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
    for name in ["bob", "alice", "bob", "root", "bob+x"] {
        let reply = peer.reply();
        assert!(
            reply.starts_with(&format!("250 2.0.0 <{name}@example.test> ")),
            "{name}: {reply}"
        );
    }
    assert!(
        peer.ask("NOOP").starts_with("250 "),
        "five recipients, five replies"
    );
    // Every mailbox has it once.
    assert_eq!(count(&server, "bob@example.test"), 1);
    assert_eq!(count(&server, "alice@example.test"), 1);
}
