//! Whatever octets come, in whatever pieces, and whatever is answered: no panic, no growth, one end.

use super::world::{Drive, Store};
use mailcore_base::wire::Io;
use mailcore_imap::pop3::{Options, Session, Step};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Instant;

fn word() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: [&str; 28] = [
        "USER anna@example.test",
        "PASS secret 123",
        "STAT",
        "LIST",
        "LIST 1",
        "UIDL",
        "UIDL 2",
        "RETR 1",
        "RETR 2",
        "TOP 1 1",
        "TOP 2 0",
        "DELE 1",
        "RSET",
        "NOOP",
        "LAST",
        "QUIT",
        "STLS",
        "CAPA",
        "UTF8",
        "AUTH",
        "AUTH PLAIN",
        "AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldCAxMjM=",
        "AUTH LOGIN",
        "*",
        "YW5uYUBleGFtcGxlLnRlc3Q=",
        "APOP mrose c4c9334bac560ecc979e58001b3e22fb",
        "",
        " ",
    ];
    prop_oneof![
        8 => proptest::sample::select(&KNOWN[..]).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..30),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation_ends_well(
        words in proptest::collection::vec(word(), 0..30), ends in proptest::collection::vec(any::<bool>(), 30),
        chunk in 1usize..40, drops in prop_oneof![Just(0u32), Just(2), Just(3)], piece in 1usize..30, logged_in: bool,
        hang_up in proptest::option::of(0usize..400), fails_at in proptest::option::of(0u64..60),
    ) {
        let store = Store {
            secured: true,
            apop: true,
            piece,
            page: 1,
            fails_at,
            messages: vec![
                (1, b"A: b\r\n\r\n.\r\nbody\r\n".to_vec(), None),
                (7, b"C: d\n\ne\rf\0".repeat(5), None),
            ],
            ..Store::default()
        };
        let mut options = Options::default();
        options.stls = true;
        options.last = true;
        let mut drive = Drive::new(options, store);
        if logged_in {
            drive.login();
        }
        (drive.chunk, drive.drops) = (chunk, drops);
        for (word, crlf) in words.iter().zip(ends) {
            drive.input.extend(word);
            drive.input.extend(if crlf { &b"\r\n"[..] } else { b"\n" });
        }
        match hang_up {
            Some(turns) => {
                for _ in 0..turns {
                    if !drive.turn() { break }
                }
                drive.input.clear();
            }
            None => drive.run(),
        }
        drive.half_closed = true;
        drive.run();
        prop_assert!(drive.closed && drive.session.ended().is_some());
        // A maildrop that was opened is let go of, once (the store sees to that), one way or the other.
        let over = drive.store.abandoned || drive.store.committed.is_some();
        prop_assert_eq!(over, drive.store.opened > 0);
    }

    #[test]
    fn declining_everything_ends_well(words in proptest::collection::vec(word(), 0..30)) {
        let mut session = Session::new(Arc::new(Options::default()));
        let mut input: Vec<u8> = words.join(&b'\n');
        let now = Instant::now();
        for _ in 0..10_000 {
            match session.step(now) {
                Step::Ask(ask) => ask.decline(),
                Step::Io(Io::Write(output)) => { let n = output.bytes().len(); output.sent(n) }
                Step::Io(Io::Read(mut room)) => {
                    let n = input.len().min(room.spare().len());
                    room.spare()[..n].copy_from_slice(&input[..n]);
                    input.drain(..n);
                    room.filled(n);
                }
                Step::Io(Io::Close) => return Ok(()),
                step => panic!("{step:?}"),
            }
        }
        prop_assert!(false, "it never ends");
    }
}

#[test]
fn a_large_maildrop_is_listed_page_by_page() {
    let store = Store {
        secured: true,
        piece: 1,
        page: 3_000,
        messages: (1..=20_000).map(|n| (n * 2, Vec::new(), None)).collect(),
        ..Store::default()
    };
    let mut drive = Drive::new(Options::default(), store);
    drive.login();
    assert_eq!(
        drive
            .store
            .asked
            .iter()
            .filter(|asked| **asked == "maildrop")
            .count(),
        7
    );
    let listed = drive.say("LIST\r\n");
    assert_eq!(listed.lines().count(), 20_002);
    assert!(
        listed.starts_with("+OK 20000 messages:\r\n1 0\r\n")
            && listed.ends_with("\r\n20000 0\r\n.\r\n")
    );
    let ids = drive.say("UIDL\r\n");
    assert!(ids.ends_with("\r\n20000 00009c406b002684\r\n.\r\n"));
}

#[test]
fn a_store_that_pages_in_circles_is_not_asked_for_ever() {
    let mut drive = Drive::new(
        Options::default(),
        Store {
            secured: true,
            ..Store::default()
        },
    );
    drive.say("USER anna@example.test\r\n");
    drive.input.extend(b"PASS secret 123\r\n");
    let mut asked = 0;
    loop {
        match drive.session.step(drive.now) {
            Step::Ask(mailcore_imap::pop3::Ask::Maildrop(question)) => {
                asked += 1;
                assert!(asked < 5);
                question.answer(Ok(mailcore_imap::pop3::Page {
                    uid_validity: mailcore_base::mailbox::UidValidity(1.try_into().unwrap()),
                    messages: vec![mailcore_imap::pop3::Message::new(
                        mailcore_base::mailbox::Uid::FIRST,
                        3,
                    )],
                    more: true,
                }));
            }
            step => {
                drop(step);
                if !drive.turn() {
                    break;
                }
            }
        }
    }
    assert!(drive.say("STAT\r\n").ends_with("+OK 1 3\r\n"));
}
