//! What is read of a search, key by key.

use super::*;
use mailcore_base::mailbox::Uid;

struct Three;

impl Numbered for Three {
    // The messages have the UIDs 11 to 13.
    fn numbers(&self, set: &SequenceSet) -> UidSet {
        let uids = self.uids(set);
        uids.iter()
            .filter_map(|uid| Uid::new(uid.number() + 10))
            .collect()
    }
    // What was saved is 2.
    fn uids(&self, set: &SequenceSet) -> UidSet {
        if set.is_saved() {
            return UidSet::one(Uid::new(2).unwrap());
        }
        let ends = set.ranges().flat_map(|(a, b)| [a, b]);
        ends.filter_map(|n| Uid::new(n.unwrap_or(3))).collect()
    }
    fn recent(&self) -> UidSet {
        uids(&[13])
    }
}

fn read(text: &str) -> Result<Query, Unsearchable> {
    parse(&mut Cursor::new(text.as_bytes()), &Three, 100)
}

fn uids(all: &[u32]) -> UidSet {
    all.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

fn key(key: Key) -> Query {
    Query::all([Query::from(key)])
}

#[test]
fn keys_are_read() {
    assert_eq!(read("all").unwrap(), key(Key::All));
    assert_eq!(read("DELETED").unwrap(), Query::all([deleted()]));
    assert_eq!(
        read("UNSEEN").unwrap(),
        Query::all([Query::from(Key::Flags(Flags::SEEN)).not()])
    );
    assert_eq!(
        read("CHARSET utf-8 SUBJECT \"a b\"").unwrap(),
        key(Key::Header {
            name: "SUBJECT".into(),
            value: "a b".into()
        })
    );
    assert_eq!(
        parse(
            &mut Cursor::new(b"CHARSET iso-8859-1 BODY {1}\r\n\xe9"),
            &Three,
            9
        )
        .unwrap(),
        key(Key::Body("\u{e9}".into()))
    );
    assert_eq!(
        read("FROM bob").unwrap(),
        key(Key::Address {
            name: "FROM".into(),
            value: "bob".into()
        })
    );
    assert_eq!(read("OLDER 9").unwrap(), key(Key::Older(9)));
    assert_eq!(
        read("younger 4294967295").unwrap(),
        key(Key::Younger(u32::MAX))
    );
    assert_eq!(read("$").unwrap(), read("2").unwrap());
    assert_eq!(read("UID $").unwrap(), read("UID 2").unwrap());
    for text in [
        "MODSEQ 7",
        "MODSEQ \"/flags/\\\\draft\" all 7",
        "modseq \"/Flags/foo\" shared 7",
    ] {
        assert_eq!(read(text).unwrap(), key(Key::ModSeq(ModSeq(7))), "{text}");
    }
    let either = Query::from(Key::Flags(Flags::DRAFT)).or(Key::All.into());
    assert_eq!(read("OR DRAFT (ALL)").unwrap(), Query::all([either]));
}

#[test]
fn what_makes_no_search_is_refused() {
    for (text, why) in [
        ("", "Missing search parameters"),
        ("FOO", "Unknown argument FOO"),
        ("CHARSET", "Invalid charset argument"),
        ("(ALL", "Missing ')'"),
        ("()", "No search parameters inside list"),
        ("NOT", "Missing argument"),
        ("OR ALL", "Missing argument"),
        (
            "SUBJECT",
            "Missing parameter for search key (for search key: SUBJECT)",
        ),
        ("BEFORE x", "Invalid search date parameter"),
        ("ON 31-Feb-2020", "Invalid search date parameter"),
        ("LARGER x", "Invalid search size parameter"),
        ("OLDER 0", "Invalid search interval parameter"),
        ("YOUNGER 4294967296", "Invalid search interval parameter"),
        ("1,$", "Invalid messageset"),
        (
            "MODSEQ",
            "Missing parameter for search key (for search key: MODSEQ)",
        ),
        ("MODSEQ x", "Invalid MODSEQ value"),
        ("MODSEQ \"/foo\" all 1", "Invalid MODSEQ value"),
        ("MODSEQ \"/flags/foo\" bar 1", "Invalid MODSEQ type"),
        ("1,,2", "Invalid messageset"),
    ] {
        assert_eq!(read(text), Err(Wrong::from(why).into()), "{text}");
    }
    assert_eq!(read("CHARSET foo ALL"), Err(Unsearchable::Charset));
}

#[test]
fn nesting_has_an_end() {
    for deep in [
        "(".repeat(100_000),
        "NOT ".repeat(100_000),
        "OR ALL ".repeat(100_000),
        format!("{}ALL{}", "(".repeat(101), ")".repeat(101)),
    ] {
        let why = Wrong::from("Too deeply nested search parameters");
        assert_eq!(read(&deep), Err(why.into()));
    }
    assert!(read(&format!("{}ALL{}", "(".repeat(99), ")".repeat(99))).is_ok());
    assert!(read(&"ALL ".repeat(10_000)).is_ok());
}

#[test]
fn each_key_is_itself_and_no_other() {
    let day = |text: &[u8]| Day::parse(text).unwrap();
    let (first, header) = (day(b"1-Feb-2020"), |name: &str, value: &str| Key::Header {
        name: name.into(),
        value: value.into(),
    });
    let address = |name: &str| Key::Address {
        name: name.into(),
        value: "x".into(),
    };
    for (text, meant) in [
        ("RECENT", Key::Uids(uids(&[13]))),
        ("1", Key::Uids(uids(&[11]))),
        ("2:*", Key::Uids(uids(&[12, 13]))),
        ("UID 1", Key::Uids(uids(&[1]))),
        ("ANSWERED", Key::Flags(Flags::ANSWERED)),
        ("FLAGGED", Key::Flags(Flags::FLAGGED)),
        ("SEEN", Key::Flags(Flags::SEEN)),
        (
            "KEYWORD $Junk",
            Key::Keyword(Keyword::parse("$Junk").unwrap()),
        ),
        ("BCC x", address("BCC")),
        ("CC x", address("CC")),
        ("FROM x", address("FROM")),
        ("TO x", address("TO")),
        ("SUBJECT x", header("SUBJECT", "x")),
        ("HEADER List-Id x", header("List-Id", "x")),
        ("HEADER List-Id \"\"", header("List-Id", "")),
        ("BODY x", Key::Body("x".into())),
        ("TEXT x", Key::Text("x".into())),
        ("BEFORE 1-Feb-2020", Key::Received(When::Before(first))),
        ("ON 1-Feb-2020", Key::Received(When::On(first))),
        ("SINCE \"1-Feb-2020\"", Key::Received(When::Since(first))),
        ("SENTBEFORE 1-Feb-2020", Key::Sent(When::Before(first))),
        ("SENTON 1-Feb-2020", Key::Sent(When::On(first))),
        ("SENTSINCE 1-Feb-2020", Key::Sent(When::Since(first))),
        ("LARGER 5", Key::Larger(5)),
        ("SMALLER 5", Key::Smaller(5)),
        ("OLDER 1", Key::Older(1)),
        ("YOUNGER 1", Key::Younger(1)),
        ("MODSEQ \"/flags/x\" PRIV 5", Key::ModSeq(ModSeq(5))),
        ("CHARSET us-ascii TEXT x", Key::Text("x".into())),
    ] {
        assert_eq!(read(text).unwrap(), key(meant), "{text}");
    }
}

#[test]
fn what_is_not_so_is_turned_over() {
    let none = || Query::from(Key::All).not();
    let recent = || Query::from(Key::Uids(uids(&[13])));
    let seen = || Query::from(Key::Flags(Flags::SEEN));
    let junk = Query::from(Key::Keyword(Keyword::parse("Junk").unwrap()));
    for (text, meant) in [
        ("OLD", recent().not()),
        ("NEW", Query::all([recent(), seen().not()])),
        ("UNANSWERED", Query::from(Key::Flags(Flags::ANSWERED)).not()),
        ("UNKEYWORD Junk", junk.not()),
        ("NOT SEEN", seen().not()),
        ("NOT (SEEN RECENT)", Query::all([seen(), recent()]).not()),
        ("(SEEN RECENT)", Query::all([seen(), recent()])),
        ("OR SEEN NOT RECENT", seen().or(recent().not())),
        // What can be no keyword is on no message.
        ("KEYWORD \"a b\"", none()),
        ("UNKEYWORD \"a b\"", none().not()),
    ] {
        assert_eq!(read(text).unwrap(), Query::all([meant]), "{text}");
    }
    let two = Query::all([seen(), recent()]);
    assert_eq!(read("SEEN  RECENT").unwrap(), two);
}

#[test]
fn a_text_that_cannot_be_read_and_a_parenthesis_too_many_are_refused() {
    for (text, why) in [
        (&b"TEXT {1}\r\n\xe9"[..], "Invalid search key"),
        (b"CHARSET us-ascii TEXT {1}\r\n\xe9", "Invalid search key"),
        (b"SEEN )", "Unexpected ')'"),
        (b"CHARSET utf-8", "Missing search parameters"),
        (b"SENTON 32-Jan-2020", "Invalid search date parameter"),
        (b"SMALLER -1", "Invalid search size parameter"),
        (b"OLDER 4294967297", "Invalid search interval parameter"),
    ] {
        let read = parse(&mut Cursor::new(text), &Three, 9);
        assert_eq!(
            read,
            Err(Wrong::from(why).into()),
            "{}",
            text.escape_ascii()
        );
    }
}
