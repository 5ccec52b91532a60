//! What a session weighs at rest, measured as the process's resident memory.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use common::desk::Desk;
use common::drive::{Connection, Manner};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::Flags;
use mailcore_imap::server::Options;

/// Resident octets, where the system tells.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn a_session_in_idle_weighs_less_than_four_kilobytes() {
    const SESSIONS: usize = 2_000;
    let whole = Manner {
        piece: usize::MAX,
        drops: 0,
        seed: 1,
    };
    let mut desk = Desk::new();
    for _ in 0..100 {
        let body = b"a: b\r\n\r\nc".to_vec();
        desk.mailbox("INBOX")
            .add(body, Flags::NONE, DateTime::utc(0));
    }
    let idle = |desk: &mut Desk| {
        let mut connection = Connection::new(Options::default(), whole);
        connection.send(
            b"a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1:* (FLAGS BODY[TEXT])\r\nd IDLE\r\n",
        );
        connection.run(desk);
        assert!(connection.look().ends_with("+ idling\n"));
        assert!(connection.session.watching().is_some());
        connection.received = Vec::new();
        desk.close();
        connection
    };
    // What the first ones take for good is not theirs.
    let warm: Vec<_> = (0..50).map(|_| idle(&mut desk)).collect();
    let Some(before) = resident() else {
        println!("this system does not tell what is resident: nothing was measured");
        return;
    };
    let sessions: Vec<_> = (0..SESSIONS).map(|_| idle(&mut desk)).collect();
    let each = resident().unwrap_or(before).saturating_sub(before) / SESSIONS;
    println!("{each} octets each");
    assert!(each > 100, "something was measured: {each}");
    assert!(each < 4 * 1024, "{each} octets each");
    drop((warm, sessions));
}
