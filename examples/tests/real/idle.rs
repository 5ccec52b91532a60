//! IDLE: a session that waits is told of mail, flags and expunges within a second.

use crate::server::Server;
use std::time::{Duration, Instant};

#[test]
fn a_waiting_session_is_told_within_a_second() {
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    server.deliver("alice@example.test", "Subject: first\n\nx");
    let mut waiting = server.imap("alice@example.test", &alice);
    let mut acting = server.imap("alice@example.test", &alice);
    waiting.command("a", "SELECT INBOX");
    acting.command("a", "SELECT INBOX");
    waiting.send("b IDLE");
    waiting.expect("+ ");
    let mut told = |what: &str, since: Instant| {
        loop {
            let line = waiting.line();
            if line.contains(what) {
                break;
            }
            assert!(line.starts_with("* "), "waiting for {what}: {line}");
        }
        assert!(
            since.elapsed() < Duration::from_secs(1),
            "{what} took {:?}",
            since.elapsed()
        );
    };
    let start = Instant::now();
    server.post("alice@example.test", "Subject: second\n\nx");
    told("* 2 EXISTS", start);
    acting.command("c", "NOOP");
    let start = Instant::now();
    acting.command("d", "STORE 2 +FLAGS (\\Flagged)");
    told("* 2 FETCH", start);
    let start = Instant::now();
    acting.command("e", "STORE 1 +FLAGS (\\Deleted)");
    acting.command("f", "EXPUNGE");
    told("* 1 EXPUNGE", start);
    waiting.send("DONE");
    while !waiting.line().starts_with("b OK") {}
}
