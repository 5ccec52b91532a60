//! Known ways to fail, which this machine does not.

use super::world::{Drive, PASSWORD, Store, USER};
use mailcore_base::wire::{Io, Notice};
use mailcore_imap::pop3::{Ended, Options, Session, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn drive(messages: &[&[u8]]) -> Drive {
    let store = Store {
        secured: true,
        piece: 4096,
        page: 100,
        messages: (1..)
            .zip(messages)
            .map(|(n, m)| (n, m.to_vec(), None))
            .collect(),
        ..Store::default()
    };
    Drive::new(Options::default(), store)
}

#[test]
fn commands_behind_stls_are_never_run() {
    let mut drive = drive(&[]);
    drive.store.secured = false;
    let mut options = Options::default();
    options.stls = true;
    drive.session = Session::new(Arc::new(options));
    let login = format!("STLS\r\nUSER {USER}\r\nPASS secret 123\r\nSTAT\r\n");
    let said = drive.say(login);
    assert!(
        said.ends_with("+OK Begin TLS negotiation now.\r\n"),
        "{said}"
    );
    assert_eq!(drive.store.asked, ["connect", "secured"]);
    assert_eq!(
        drive.say("PASS secret 123\r\n"),
        "-ERR No username given.\r\n"
    );
}

#[test]
fn what_was_said_before_stls_is_forgotten() {
    let mut drive = drive(&[]);
    let mut options = Options::default();
    options.stls = true;
    drive.session = Session::new(Arc::new(options));
    drive.say(format!("UTF8\r\nUSER {USER}\r\n"));
    assert!(drive.session.facts().utf8);
    drive.say("STLS\r\n");
    assert!(drive.tls && !drive.session.facts().utf8);
    assert_eq!(
        drive.say("PASS secret 123\r\n"),
        "-ERR No username given.\r\n"
    );
}

#[test]
fn a_browser_is_shown_the_door_at_once() {
    let mut drive = drive(&[]);
    let said = drive.say("POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER a\r\nPASS b\r\n");
    assert!(said.ends_with("-ERR Unknown command.\r\n"), "{said}");
    assert!(drive.closed);
    assert_eq!(drive.store.asked, ["connect"]);
}

#[test]
fn a_line_without_end_ends_the_session() {
    for logged_in in [false, true] {
        let mut drive = drive(&[]);
        if logged_in {
            drive.login();
        }
        let said = drive.say(vec![b'a'; 1 << 20]);
        let words = [
            "-ERR Input buffer full, aborting\r\n",
            "-ERR Input line too long.\r\n",
        ];
        assert!(said.ends_with(words[usize::from(logged_in)]), "{said}");
        assert!(drive.closed);
        assert_eq!(drive.session.ended(), Some(Ended::LineTooLong));
        assert_eq!(drive.store.abandoned, logged_in);
    }
}

#[test]
fn what_a_client_says_cannot_forge_a_reply() {
    let mut drive = drive(&[]);
    drive.login();
    let said = drive.say(b"LIST x\r+OK forged\0\x1b[2J\xff\r\n");
    assert_eq!(
        said,
        "-ERR Invalid message number: x?+OK forged??[2J\u{fffd}\r\n"
    );
    let long = "a".repeat(4000);
    let said = drive.say(format!("LIST {long}\r\n"));
    // RFC 2449 §4: no more than 512 octets.
    assert!(said.len() <= 512, "{}", said.len());
}

#[test]
fn a_message_cannot_end_itself() {
    let message = b"A: b\r\n\r\n.\r\n-ERR\r\n..\r\n.";
    let mut drive = drive(&[message]);
    drive.login();
    let said = drive.say("RETR 1\r\n");
    assert_eq!(
        said,
        "+OK 22 octets\r\nA: b\r\n\r\n..\r\n-ERR\r\n...\r\n..\r\n.\r\n"
    );
}

#[test]
fn a_message_that_ends_short_ends_the_connection() {
    let mut drive = drive(&[&[b'a'; 10_000]]);
    drive.login();
    drive.store.fails_at = Some(4096);
    let said = drive.say("RETR 1\r\nQUIT\r\n");
    assert!(said.starts_with("+OK 10000 octets\r\naaa"));
    assert!(
        !said.ends_with("\r\n"),
        "a part must not look like the whole"
    );
    assert!(drive.closed && drive.store.abandoned);
    assert_eq!(drive.session.ended(), Some(Ended::Broken));
}

#[test]
fn quit_holds_even_where_its_answer_is_never_heard() {
    let mut drive = drive(&[b"A: b\r\n\r\n"]);
    drive.login();
    drive.say("DELE 1\r\n");
    drive.input.extend(b"QUIT\r\n");
    // The client goes away while the store works.
    loop {
        match drive.session.step(drive.now) {
            Step::Ask(mut ask) => {
                if let mailcore_imap::pop3::Ask::Commit(question) = &mut ask {
                    use mailcore_base::wire::Meanwhile;
                    let (_, line) = question.parts();
                    let Io::Read(room) = line.io(drive.now) else {
                        unreachable!()
                    };
                    room.failed();
                    break;
                }
                drive.store.answer(ask);
            }
            step => {
                drop(step);
                assert!(drive.turn());
            }
        }
    }
    drive.run();
    assert!(drive.closed && !drive.store.abandoned);
    let (deleted, _) = drive.store.committed.unwrap();
    assert_eq!(deleted.len(), 1);
    assert_eq!(drive.session.tally().deleted, 1);
}

#[test]
fn a_connection_that_breaks_changes_nothing() {
    let mut drive = drive(&[b"A: b\r\n\r\n"]);
    drive.login();
    drive.say("DELE 1\r\n");
    drive.lose();
    assert!(drive.closed && drive.store.abandoned && drive.store.committed.is_none());
    assert_eq!(drive.session.ended(), Some(Ended::Lost));
}

#[test]
fn a_client_that_does_not_read_stops_the_session_and_is_let_go() {
    let big = vec![b'a'; 1 << 20];
    let mut drive = drive(&[&big]);
    drive.login();
    drive.input.extend(b"RETR 1\r\n".repeat(10));
    let mut now = drive.now;
    // The client takes nothing at all.
    let stalled = loop {
        match drive.session.step(now) {
            Step::Io(Io::Write(output)) => {
                assert!(
                    output.bytes().len() <= 64 * 1024,
                    "{}",
                    output.bytes().len()
                );
                break output.deadline().unwrap();
            }
            Step::Ask(ask) => drive.store.answer(ask),
            Step::Io(Io::Read(mut room)) => {
                let (a, b) = drive.input.as_slices();
                let octets = [a, b].concat();
                let n = octets.len().min(room.spare().len());
                room.spare()[..n].copy_from_slice(&octets[..n]);
                room.filled(n);
                drive.input.clear();
            }
            step => panic!("{step:?}"),
        }
    };
    assert!(drive.store.read <= 64 * 1024, "{}", drive.store.read);
    now = stalled;
    let Step::Io(Io::Write(output)) = drive.session.step(now) else {
        panic!();
    };
    output.expired();
    drive.run();
    assert_eq!(drive.session.ended(), Some(Ended::Stalled));
    assert!(drive.closed && drive.store.abandoned);
}

#[test]
fn a_shutdown_lets_a_message_go_out_whole_and_a_kick_does_not() {
    for (notice, whole) in [(Notice::Shutdown, true), (Notice::Kicked, false)] {
        let mut drive = drive(&[&[b'a'; 200_000]]);
        drive.store.piece = usize::MAX;
        drive.login();
        drive.input.extend(b"RETR 1\r\nSTAT\r\n");
        while drive.output.len() < 50_000 {
            assert!(drive.turn());
        }
        drive.notice(notice);
        let end = b"aaa\r\n.\r\n-ERR [SYS/TEMP] Server shutting down.\r\n";
        assert_eq!(drive.output.ends_with(end), whole);
        assert_eq!(drive.output.ends_with(b"aaa"), !whole);
        assert!(drive.closed && drive.store.abandoned);
    }
}

#[test]
fn top_reads_no_more_than_it_shows() {
    let mut big = b"A: b\r\n\r\n".to_vec();
    big.extend(b"line\r\n".repeat(100_000));
    let mut drive = drive(&[&big]);
    drive.store.piece = 512;
    drive.login();
    let said = drive.say("TOP 1 1\r\n");
    assert_eq!(said, "+OK\r\nA: b\r\n\r\nline\r\n.\r\n");
    assert_eq!(drive.store.read, 512);
    assert_eq!(drive.session.tally().tops, 1);
    // What was only looked at is not seen.
    drive.say("QUIT\r\n");
    assert!(drive.store.committed.unwrap().1.is_empty());
}

#[test]
fn secrets_are_never_shown() {
    let mut session = Session::new(Arc::new(Options::default()));
    let mut store = Store {
        secured: true,
        ..Store::default()
    };
    let now = Instant::now();
    let mut input = format!("USER {USER}\r\nPASS secret 123\r\n").into_bytes();
    loop {
        match session.step(now) {
            Step::Ask(ask) => {
                let shown = format!("{ask:?}");
                if shown.contains("Login") {
                    let secret = String::from_utf8_lossy(PASSWORD).into_owned();
                    assert!(shown.contains(USER) && !shown.contains(&secret), "{shown}");
                    return;
                }
                store.answer(ask);
            }
            Step::Io(Io::Write(output)) => {
                let n = output.bytes().len();
                output.sent(n);
            }
            Step::Io(Io::Read(mut room)) => {
                room.spare()[..input.len()].copy_from_slice(&input);
                room.filled(input.len());
                input.clear();
            }
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn half_a_line_does_not_buy_time() {
    let mut drive = drive(&[]);
    drive.run();
    for _ in 0..3 {
        drive.say("N");
        drive.wait(Duration::from_secs(50));
        assert!(!drive.closed);
    }
    drive.say("N");
    drive.wait(Duration::from_secs(50));
    assert!(drive.closed);
    assert_eq!(drive.session.ended(), Some(Ended::Timeout));
}
