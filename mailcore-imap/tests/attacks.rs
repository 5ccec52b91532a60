//! What hostile clients do, and that it costs them more than us (FIELD.md, known ways to fail).

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use common::desk::Desk;
use common::drive::{Connection, Manner};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::Flags;
use mailcore_base::wire::Notice;
use mailcore_imap::server::{Options, Step};
use proptest::prelude::*;
use std::time::Duration;

const WHOLE: Manner = Manner {
    piece: usize::MAX,
    drops: 0,
    seed: 1,
};

fn connect() -> (Connection, Desk) {
    let mut desk = Desk::new();
    let mut connection = Connection::new(Options::default(), WHOLE);
    connection.run(&mut desk);
    connection.look();
    (connection, desk)
}

/// Logged in, with a message selected.
fn inside() -> (Connection, Desk) {
    let (mut connection, mut desk) = connect();
    let body = b"Subject: x\r\n\r\nbody\r\n".to_vec();
    let date = DateTime::utc(0);
    desk.mailbox("INBOX").add(body, Flags::NONE, date);
    say(
        &mut connection,
        &mut desk,
        b"l LOGIN alice secret\r\ns SELECT INBOX\r\n",
    );
    (connection, desk)
}

fn say(connection: &mut Connection, desk: &mut Desk, text: &[u8]) -> String {
    connection.send(text);
    connection.run(desk);
    connection.look()
}

#[test]
fn before_login_a_client_can_make_us_hold_little() {
    // A line without an end.
    let (mut connection, mut desk) = connect();
    let said = say(&mut connection, &mut desk, &vec![b'x'; 200_000]);
    assert_eq!(said, "* BYE Input buffer full, aborting\n<closed>\n");
    // A line that is too long and ends: refused, and the session goes on.
    let (mut connection, mut desk) = connect();
    let mut line = b"a LOGIN ".to_vec();
    line.extend(vec![b'x'; 9_000]);
    line.extend(b"\r\nb NOOP\r\n");
    let said = say(&mut connection, &mut desk, &line);
    assert_eq!(said, "a BAD Too long argument.\nb OK NOOP completed.\n");
    // SASL may take some more.
    let mut line = b"a AUTHENTICATE PLAIN ".to_vec();
    line.extend(vec![b'A'; 9_000]);
    line.extend(b"\r\n");
    let said = say(&mut connection, &mut desk, &line);
    assert_eq!(said, "a NO [AUTHENTICATIONFAILED] Authentication failed.\n");
    // A literal that is too large is refused before it comes.
    let (mut connection, mut desk) = connect();
    let said = say(
        &mut connection,
        &mut desk,
        b"a LOGIN {100000000}\r\nb NOOP\r\n",
    );
    assert_eq!(
        said,
        "a BAD Literal size too large.\nb OK NOOP completed.\n"
    );
    // One that is not waited with is not read into memory either.
    let said = say(&mut connection, &mut desk, b"c LOGIN {100000000+}\r\n");
    assert_eq!(said, "* BYE Input buffer full, aborting\n<closed>\n");
}

#[test]
fn many_literals_are_bounded_by_their_sum() {
    let (mut connection, mut desk) = connect();
    let said = say(&mut connection, &mut desk, b"a ID (");
    assert_eq!(said, "");
    let mut accepted = 0;
    loop {
        let said = say(&mut connection, &mut desk, b"{1000}\r\n");
        if said != "+ OK\n" {
            assert_eq!(said, "a BAD Literal size too large.\n");
            break;
        }
        accepted += 1;
        say(&mut connection, &mut desk, &[b'x'; 1000]);
        say(&mut connection, &mut desk, b" ");
    }
    assert_eq!(accepted, 4);
    // Empty ones count by their lines.
    let (mut connection, mut desk) = connect();
    let mut many = b"{0+}\r\n ".repeat(3_000);
    many.extend_from_slice(b"x\r\n");
    let said = say(&mut connection, &mut desk, &many);
    assert!(
        said.starts_with("* BAD Too long argument") || said.starts_with("* BAD Error"),
        "{said}"
    );
}

#[test]
fn a_refused_literal_is_never_read_as_a_command() {
    let (mut connection, mut desk) = inside();
    let inner = "x LOGOUT\r\n".repeat(10_000);
    let text = format!("a SELECT {{{}+}}\r\n{inner}\r\nb NOOP\r\n", inner.len());
    let said = say(&mut connection, &mut desk, text.as_bytes());
    assert_eq!(
        said.lines().map(|l| &l[..5]).collect::<Vec<_>>(),
        ["a BAD", "b OK "]
    );
    // Nor are the octets of an unknown command's.
    let said = say(
        &mut connection,
        &mut desk,
        b"c FOO {10+}\r\nd LOGOUT\r\n\r\ne NOOP\r\n",
    );
    assert_eq!(
        said.lines().map(|l| &l[..5]).collect::<Vec<_>>(),
        ["c BAD", "e OK "]
    );
}

#[test]
fn parentheses_and_wildcards_are_cheap() {
    let (mut connection, mut desk) = inside();
    for text in [
        format!("a SEARCH {}\r\n", "(".repeat(60_000)),
        format!("a SEARCH {}ALL\r\n", "NOT ".repeat(15_000)),
        format!("a SEARCH {}ALL\r\n", "OR ALL ".repeat(9_000)),
        format!("a FETCH 1 {}\r\n", "(".repeat(60_000)),
        format!("a FETCH 1 BODY[{}1]\r\n", "1.".repeat(30_000)),
        format!("a FETCH {}1 UID\r\n", "1,".repeat(30_000)),
        format!("a STORE 1 FLAGS ({})\r\n", "k ".repeat(30_000)),
        format!("a LIST \"\" \"{}\"\r\n", "*%".repeat(5_000)),
        format!("a LIST \"\" \"{}\"\r\n", "a*".repeat(5_000)),
        format!("a STATUS INBOX ({})\r\n", "MESSAGES ".repeat(7_000)),
        format!("{} NOOP\r\n", "t".repeat(60_000)),
        format!("a SELECT \"{}\"\r\n", "\\\"".repeat(30_000)),
    ] {
        let before = connection.steps;
        let said = say(&mut connection, &mut desk, text.as_bytes());
        assert!(said.ends_with('\n') && !connection.closed, "{said}");
        assert!(said.len() < 4_000, "{}", said.len());
        assert!(connection.steps - before < 100, "{}", connection.steps);
    }
}

#[test]
fn a_peer_that_does_not_read_gets_a_bounded_answer_and_then_none() {
    let (mut connection, mut desk) = inside();
    let date = DateTime::utc(0);
    desk.run = usize::MAX;
    desk.mailbox("INBOX")
        .add(vec![b'x'; 10_000_000], Flags::SEEN, date);
    connection.deaf = true;
    let commands = b"a FETCH 1:* (FLAGS BODY.PEEK[])\r\n".repeat(10_000);
    let said = say(&mut connection, &mut desk, &commands);
    assert_eq!(said, "");
    let bound = Options::default().limits.wire.output * 2;
    assert!(connection.most_ready <= bound, "{}", connection.most_ready);
    assert!(!connection.closed);
    connection.wait(Duration::from_secs(300));
    connection.run(&mut desk);
    assert!(connection.closed);
}

#[test]
fn a_body_comes_whole_whatever_happens_meanwhile() {
    for notice in [Notice::Changed, Notice::Shutdown, Notice::Kicked] {
        let (mut connection, mut desk) = inside();
        let date = DateTime::utc(0);
        let body = vec![b'x'; 300_000];
        desk.run = 1_000;
        let inbox = desk.mailbox("INBOX");
        inbox.add(body.clone(), Flags::SEEN, date);
        say(&mut connection, &mut desk, b"n NOOP\r\n");
        connection.send(b"a FETCH 2 BODY[]\r\n");
        connection.deaf = true;
        connection.run(&mut desk);
        // In the middle of the literal.
        desk.mailbox("INBOX").add(body.clone(), Flags::NONE, date);
        connection.session.notice(notice);
        connection.deaf = false;
        connection.run(&mut desk);
        let said = connection.look();
        let literal = format!("* 2 FETCH (BODY[] {{300000}}\n{})\n", "x".repeat(300_000));
        let rest = said.strip_prefix(&literal).unwrap_or_else(|| {
            panic!(
                "something stands in the literal: {}",
                &said[said.len() - 200..]
            )
        });
        assert!(rest.contains("a OK Fetch completed"), "{rest}");
        assert_eq!(rest.contains("* BYE"), notice != Notice::Changed);
    }
}

#[test]
fn passwords_are_not_shown() {
    let mut connection = Connection::new(Options::default(), WHOLE);
    let mut desk = Desk::new();
    connection.run(&mut desk);
    for input in [
        &b"a LOGIN alice hunter2\r\n"[..],
        b"a AUTHENTICATE PLAIN AGFsaWNlAGh1bnRlcjI=\r\n",
    ] {
        connection.send(input);
        let mut asked = String::new();
        while asked.is_empty() {
            match connection.session.step(connection.now) {
                Step::Io(mailcore_base::wire::Io::Read(mut room)) => {
                    room.spare()[..input.len()].copy_from_slice(input);
                    room.filled(input.len());
                }
                Step::Ask(ask) => {
                    asked = format!("{ask:?}");
                    ask.decline();
                }
                _ => panic!("nothing else is wanted"),
            }
        }
        asked += &format!("{:?}", connection.session);
        assert!(!asked.contains("hunter2"), "the password is shown");
        assert!(
            !asked.contains("104, 117, 110, 116"),
            "its octets are shown"
        );
        // The replies go out, so that the next login can come.
        while let Step::Io(mailcore_base::wire::Io::Write(output)) =
            connection.session.step(connection.now)
        {
            let n = output.bytes().len();
            output.sent(n);
        }
    }
}

#[test]
fn every_question_can_be_declined() {
    let mut connection = Connection::new(Options::default(), WHOLE);
    let mut desk = Desk::new();
    desk.mailbox("INBOX")
        .add(b"a: b\r\n\r\nc".to_vec(), Flags::NONE, DateTime::utc(0));
    for skip in 0..60 {
        // All goes well up to one question, and the rest is declined.
        let mut connection_of = Connection::new(Options::default(), WHOLE);
        std::mem::swap(&mut connection, &mut connection_of);
        connection.send(
            b"a LOGIN alice secret\r\nb CREATE x\r\nc SUBSCRIBE x\r\nd LIST \"\" *\r\ne LSUB \"\" *\r\n\
              f STATUS x (MESSAGES)\r\ng SELECT INBOX\r\nh FETCH 1 (ENVELOPE BODY BODY[TEXT])\r\n\
              i SEARCH ALL\r\nj STORE 1 +FLAGS (\\Deleted)\r\nk COPY 1 x\r\nl MOVE 1 x\r\n\
              m APPEND x {3+}\r\nabc\r\nn APPEND x {3+}\r\nabc y\r\no EXPUNGE\r\np RENAME x y\r\nq DELETE y\r\n\
              r AUTHENTICATE PLAIN\r\ns CLOSE\r\nt LOGOUT\r\n",
        );
        desk = Desk::new();
        desk.mailbox("INBOX")
            .add(b"a: b\r\n\r\nc".to_vec(), Flags::NONE, DateTime::utc(0));
        connection.decline_from = Some(skip);
        connection.run(&mut desk);
        assert!(connection.closed, "{skip}: {}", connection.look());
    }
}

/// Words that lead somewhere.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"a ",
        b"b ",
        b"LOGIN ",
        b"alice ",
        b"secret",
        b"SELECT ",
        b"INBOX",
        b"FETCH ",
        b"1:* ",
        b"1 ",
        b"BODY[] ",
        b"BODY.PEEK[",
        b"HEADER.FIELDS (",
        b"]<0.",
        b">",
        b"(",
        b")",
        b"FLAGS ",
        b"UID ",
        b"STORE ",
        b"+FLAGS ",
        b"\\Seen ",
        b"\\Deleted",
        b"SEARCH ",
        b"NOT ",
        b"OR ",
        b"ALL ",
        b"COPY ",
        b"MOVE ",
        b"EXPUNGE",
        b"APPEND ",
        b"{3}",
        b"{3+}",
        b"{0+}",
        b"{99999999+}",
        b"abc",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\"",
        b"\\",
        b"\0",
        b"IDLE",
        b"DONE",
        b"AUTHENTICATE PLAIN",
        b"=",
        b"*",
        b"LIST ",
        b"LSUB ",
        b"\"\" ",
        b"%",
        b"CREATE ",
        b"x",
        b"RENAME ",
        b"DELETE ",
        b"STATUS ",
        b"(MESSAGES)",
        b"CLOSE",
        b"UNSELECT",
        b"NOOP",
        b"STARTTLS",
        b"ID NIL",
        b"CAPABILITY",
        b"ENABLE x",
        b"ENVELOPE ",
        b"BODYSTRUCTURE ",
        b"RFC822 ",
        b"SUBJECT ",
        b"CHARSET ",
        b"UTF-8 ",
        b"\xc3",
        b"9 ",
        b"4294967295",
        b"4294967296",
        b"<",
        b"+",
        b"-",
        b"&AAA-",
        b"NAMESPACE",
        b"SUBSCRIBE ",
        b"EXAMINE ",
    ];
    prop_oneof![
        9 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever comes: no panic, no endless loop, no more output held than stated.
    #[test]
    fn any_input_is_borne(
        words in proptest::collection::vec(word(), 0..120),
        known: bool,
        piece in 1usize..200,
        drops in 0u32..50,
        seed: u64,
    ) {
        let manner = Manner { piece, drops, seed };
        let mut desk = Desk::new();
        desk.mailbox("INBOX").add(b"a: b\r\n\r\nc".to_vec(), Flags::NONE, DateTime::utc(0));
        let mut connection = Connection::new(Options::default(), manner);
        if known {
            connection.send(b"a LOGIN alice secret\r\nb SELECT INBOX\r\n");
        }
        let input = words.concat();
        connection.send(&input);
        connection.half_close();
        connection.run(&mut desk);
        prop_assert!(connection.closed);
        prop_assert!(connection.steps < 20_000 + 400 * input.len(), "{} steps", connection.steps);
        prop_assert!(connection.most_ready < 70_000);
    }

    /// The transcript does not depend on how the input came or on what was dropped.
    #[test]
    fn manners_do_not_matter(
        words in proptest::collection::vec(word(), 0..60),
        piece in 1usize..20,
        drops in 0u32..50,
        seed: u64,
    ) {
        let play = |manner| {
            let mut desk = Desk::new();
            desk.mailbox("INBOX").add(b"a: b\r\n\r\nc".to_vec(), Flags::NONE, DateTime::utc(0));
            let mut connection = Connection::new(Options::default(), manner);
            connection.send(b"a LOGIN alice secret\r\nb SELECT INBOX\r\n");
            connection.send(&words.concat());
            connection.half_close();
            connection.run(&mut desk);
            connection.look()
        };
        prop_assert_eq!(play(WHOLE), play(Manner { piece, drops, seed }));
    }
}
