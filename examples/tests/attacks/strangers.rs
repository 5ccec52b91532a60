//! Clients that speak something else, and clients that speak for others.

use crate::peer::{Peer, count};
use crate::server::{IMAP, IMAPS, LMTP, POP3, POP3S, SMTP, SMTPS, SUBMISSION, Server, own_address};

#[test]
fn a_browser_cannot_be_made_to_send_mail_or_to_read_it() {
    let server = Server::start(&[]);
    let password = server.password("alice@example.test");
    let body = format!(
        "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n\
         a LOGIN alice@example.test {password}\r\na SELECT INBOX\r\nUSER alice@example.test\r\nPASS {password}\r\n"
    );
    for service in [SMTP, SUBMISSION, SMTPS, IMAP, IMAPS, POP3, POP3S] {
        for verb in ["GET", "POST", "CONNECT", "get"] {
            let mut peer = Peer::to(&server, service);
            peer.raw(format!("{verb} / HTTP/1.1\r\nHost: localhost\r\n\r\n{body}").as_bytes());
            peer.close_half();
            let all = peer.rest();
            for sign in ["354", "a OK", "+OK Logged in", "250 2.1", "queued"] {
                assert!(!all.contains(sign), "{verb} on {service}: {all}");
            }
        }
    }
    assert_eq!(count(&server, "alice@example.test"), 0);
}

#[test]
fn strangers_cannot_say_whom_they_speak_for() {
    let server = Server::start(&[]);
    let lines = [
        "XCLIENT ADDR=192.0.2.1 LOGIN=alice@example.test",
        "XFORWARD ADDR=192.0.2.1",
        "PROXY TCP4 192.0.2.1 127.0.0.1 1 25",
    ];
    for line in lines {
        for service in [SMTP, SUBMISSION, LMTP] {
            let mut peer = Peer::hello(&server, service);
            let reply = peer.ask(line);
            assert!(reply.starts_with('5'), "{line}: {reply}");
            // Nothing of it is believed.
            assert!(!crate::peer::log(&server).contains("192.0.2.1]"));
        }
        for service in [IMAP, POP3] {
            let mut peer = Peer::greeted(&server, service);
            let reply = peer.ask(line);
            assert!(
                reply.starts_with("PROXY BAD")
                    || reply.contains("BAD")
                    || reply.starts_with("-ERR"),
                "{reply}"
            );
        }
    }
    // The binary form, before the greeting.
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    v2.extend_from_slice(&[192, 0, 2, 1, 127, 0, 0, 1, 0, 1, 0, 25]);
    for service in [SMTP, LMTP, IMAP, POP3] {
        let mut peer = Peer::to(&server, service);
        peer.raw(&v2);
        peer.close_half();
        peer.rest();
    }
    assert!(!crate::peer::log(&server).contains("192.0.2.1]"));
}

/// Addresses that are not ours, however much they look like it, and addresses that other servers have relayed,
/// written to files or run.
const LOOKALIKES: [&str; 20] = [
    "<x@elsewhere.test>",
    "<@example.test:x@elsewhere.test>",
    "<x%elsewhere.test@example.test>",
    "<elsewhere.test!x@example.test>",
    "<\"x@elsewhere.test\"@example.test>",
    "<\"x@elsewhere.test\">",
    "<x@elsewhere.test@example.test>",
    "<x@[127.0.0.1]>",
    "<x@[IPv6:::1]>",
    "<x@127.0.0.1>",
    "<x@example.test.elsewhere.test>",
    "<x@elsewhere.test\0@example.test>",
    "<|/bin/id>",
    "<\"|/bin/id\"@example.test>",
    "</tmp/file@example.test>",
    "<\":include:/etc/passwd\"@example.test>",
    "<\"\"@example.test>",
    "<=?utf-8?q?alice?=@example.test>",
    "<\u{ff41}lice@example.test>",
    "<alice\u{301}@example.test>",
];

#[test]
fn mail_is_relayed_for_no_stranger_whatever_its_address_looks_like() {
    let server = Server::start(&[]);
    let Some(stranger) = own_address() else {
        return;
    };
    for path in LOOKALIKES {
        for mut peer in [
            Peer::from(stranger, &server, SMTP),
            Peer::hello(&server, LMTP),
        ] {
            assert!(peer.ask("MAIL FROM:<a@client.test>").starts_with("250 "));
            let reply = peer.ask(&format!("RCPT TO:{path}"));
            assert!(reply.starts_with(['4', '5']), "{path:?}: {reply}");
        }
    }
    let mut peer = Peer::from(stranger, &server, SMTP);
    peer.ask("MAIL FROM:<alice@example.test>");
    assert_eq!(
        peer.ask("RCPT TO:<x@elsewhere.test>"),
        "454 4.7.1 <x@elsewhere.test>: Relay access denied"
    );
    // What is ours is taken from everybody.
    assert!(peer.ask("RCPT TO:<alice@example.test>").starts_with("250 "));
    assert!(
        crate::peer::log(&server).contains(&format!("[{stranger}]: 454 4.7.1 <x@elsewhere.test>"))
    );
}

#[test]
fn what_looks_like_ours_goes_into_nobodys_mailbox() {
    let outer = tempfile::tempdir().unwrap();
    let zone = outer.path().join("zone");
    std::fs::write(&zone, "").unwrap(); // there is no other server
    let server = Server::start(&["--zone", zone.to_str().unwrap()]);
    let mut taken = 0;
    // A server that really listens on this host is left in peace.
    let elsewhere = |path: &&str| !path.contains("127.0.0.1") && !path.contains("::1");
    for path in LOOKALIKES.into_iter().filter(elsewhere) {
        // From this host, which may send anywhere.
        let mut peer = Peer::hello(&server, SMTP);
        peer.ask("MAIL FROM:<bob@example.test>");
        if !peer.ask(&format!("RCPT TO:{path}")).starts_with("250 ") {
            continue;
        }
        assert!(peer.ask("DATA").starts_with("354 "), "{path:?}");
        peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
        let reply = peer.reply();
        assert!(reply.starts_with("250 "), "{path:?}: {reply}");
        taken += 1;
    }
    assert!(taken >= 3, "what is for others goes there");
    // Each goes back to who sent it, and the queue runs on.
    assert_eq!(count(&server, "bob@example.test"), taken);
    assert_eq!(count(&server, "alice@example.test"), 0);
    server.deliver("alice@example.test", "Subject: after\n\nx");
    assert_eq!(count(&server, "alice@example.test"), 1);
}

#[test]
fn one_domain_is_ours_however_it_is_written() {
    let server = Server::start(&[]);
    let paths = [
        "<ALICE@EXAMPLE.TEST.>",
        "<alice@\u{ff45}xample.test>",
        "<@a.test,@b.test:alice@example.test>",
    ];
    for path in paths {
        let mut peer = Peer::hello(&server, SMTP);
        assert!(peer.ask("MAIL FROM:<a@client.test>").starts_with("250 "));
        let reply = peer.ask(&format!("RCPT TO:{path}"));
        assert!(reply.starts_with("250 "), "{path}: {reply}");
        assert!(peer.ask("DATA").starts_with("354 "));
        peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
        assert!(peer.reply().starts_with("250 "), "{path}");
    }
    assert_eq!(count(&server, "alice@example.test"), paths.len());
}
