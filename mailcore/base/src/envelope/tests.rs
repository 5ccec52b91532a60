use super::*;
use crate::address::{Address, Repertoire};
use proptest::prelude::*;

#[test]
fn no_line_break_hides_in_any_parameter() {
    for bad in [
        "a+0Ab", "a+0D+0Ab", "a+00", "a\nb", "a+7F", "a+85", "a+", "a+0", "a+GG", "a=b", "a b", "",
        "\u{85}",
    ] {
        assert!(EnvelopeId::parse(bad).is_err(), "{bad:?}");
        assert!(
            OriginalRecipient::parse(&format!("rfc822;{bad}")).is_err(),
            "{bad:?}"
        );
        assert!(Submitter::parse(bad).is_err(), "{bad:?}");
    }
    for bad in [
        "utf-8;a\\x{A}b",
        "utf-8;\\x{0D}",
        "utf-8;\\x{2028}",
        "utf-8;\\x{D800}",
        "utf-8;\\x{}",
        "utf-8;\\x{41",
    ] {
        assert!(OriginalRecipient::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(Text::new("a\r\nX: y"), Err(TextError::Control));
    assert_eq!(Text::new("a\0"), Err(TextError::Control));
    assert_eq!(Text::lossy(b"a\r\nb\x00\xffc").as_str(), "a??b??c");
}

#[test]
fn parameters_are_read_and_written() {
    assert_eq!(
        EnvelopeId::parse("QQ+2B314159").unwrap().as_str(),
        "QQ+314159"
    );
    let original = OriginalRecipient::parse("rfc822;Bob+20B@Example.COM").unwrap();
    assert_eq!(
        (original.kind(), original.address()),
        ("rfc822", "Bob B@Example.COM")
    );
    assert_eq!(original.to_string(), "rfc822;Bob+20B@Example.COM");
    let wide = OriginalRecipient::parse("utf-8;\\x{E4}ö@b").unwrap();
    assert_eq!(
        (wide.address(), wide.to_string().as_str()),
        ("äö@b", "utf-8;äö@b")
    );
    let address: Address = "a+b@c".parse().unwrap();
    assert_eq!(
        OriginalRecipient::of(&address).unwrap().to_string(),
        "rfc822;a+2Bb@c"
    );
    assert_eq!(Submitter::parse("a+2Bb@c"), Ok(Submitter::Address(address)));
    assert_eq!(Submitter::parse("<>"), Ok(Submitter::Unknown));
}

#[test]
fn parameters_have_limits() {
    assert!(EnvelopeId::parse(&"a".repeat(100)).is_ok());
    assert!(EnvelopeId::parse(&"a".repeat(101)).is_err());
    assert!(OriginalRecipient::parse(&format!("rfc822;{}", "a".repeat(494))).is_err());
    assert!(OriginalRecipient::parse(&format!("utf-8;{}", "+".repeat(82))).is_ok());
    assert!(OriginalRecipient::parse(&format!("utf-8;{}", "+".repeat(83))).is_err());
    assert_eq!(Text::new(&"a".repeat(1025)), Err(TextError::TooLong));
    assert_eq!(Text::lossy(&[0xff; 5000]).len(), Text::MAX);
}

#[test]
fn never_stands_alone_in_notify() {
    assert_eq!(Notify::parse("never"), Some(Notify::NEVER));
    assert_eq!(
        Notify::parse("success,DELAY"),
        Some(Notify::SUCCESS | Notify::DELAY)
    );
    assert_eq!(Notify::parse("NEVER,SUCCESS"), None);
    assert_eq!(Notify::parse("SUCCESS,"), None);
    assert_eq!(Notify::parse(""), None);
    assert_eq!(
        (Notify::DELAY | Notify::SUCCESS).to_string(),
        "SUCCESS,DELAY"
    );
    assert!(!Notify::FAILURE.contains(Notify::NEVER) && Notify::NEVER.contains(Notify::NEVER));
}

proptest! {
    #[test]
    fn xtext_decodes_what_it_encoded(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(decode_xtext(&encode_xtext(&bytes)), Ok(bytes));
    }

    #[test]
    fn any_text_becomes_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let text = Text::lossy(&bytes);
        let again = Text::new(&text);
        prop_assert_eq!(again.as_ref(), Ok(&text));
    }

    #[test]
    fn an_original_recipient_survives_the_wire(address in "[ -~äß\u{4e2d}]{1,60}") {
        if let Ok(address) = format!("{address}@example.org").parse::<Address>() {
            let original = OriginalRecipient::of(&address).unwrap();
            let read = OriginalRecipient::parse(&original.to_string());
            prop_assert_eq!(read.as_ref(), Ok(&original));
        }
    }
}

#[test]
fn a_recipient_is_at_its_domain_however_that_is_written() {
    let to = |path: &str| {
        let (path, _) = ForwardPath::parse_prefix(path, Repertoire::Utf8).unwrap();
        Recipient::new(path)
    };
    for domain in [
        "münchen.example",
        "MÜNCHEN.example",
        "xn--mnchen-3ya.Example.",
    ] {
        assert!(to("<a@xn--MNCHEN-3ya.example>").is_at(domain), "{domain}");
        assert!(
            !to("<a@sub.xn--mnchen-3ya.example>").is_at(domain),
            "{domain}"
        );
        assert!(!to("<postmaster>").is_at(domain), "{domain}");
        assert!(!to("<a@[127.0.0.1]>").is_at("[127.0.0.1]"));
        assert!(!to("<a@b.test>").is_at(""));
    }
}
