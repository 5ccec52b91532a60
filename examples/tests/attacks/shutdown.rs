//! Going down: who waits is told, who is in the midst finishes, who is silent holds nobody up.

use crate::peer::{Peer, count, inbox, signal};
use crate::server::{IMAP, IMAPS, LMTP, POP3, SMTP, Server};
use std::time::{Duration, Instant};

fn gone(server: &Server, within: Duration) -> bool {
    let start = Instant::now();
    let stat = format!("/proc/{}/stat", server.pid());
    while start.elapsed() < within {
        let text = std::fs::read_to_string(&stat).unwrap_or_default();
        if text.is_empty()
            || text
                .rsplit_once(") ")
                .is_some_and(|(_, t)| t.starts_with('Z'))
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn everybody_is_told_goodbye_in_his_own_words() {
    let server = Server::start(&[]);
    let mut smtp = Peer::hello(&server, SMTP);
    let mut begun = Peer::hello(&server, SMTP);
    begun.all(&["MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>"]);
    let mut lmtp = Peer::hello(&server, LMTP);
    let mut before = Peer::greeted(&server, IMAP);
    let mut imap = inbox(&server, "alice@example.test");
    let mut idle = inbox(&server, "alice@example.test");
    idle.send("i IDLE");
    assert!(idle.line().unwrap().starts_with('+'));
    let mut pop = Peer::greeted(&server, POP3);
    let mut half = Peer::greeted(&server, SMTP);
    half.raw(b"EHLO cli");
    signal(&server, "-TERM");
    for peer in [&mut smtp, &mut begun, &mut lmtp, &mut half] {
        let all = peer.rest();
        assert!(
            all.starts_with("421 ") && all.lines().count() == 1,
            "{all:?}"
        );
    }
    for peer in [&mut imap, &mut idle, &mut before] {
        let all = peer.rest();
        assert!(
            all.starts_with("* BYE ") && all.lines().count() == 1,
            "{all:?}"
        );
    }
    let all = pop.rest();
    assert!(all.starts_with("-ERR ") || all.is_empty(), "{all:?}");
    assert!(gone(&server, Duration::from_secs(20)));
}

#[test]
fn a_message_that_is_coming_in_is_taken_or_not_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let start = || {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(data.path(), folder.path().join("data")).unwrap();
        Server::start_in(folder, &[])
    };
    let server = start();
    let mut peer = Peer::hello(&server, SMTP);
    peer.all(&[
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ]);
    peer.raw(b"Subject: x\r\n\r\nfirst half\r\n");
    let mut stalled = Peer::hello(&server, SMTP);
    stalled.all(&[
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ]);
    stalled.raw(b"Subject: never ends\r\n\r\nhalf");
    signal(&server, "-TERM");
    peer.raw(b"second half\r\n.\r\n");
    let all = peer.rest();
    let taken = all.contains("250 2.0.0 Ok: queued as");
    assert!(all.contains("421 "), "{all:?}");
    assert!(taken, "there was time enough: {all:?}");
    let all = stalled.rest();
    assert!(!all.contains("250"), "{all:?}");
    assert!(
        all.contains("421 4.3.2 "),
        "it is told that it is not taken: {all:?}"
    );
    assert!(gone(&server, Duration::from_secs(25)));
    // Delivered or in the queue, it is there at the next start; and half a message is nowhere.
    let server = start();
    server.settled();
    let folder = server.data().join("mail/example.test/alice/Maildir");
    let found: Vec<String> = std::fs::read_dir(folder.join("new"))
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("first half\nsecond half\n"), "{found:?}");
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_peer_that_is_silent_in_its_handshake_holds_nobody_up() {
    let server = Server::start(&[]);
    let _silent = Peer::to(&server, IMAPS);
    let mut begun = Peer::to(&server, IMAPS);
    begun.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc");
    let mut held = Vec::new();
    for (service, word) in [
        (SMTP, "STARTTLS"),
        (LMTP, "STARTTLS"),
        (IMAP, "t STARTTLS"),
        (POP3, "STLS"),
    ] {
        let mut peer = Peer::greeted(&server, service);
        let said = peer.ask(word);
        assert!(
            ["220 ", "t OK", "+OK "].iter().any(|w| said.starts_with(w)),
            "{said}"
        );
        held.push(peer);
    }
    drop(Peer::greeted(&server, IMAP)); // all of the above are in
    signal(&server, "-TERM");
    assert!(
        gone(&server, Duration::from_secs(7)),
        "silent peers held it up"
    );
}

#[test]
fn a_peer_that_closes_its_half_gets_its_answers_and_one_that_vanishes_leaves_nothing() {
    let server = Server::start(&[]);
    let mut peer = Peer::greeted(&server, SMTP);
    peer.raw(b"EHLO x\r\n");
    assert!(peer.reply().starts_with("250 "));
    peer.raw(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nNOOP\r\n");
    peer.close_half();
    let all = peer.rest();
    assert_eq!(all.matches("250 ").count(), 3, "{all}");
    // Cut in the middle of a message, at every stage.
    for cut in [
        "MAIL FROM:<a@b.test>\r\n",
        "RCPT TO:<alice@example.test>\r\n",
        "DATA\r\n",
        "Subject: x\r\n\r\n",
        "half\r\n.\r",
    ] {
        let mut peer = Peer::hello(&server, SMTP);
        for part in [
            "MAIL FROM:<a@b.test>\r\n",
            "RCPT TO:<alice@example.test>\r\n",
            "DATA\r\n",
            "Subject: x\r\n\r\n",
            "half\r\n.\r",
        ] {
            peer.raw(part.as_bytes());
            if !part.contains("half") && !part.contains("Subject") {
                peer.reply();
            }
            if part == cut {
                break;
            }
        }
        drop(peer);
    }
    assert_eq!(count(&server, "alice@example.test"), 0);
    let tmp = server.data().join("mail/example.test/alice/Maildir/tmp");
    crate::peer::eventually("nothing is left over", || {
        std::fs::read_dir(&tmp).unwrap().count() == 0
    });
}
