use super::*;
use proptest::prelude::*;

fn ascii(text: &str) -> Result<Address, ParseError> {
    Address::parse(text, Repertoire::Ascii)
}

fn forward(text: &str) -> Result<String, ParseError> {
    ForwardPath::parse_prefix(text, Repertoire::Ascii).map(|(path, rest)| format!("{path}|{rest}"))
}

#[test]
fn plain_quoted_and_literal_addresses_are_read_and_written() {
    for text in [
        "a@b",
        "john.smith@Example.ORG",
        "user+ext@sub_host.example.org",
        "!#$%&'*+-/=?^_`{|}~@example.org",
        "\"john smith\"@example.org",
        "\"a@b\"@c.example",
        "\"a\\\"b\\\\c\"@c.example",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@[x-400:c=de]",
    ] {
        assert_eq!(ascii(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for (text, error) in [
        ("", ParseError::Local),
        ("\"\"@b", ParseError::Local),
        ("a", ParseError::NoDomain),
        ("a@", ParseError::Domain),
        ("@b", ParseError::Local),
        ("a b@c", ParseError::Local),
        ("a@b@c", ParseError::Domain),
        ("a@-b", ParseError::Domain),
        ("a@b-", ParseError::Domain),
        ("a@b..c", ParseError::Domain),
        ("a@b..", ParseError::Domain),
        ("a@127.0.0.1", ParseError::Domain),
        ("a@1.2", ParseError::Domain),
        ("a@12345.", ParseError::Domain),
        ("a@.", ParseError::Domain),
        ("a@b,c", ParseError::Domain),
        ("a@b\r\nRCPT TO:<c>", ParseError::Domain),
        ("\"a\r\nb\"@c", ParseError::Local),
        ("\"a\0b\"@c", ParseError::Local),
        ("\"a\\\nb\"@c", ParseError::Local),
        ("\"a@c", ParseError::Local),
        ("a@[192.0.2.256]", ParseError::Literal),
        ("a@[IPv6:2001:db8::1", ParseError::Literal),
        ("a@[IPv6:::1%eth0]", ParseError::Literal),
        ("a@[]", ParseError::Literal),
        ("a@[x:[y]", ParseError::Literal),
        ("ä@b", ParseError::NotAscii),
        ("a@ä.example", ParseError::NotAscii),
    ] {
        assert_eq!(ascii(text), Err(error), "{text:?}");
    }
}

#[test]
fn every_part_has_its_limit() {
    let label = "a".repeat(63);
    assert!(ascii(&format!("{}@b", "a".repeat(255))).is_ok());
    assert_eq!(
        ascii(&format!("{}@b", "a".repeat(256))),
        Err(ParseError::TooLong)
    );
    assert_eq!(
        ascii(&format!("\"{}\"@b", "\\a".repeat(256))),
        Err(ParseError::TooLong)
    );
    assert!(ascii(&format!("a@{label}.b")).is_ok());
    assert_eq!(ascii(&format!("a@{label}a.b")), Err(ParseError::Domain));
    assert_eq!(
        ascii(&format!("a@{}", "a.".repeat(127) + "a")),
        Err(ParseError::TooLong)
    );
    assert_eq!(
        ascii(&format!("a@[x:{}]", "y".repeat(253))),
        Err(ParseError::TooLong)
    );
    let wide = format!("a@{}", "ä".repeat(100_000));
    assert_eq!(
        Address::parse(&wide, Repertoire::Utf8),
        Err(ParseError::TooLong)
    );
}

#[test]
fn domains_are_one_if_their_a_labels_are() {
    let given: Domain = "MÜNCHEN.example".parse::<Domain>().unwrap();
    assert_eq!(given, "xn--mnchen-3ya.EXAMPLE".parse::<Domain>().unwrap());
    assert_eq!(given, "mu\u{308}nchen.example.".parse::<Domain>().unwrap());
    assert_eq!(given.as_ascii(), "xn--mnchen-3ya.example");
    assert_eq!(given.to_string(), "MÜNCHEN.example");
    assert_eq!(given.to_unicode(), "münchen.example");
    // Full-width letters and the ideographic full stop cannot smuggle a foreign domain past a comparison.
    assert_eq!(
        "ｅｘａｍｐｌｅ。org".parse::<Domain>().unwrap(),
        "example.org".parse::<Domain>().unwrap()
    );
}

#[test]
fn a_domain_for_display_cannot_turn_the_line_around() {
    for text in [
        "a\u{202e}b.example",
        "ä\u{200b}.example",
        "ä\u{2028}.example",
        "ä\u{ad}\u{2066}.example",
    ] {
        assert!(text.parse::<Domain>().is_err(), "{text:?}");
    }
}

#[test]
fn utf8_local_parts_need_permission() {
    let text = "δοκιμή@παράδειγμα.δοκιμή";
    assert_eq!(ascii(text), Err(ParseError::NotAscii));
    let address = Address::parse(text, Repertoire::Utf8).unwrap();
    assert_eq!(address.to_string(), text);
    assert!(!address.is_ascii());
    assert!(
        Address::parse("a@παράδειγμα.δοκιμή", Repertoire::Utf8)
            .unwrap()
            .is_ascii()
    );
    assert_eq!(
        Address::parse("a\u{85}b@c", Repertoire::Utf8),
        Err(ParseError::Local)
    );
}

#[test]
fn dots_out_of_place_are_taken_and_written_in_quotes() {
    assert_eq!(
        ascii("a..b.@docomo.example").unwrap().to_string(),
        "\"a..b.\"@docomo.example"
    );
    assert_eq!(
        ascii("a..b.@docomo.example"),
        ascii("\"a..b.\"@docomo.example")
    );
}

#[test]
fn paths_come_as_people_type_them() {
    for (text, read) in [
        ("<a@b> SIZE=1", "a@b| SIZE=1"),
        ("a@b SIZE=1", "a@b| SIZE=1"),
        ("root", "root|"),
        ("<postmaster>", "postmaster|"),
        ("<\"a b\"@c>", "\"a b\"@c|"),
        ("<\"a>b\"@c> X", "\"a>b\"@c| X"),
        ("<@a,@[IPv6:::1],@b.c:user@host>", "user@host|"),
        ("<@a:\"x:y\"@host>", "\"x:y\"@host|"),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]|"),
        ("<a@b.>", "a@b|"),
    ] {
        assert_eq!(forward(text).as_deref(), Ok(read), "{text}");
    }
}

#[test]
fn malformed_paths_are_refused() {
    for (text, error) in [
        ("", ParseError::Empty),
        ("<>", ParseError::Empty),
        ("<a@b", ParseError::Brackets),
        ("a@b>", ParseError::Brackets),
        ("<a@b>c", ParseError::Brackets),
        ("<a@b><c@d>", ParseError::Brackets),
        ("<<a@b>>", ParseError::Local),
        ("< a@b>", ParseError::Local),
        ("<\"\">", ParseError::Local),
        ("<@a>", ParseError::Route),
        ("<@a,b:c@d>", ParseError::Route),
        ("<@a,@b>", ParseError::Route),
        ("<@:c@d>", ParseError::Route),
        ("|cmd /bin", ParseError::Local),
        (":include:/etc/passwd", ParseError::Local),
    ] {
        let refused = forward(text);
        let command = text.starts_with('|') && refused.as_deref() == Ok("|cmd| /bin");
        assert!(command || refused == Err(error), "{text}: {refused:?}");
    }
    assert_eq!(
        forward(&format!("<{}:a@b>", ["@a"; 33].join(","))),
        Err(ParseError::Route)
    );
    let null = ReversePath::parse_prefix("<> SIZE=1", Repertoire::Ascii);
    assert_eq!(null, Ok((ReversePath::Null, " SIZE=1")));
}

#[test]
fn a_local_path_is_completed() {
    let origin: Domain = "example.org".parse().unwrap();
    let (path, _) = ForwardPath::parse_prefix("root", Repertoire::Ascii).unwrap();
    assert_eq!(path.complete(&origin).to_string(), "root@example.org");
    assert_eq!(ReversePath::Null.complete(&origin), None);
}

#[test]
fn the_recipient_delimiter_parts_user_and_extension() {
    for (text, delimiters, parted) in [
        ("user+ext", "+", ("user", Some("ext"))),
        ("user+a+b", "+", ("user", Some("a+b"))),
        ("user-a+b", "+-", ("user", Some("a+b"))),
        ("user+", "+", ("user", Some(""))),
        ("+ext", "+", ("+ext", None)),
        ("user", "+", ("user", None)),
        ("user+ext", "", ("user+ext", None)),
        ("Postmaster", "t", ("Postmaster", None)),
        ("mailer-daemon", "-", ("mailer-daemon", None)),
        ("owner-list", "-", ("owner-list", None)),
        ("list-request", "-", ("list-request", None)),
        ("owner-list+x", "+", ("owner-list", Some("x"))),
        ("Übel-Ä", "-", ("Übel", Some("Ä"))),
    ] {
        assert_eq!(LocalPart::new(text).unwrap().split(delimiters), parted);
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same_address(
        local in "[ -~äß\u{4e2d}]{1,80}",
        domain in "[a-z][a-z0-9_]{0,20}(\\.[a-zA-Z]{1,10}){0,3}",
    ) {
        let address = Address::new(LocalPart::new(&local).unwrap(), Host::Domain(domain.parse().unwrap()));
        let written = address.to_string();
        let read = written.parse::<Address>();
        prop_assert_eq!(read.as_ref(), Ok(&address));
        let path = format!("<{written}> X=Y");
        let read = ForwardPath::parse_prefix(&path, Repertoire::Utf8);
        prop_assert_eq!(read, Ok((ForwardPath::Address(address), " X=Y")));
    }

    #[test]
    fn no_text_makes_an_address_with_a_control_in_it(text in "\\PC*|.*|[<>@\"\\\\a\r\n\0:,\\[\\] ]*") {
        if let Ok((path, _)) = ReversePath::parse_prefix(&text, Repertoire::Utf8) {
            prop_assert!(!path.to_string().chars().any(char::is_control));
        }
    }
}
