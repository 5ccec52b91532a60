//! What a search promises.
#![allow(clippy::unwrap_used)]

use mailcore_base::date::{DateTime, Day};
use mailcore_base::mailbox::{Flags, Keyword, ModSeq, Uid, UidSet};
use mailcore_base::message::Structure;
use mailcore_base::search::{Facts, Key, Matcher, Needs, Query, Verdict, When};
use proptest::prelude::*;

#[derive(Debug, Clone, Default)]
struct Known {
    flags: Flags,
    recent: bool,
    received: DateTime,
    sent: Option<DateTime>,
    size: u64,
}

fn uid(uid: u32) -> Uid {
    Uid::new(uid).unwrap()
}

impl Facts for Known {
    fn uid(&self) -> Uid {
        uid(7)
    }
    fn flags(&self) -> Flags {
        self.flags
    }
    fn is_recent(&self) -> bool {
        self.recent
    }
    fn has_keyword(&self, keyword: &Keyword) -> bool {
        *keyword == Keyword::parse("$Junk").unwrap()
    }
    fn received(&self) -> DateTime {
        self.received
    }
    fn sent(&self) -> Option<DateTime> {
        self.sent
    }
    fn modseq(&self) -> ModSeq {
        ModSeq(9)
    }
    fn size(&self) -> u64 {
        self.size
    }
}

type Q = Query;

fn key(key: Key) -> Q {
    key.into()
}
fn body(text: &str) -> Q {
    key(Key::Body(text.into()))
}
fn text(value: &str) -> Q {
    key(Key::Text(value.into()))
}
fn header(name: &str, value: &str) -> Q {
    key(Key::Header {
        name: name.into(),
        value: value.into(),
    })
}

/// Searches the message in pieces of `length`; says what matched and how many bytes were read for it.
fn search(query: Q, message: &[u8], length: usize) -> (bool, u64) {
    let matcher = Matcher::new(query);
    let structure = Structure::of(message);
    let undecided = match matcher.judge(&Known::default(), 0) {
        Verdict::Decided(decided) => return (decided, 0),
        Verdict::Open(undecided) => undecided,
    };
    let (mut reading, mut read) = (undecided.read(&structure), 0);
    while let Some((offset, wanted)) = reading.wants() {
        assert!(wanted > 0);
        let length = wanted.min(length as u64);
        reading.feed(&message[offset as usize..(offset + length) as usize]);
        read += length;
    }
    (reading.finish(), read)
}

fn matches(query: Q, message: &str) -> bool {
    let whole = search(query.clone(), message.as_bytes(), usize::MAX);
    for length in [1, 2, 7] {
        assert_eq!(
            search(query.clone(), message.as_bytes(), length).0,
            whole.0,
            "{query:?} by {length}"
        );
    }
    whole.0
}

const MAIL: &str = "From: =?utf-8?q?Ren=C3=A9?= <rene@example.org>\nSubject: Two\n Words\nContent-Type: multipart/mixed; \
    boundary=b\n\nhidden preamble\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: \
    quoted-printable\n\nGR=D6=DFE and a soft=\n break\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: \
    base64\nContent-Disposition: inline; filename=name.html\n\nPGI+SGVsbG8g\nV29ybGQ8L2I+\n--b\nContent-Type: image/png\n\nHello pixels\n--b\nContent-Type: message/rfc822\n\nSubject: \
    inner\n\ninside\n--b--\n";

#[test]
fn text_is_found_decoded_and_in_any_case() {
    for (query, expected) in [
        (body("größe"), true),
        (body("SOFT BREAK"), true),
        (body("hello world"), true),
        (body("pixels"), false),
        (body("preamble"), false),
        (body("inside"), true),
        (body("SGVsbG8"), false),
        (body("rené"), false),
        (body("größeX"), false),
        (text("RENÉ"), true),
        (text("subject: two words"), true),
        (text("name.html"), true),
        (text("subject: inner"), true),
        (text("hello w"), true),
        (header("from", "rené <REN"), true),
        (header("SUBJECT", "two words"), true),
        (header("Subject", "inner"), false),
        (header("X-Not", ""), false),
        (header("Subject", ""), true),
        (body(""), true),
        (text(""), true),
    ] {
        assert_eq!(matches(query.clone(), MAIL), expected, "{query:?}");
        assert_eq!(
            matches(query.clone().not(), MAIL),
            !expected,
            "NOT {query:?}"
        );
    }
}

#[test]
fn a_header_is_searched_as_it_stands_with_its_folds_undone() {
    let message = "From : ann\nSubject:\n  Two\n\tWords \nX-A:b\tc\nno field\nTo:\t c\nX-B:   \nX-C:\n d\n\nx\n";
    for (sought, expected) in [
        ("from : ann", true),
        ("from: ann", false),
        ("subject:  two words \r\n", true),
        ("x-a:b\tc", true),
        ("x-a: b", false),
        ("no field\r\nto:\t c", true),
        ("no field:", false),
    ] {
        assert_eq!(matches(text(sought), message), expected, "{sought:?}");
    }
    for (name, sought, expected) in [
        ("from", "ann", true),
        ("subject", " two words ", true),
        ("subject", "  two", true),
        ("subject", "   two", false),
        ("x-a", "b\tc", true),
        ("x-b", "  ", true),
        ("x-b", "   ", false),
        ("x-c", " d", true),
        ("to", " c", true),
        ("no field", "", false),
    ] {
        assert_eq!(
            matches(header(name, sought), message),
            expected,
            "{name} {sought:?}"
        );
    }
}

#[test]
fn addresses_are_searched_as_an_envelope_tells_them() {
    let of = |name: &str, value: &str| {
        key(Key::Address {
            name: name.into(),
            value: value.into(),
        })
    };
    let message = "From: =?utf-8?q?Ren=C3=A9?= (a comment) <rene@x.test>\nTo: Team: ann@x.test (Ann),\n\t\"B. C.\" <b@x.test>;\n\
        Cc: nobody@\n\nTo: b\n";
    for (query, expected) in [
        (of("FROM", "rené <rene@x"), true),
        (of("from", "comment"), false),
        (header("From", "comment"), true),
        (of("To", "team: ann <ann@x.test>, \"B. C.\" <b"), true),
        (of("To", "(ann)"), false),
        (of("Cc", "<nobody@MISSING_DOMAIN>"), true),
        (of("Cc", ""), true),
        (of("Bcc", ""), false),
    ] {
        assert_eq!(matches(query.clone(), message), expected, "{query:?}");
    }
}

#[test]
fn real_charsets_are_found_in_bodies_and_subjects() {
    let of = |charset: &str, octets: &[u8]| {
        let mut message =
            format!("Content-Type: text/plain; charset={charset}\r\n\r\n").into_bytes();
        message.extend_from_slice(octets);
        message
    };
    for (charset, octets, found) in [
        ("iso-2022-jp", &b"\x1b$BF|K\\\x1b(B"[..], "\u{65e5}\u{672c}"),
        ("gb18030", b"\xd6\xd0\xce\xc4", "\u{4e2d}\u{6587}"),
        (
            "koi8-r",
            b"\xfa\xc4\xf2\xc1\xd7",
            "\u{437}\u{434}\u{440}\u{410}\u{412}",
        ),
        ("utf-7", b"+ZeVnLA-", "\u{65e5}\u{672c}"),
        ("windows-1251", b"\xcf\xf0\xe8", "\u{43f}\u{440}\u{438}"),
        ("big5", b"\xa4\xa4", "\u{4e2d}"),
        ("euc-kr", b"\xb0\xa1", "\u{1100}\u{1161}"),
        // Whatever it is called, what is UTF-8 is read as such where nothing better is known.
        ("x-none", "caf\u{e9}".as_bytes(), "CAFE\u{301}"),
    ] {
        let message = of(charset, octets);
        for length in [usize::MAX, 1, 2] {
            assert!(search(body(found), &message, length).0, "{charset}");
            assert!(!search(body("\u{4e00}"), &message, length).0, "{charset}");
        }
    }
    for (subject, found) in [
        ("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "\u{65e5}\u{672c}"),
        ("=?gb18030?b?1tDOxA==?=", "\u{4e2d}\u{6587}"),
        // Each begins and ends in US-ASCII; what follows goes on where the one in front ended.
        (
            "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
            "\u{65e5}\u{672c}\u{65e5}\u{672c}",
        ),
        // A character cut in two by encoded words.
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "CAF\u{c9}"),
        ("=?utf-7?q?+ZeVnLA-?=", "\u{65e5}"),
        // Words that never end, are of no charset, or of no encoding, are found as they stand.
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?x-none?q?abc?=", "?abc?"),
        ("=?utf-8?x?abc?=", "?abc?"),
        ("=?utf-8?b?Y2Fm6Q?=", "caf\u{fffd}"),
        ("=?iso-2022-kr?b?YWJj?=", "YWJj"),
    ] {
        let message = format!("Subject: {subject}\r\n\r\n");
        assert!(matches(header("Subject", found), &message), "{subject}");
    }
}

#[test]
fn a_folded_header_is_found_as_it_reads() {
    let message = "Subject: one\r\n\ttwo\r\n\r\nx\r\n";
    assert!(matches(header("Subject", "one two"), message));
    assert!(matches(text("one two"), message));
}

#[test]
fn no_text_reaches_from_one_part_into_the_next() {
    let message = "Subject: one\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
                   --x\r\n\r\nabc\r\n--x\r\n\r\ndef\r\n--x--\r\n";
    for there in ["abc", "def"] {
        assert!(matches(body(there), message) && matches(text(there), message));
    }
    assert!(!matches(body("abcdef"), message));
    assert!(!matches(text("abcdef"), message));
}

#[test]
fn fields_are_the_messages_own_and_bodies_are_no_headers() {
    let message = "Subject: outer\r\nContent-Type: multipart/report; boundary=x\r\n\r\n\
                   --x\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n\
                   --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext\r\n--x--\r\n";
    assert!(matches(header("Subject", "outer"), message));
    assert!(!matches(header("Subject", "inner"), message));
    assert!(matches(text("inner"), message));
    assert!(matches(body("Action: failed"), message), "a report is text");
    // Headers are read for one key, and are nothing to the other.
    assert!(!matches(text("nowhere").or(body("outer")), message));
    assert!(!matches(
        header("Subject", "inner").or(text("nowhere")),
        message
    ));
}

#[test]
fn keys_join_as_logic_has_it() {
    let (yes, no) = (|| body("inside"), || body("outside"));
    assert!(
        matches(yes().or(no()), MAIL)
            && matches(no().or(yes()), MAIL)
            && !matches(no().or(no()), MAIL)
    );
    assert!(matches(Q::all([yes(), yes()]), MAIL) && !matches(Q::all([yes(), no()]), MAIL));
    assert!(matches(Q::all([]), MAIL) && matches(Q::all([yes()]), MAIL));
    assert!(matches(
        Q::all([header("Subject", "two"), no().not(), key(Key::All)]),
        MAIL
    ));
}

#[test]
fn no_more_is_read_than_the_outcome_needs() {
    let size = MAIL.len() as u64;
    let header_size = Structure::of(MAIL.as_bytes()).root().header.bytes;
    assert_eq!(
        search(
            Q::all([key(Key::Flags(Flags::SEEN)), body("x")]),
            MAIL.as_bytes(),
            9
        ),
        (false, 0)
    );
    assert_eq!(
        search(header("Subject", "two"), MAIL.as_bytes(), 9),
        (true, header_size)
    );
    assert_eq!(
        search(
            Q::all([header("Subject", "no"), text("x")]),
            MAIL.as_bytes(),
            9
        ),
        (false, header_size)
    );
    let (found, read) = search(body("absent"), MAIL.as_bytes(), 9);
    assert!(!found && read < size - header_size, "{read}");
    assert!(search(body("größe"), MAIL.as_bytes(), 9).1 < read);
}

#[test]
fn needs_are_said_beforehand() {
    let needs = |query| Matcher::new(query).needs();
    assert_eq!(
        needs(Q::all([key(Key::All), key(Key::Larger(3)), text("")])),
        Needs::Facts
    );
    assert_eq!(needs(key(Key::All).or(header("From", ""))), Needs::Header);
    assert_eq!(needs(header("From", "x").or(body("x").not())), Needs::Body);
}

fn known(query: Q, facts: &Known) -> bool {
    match Matcher::new(query).judge(facts, 1_000) {
        Verdict::Decided(decided) => decided,
        Verdict::Open(_) => panic!("undecided"),
    }
}

#[test]
fn facts_decide_their_keys() {
    let day = |text: &str| Day::parse(text.as_bytes()).unwrap();
    let facts = Known {
        flags: Flags::SEEN,
        recent: false,
        received: DateTime::utc(400),
        sent: Some(DateTime::parse(b"1 Jan 2000 23:30:00 -0500").unwrap()),
        size: 100,
    };
    let new_year = day("1-Jan-2000");
    for (key, expected) in [
        (Key::All, true),
        (Key::Uids(UidSet::one(uid(7))), true),
        (Key::Uids(UidSet::one(uid(8))), false),
        (Key::Flags(Flags::SEEN), true),
        (Key::Recent, false),
        (Key::Keyword(Keyword::parse("$JUNK").unwrap()), true),
        (Key::Keyword(Keyword::parse("x").unwrap()), false),
        (Key::Received(When::On(day("1-Jan-1970"))), true),
        (Key::Received(When::Before(day("1-Jan-1970"))), false),
        (Key::Sent(When::On(new_year)), true),
        (Key::Sent(When::Since(new_year)), true),
        (Key::Sent(When::Before(new_year)), false),
        (Key::Larger(99), true),
        (Key::Larger(100), false),
        (Key::Smaller(101), true),
        (Key::Smaller(100), false),
        (Key::ModSeq(ModSeq(9)), true),
        (Key::ModSeq(ModSeq(10)), false),
        (Key::Older(600), true),
        (Key::Older(601), false),
        (Key::Younger(600), true),
        (Key::Younger(599), false),
    ] {
        assert_eq!(known(key.clone().into(), &facts), expected, "{key:?}");
    }
    let undated = Known {
        sent: None,
        ..facts
    };
    assert!(!known(Key::Sent(When::Since(new_year)).into(), &undated));
    assert!(!known(Key::Sent(When::Before(new_year)).into(), &undated));
}

#[test]
fn a_hundred_thousand_operators_neither_recurse_nor_stall() {
    let mut nots = text("inside");
    let mut ors = text("absent");
    let mut left = text("absent");
    for _ in 0..100_000 {
        nots = nots.not();
        ors = text("").or(ors);
        left = left.or(key(Key::All));
    }
    assert_eq!(nots.len(), 100_001);
    assert!(matches(nots, MAIL));
    assert!(matches(ors, MAIL) && matches(left, MAIL));
    let mut ands = body("inside");
    for _ in 0..100_000 {
        ands = Q::all([key(Key::All), ands]);
    }
    assert!(matches(ands, MAIL));
}

#[test]
fn a_large_body_is_searched_to_its_end() {
    let message = format!("\n{}needle", "hay ".repeat(1 << 18));
    assert!(search(body("hay needle"), message.as_bytes(), 100_000).0);
    assert!(!search(body("needless"), message.as_bytes(), 100_000).0);
}

proptest! {
    #[test]
    fn a_text_cut_anywhere_is_found_as_in_the_whole(hay in "[abÉé ]{0,40}", needle in "[abé]{1,4}", length in 1usize..9) {
        let message = format!("\n{hay}");
        let expected = hay.to_lowercase().contains(&needle);
        prop_assert_eq!(search(body(&needle), message.as_bytes(), length).0, expected);
    }

    #[test]
    fn any_message_is_searched(message in proptest::collection::vec(any::<u8>(), 0..200), length in 1usize..50) {
        search(text("a"), &message, length);
    }
}
