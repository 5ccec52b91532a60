//! POP3: lines, numbers, and answers that nobody reads.

use super::{ask, closed, resident, serves_others};
use crate::server::{CAROL, POP3, Server, Talk};
use std::time::{Duration, Instant};

/// Carol's session.
pub(super) fn login(server: &Server) -> Talk {
    let mut talk = server.connect(POP3);
    talk.expect("+OK ");
    assert_eq!(ask(&mut talk, "USER carol@example.test"), "+OK");
    assert_eq!(ask(&mut talk, &format!("PASS {CAROL}")), "+OK Logged in.");
    talk
}

#[test]
fn a_line_has_its_limit_before_login_and_after() {
    let server = Server::with_carol();
    let line =
        |word: &str, octets: usize| format!("{word} {}", "x".repeat(octets - word.len() - 3));
    let full = "-ERR Input buffer full, aborting";
    for (word, limit, fine) in [
        ("USER", 8_192, "+OK"),
        (
            "AUTH PLAIN",
            12_288,
            "-ERR [AUTH] Invalid base64 data in initial response",
        ),
    ] {
        let mut talk = server.connect(POP3);
        talk.expect("+OK ");
        assert_eq!(ask(&mut talk, &line(word, limit)), fine);
        assert_eq!(ask(&mut talk, &line(word, limit + 1)), full);
        closed(&mut talk);
    }
    let mut talk = server.connect(POP3);
    talk.expect("+OK ");
    assert_eq!(ask(&mut talk, "AUTH PLAIN"), "+ ");
    assert_eq!(ask(&mut talk, &"x".repeat(12_287)), full);
    closed(&mut talk);
    let mut talk = login(&server);
    assert_eq!(ask(&mut talk, &line("NOOP", 8_192)), "+OK");
    assert_eq!(
        ask(&mut talk, &line("NOOP", 8_193)),
        "-ERR Input line too long."
    );
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn a_number_of_any_size_is_no_message() {
    let server = Server::with_carol();
    let mut talk = login(&server);
    for (number, said) in [
        ("1", "-ERR There's no message 1."),
        ("4294967295", "-ERR There's no message 4294967295."),
        ("0", "-ERR There's no message 0."),
        // As Dovecot says it: with what stands behind the number.
        ("4294967296", "-ERR Message number too large: "),
        ("-1", "-ERR Invalid message number: -1"),
    ] {
        for command in ["RETR", "DELE", "LIST", "UIDL"] {
            assert_eq!(
                ask(&mut talk, &format!("{command} {number}")),
                said,
                "{command}"
            );
        }
        assert_eq!(ask(&mut talk, "NOOP"), "+OK");
    }
    serves_others(&server);
}

#[test]
fn a_client_that_does_not_read_its_mail_holds_up_itself_alone() {
    let server = Server::with_carol();
    const LINES: usize = 140_000;
    let text = "0123456789012345678901234567890123456789012345678901234567890123456789\n";
    server.deliver(
        "carol@example.test",
        &format!("Subject: x\n\n{}", text.repeat(LINES)),
    );
    let deaf = || {
        let mut talk = login(&server);
        talk.raw(&b"RETR 1\r\n".repeat(100));
        // It has begun to answer, and is stopped by what nobody takes.
        talk.expect("+OK ");
        talk
    };
    // The first ones wake threads and their heaps.
    let _first: Vec<Talk> = (0..10).map(|_| deaf()).collect();
    let before = resident(&server);
    let mut held: Vec<Talk> = (0..10).map(|_| deaf()).collect();
    serves_others(&server);
    // A message is ten megabytes: not half of one is held for each. What a session costs is for the second tier.
    // What threads have freed goes back to the system with time, on a busy machine late.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut grown = resident(&server).saturating_sub(before);
    while grown >= 48 * 1024 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        grown = resident(&server).saturating_sub(before);
    }
    assert!(grown < 48 * 1024, "ten cost {grown} KiB");
    // One that begins to read has the message whole, as often as it asked.
    let talk = &mut held[9];
    for _ in 0..2 {
        let mut lines = 0;
        while talk.line() != "." {
            lines += 1;
        }
        assert!(lines > LINES, "{lines}");
        talk.expect("+OK ");
    }
}
