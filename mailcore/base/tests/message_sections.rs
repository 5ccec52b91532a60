//! What sections, fields, line ends and decoders promise.
#![allow(clippy::unwrap_used)]

use mailcore_base::message::{
    Charset, Decoder, Encoding, Fields, Found, Measure, NotASection, Section, SectionPath,
    SectionText, Structure, ToCrlf, ToUtf8, decode_parameter, decode_words,
};
use proptest::prelude::*;

/// What IMAP would serve.
fn fetch(message: &str, section: &str) -> String {
    let section = Section::parse(section.as_bytes()).unwrap();
    let structure = Structure::of(message.as_bytes());
    let found = structure.find(&section);
    let mut out = Vec::new();
    let bytes = |e: mailcore_base::message::Extent| {
        &message.as_bytes()[e.offset as usize..(e.offset + e.bytes) as usize]
    };
    match &found {
        Found::Nothing => {}
        Found::Bytes(extent) => {
            ToCrlf::new().convert(bytes(*extent), &mut out);
            assert_eq!(out.len() as u64, extent.octets);
        }
        Found::Fields { header, .. } => found.filter(bytes(*header), &mut out),
    }
    String::from_utf8(out).unwrap()
}

const PLAIN: &str = "Subject: plain\nFrom: a@b\nX: 1\n  2\nx: 3\n\nbody\nline\n";
const NESTED: &str = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@b\n\
    Content-Type: multipart/mixed; boundary=c\n\n--c\nA: b\n\nin\n--c\n\n2\n--c--\n--b\n\nend\n--b--\n";

#[test]
fn a_plain_message_has_one_part() {
    assert_eq!(fetch(PLAIN, ""), PLAIN.replace('\n', "\r\n"));
    assert_eq!(fetch(PLAIN, "1"), "body\r\nline\r\n");
    assert_eq!(fetch(PLAIN, "TEXT"), "body\r\nline\r\n");
    assert_eq!(fetch(PLAIN, "1.MIME"), fetch(PLAIN, "HEADER"));
    for nothing in ["1.1", "2", "1.HEADER", "1.TEXT", "1.2.3.MIME"] {
        assert_eq!(fetch(PLAIN, nothing), "", "{nothing}");
    }
}

#[test]
fn parts_of_messages_in_messages_are_found() {
    assert_eq!(
        fetch(NESTED, "1.HEADER"),
        "From: a@b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    );
    assert_eq!(fetch(NESTED, "1.1"), "in");
    assert_eq!(fetch(NESTED, "1.1.1"), "in");
    assert_eq!(fetch(NESTED, "1.1.1.1"), "");
    assert_eq!(fetch(NESTED, "1.2"), "2");
    assert_eq!(fetch(NESTED, "1.3"), "");
    assert_eq!(fetch(NESTED, "1.1.MIME"), "A: b\r\n\r\n");
    assert_eq!(
        fetch(NESTED, "1.MIME"),
        "Content-Type: message/rfc822\r\n\r\n"
    );
    assert_eq!(fetch(NESTED, "2"), "end");
    assert_eq!(fetch(NESTED, "2.TEXT"), "");
    assert!(fetch(NESTED, "1.TEXT").starts_with("--c\r\n"));
    assert_eq!(
        fetch("Content-Type: message/rfc822\n\nSubject: in\n\ny\n", "1.1"),
        "y\r\n"
    );
}

#[test]
fn header_fields_are_picked_by_name() {
    assert_eq!(
        fetch(PLAIN, "HEADER.FIELDS (x \"Subject\")"),
        "Subject: plain\r\nX: 1\r\n  2\r\nx: 3\r\n\r\n"
    );
    assert_eq!(
        fetch(PLAIN, "HEADER.FIELDS.NOT (X)"),
        "Subject: plain\r\nFrom: a@b\r\n\r\n"
    );
    assert_eq!(fetch(PLAIN, "HEADER.FIELDS (nope)"), "\r\n");
    assert_eq!(fetch(PLAIN, "1.HEADER.FIELDS (Subject)"), "");
    assert_eq!(
        fetch("Subject: a\nFrom: b@c", "HEADER.FIELDS.NOT (X)"),
        "Subject: a\r\nFrom: b@c"
    );
    assert_eq!(
        fetch("Subject: a\nFrom: b@c", "HEADER.FIELDS (FROM)"),
        "From: b@c\r\n"
    );
    assert_eq!(
        fetch("a: b\nno field\n\n", "HEADER.FIELDS (\"NO FIELD\")"),
        "\r\n"
    );
}

#[test]
fn an_empty_line_right_before_a_boundary_belongs_to_it() {
    let message =
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n--b--\n";
    assert_eq!(fetch(message, "1.MIME"), "Content-Type: text/html\r\n");
    assert_eq!(fetch(message, "1"), "");
}

#[test]
fn what_is_no_section_is_refused() {
    for text in [
        "MIME",
        "0",
        "1.",
        ".1",
        "1..2",
        "4294967296",
        "HEADERS",
        "HEADER.FIELDS",
        "HEADER.FIELDS ()",
        "1 ",
        "HEADER.FIELDS (a",
        "HEADER.FIELDS (a  b)",
        "HEADER.FIELDS (\"a)",
        "HEADER.FIELDS (\"a\\)",
        "TEXT (a)",
        "1.2MIME",
    ] {
        assert_eq!(Section::parse(text.as_bytes()), Err(NotASection), "{text}");
    }
    assert_eq!(
        Section::parse("1.".repeat(100_000).as_bytes()),
        Err(NotASection)
    );
    assert_eq!(
        Section::parse(b"1.header.fields (from \"x y\")")
            .unwrap()
            .to_string(),
        "1.HEADER.FIELDS (FROM \"X Y\")"
    );
}

#[test]
fn fields_are_read_without_copying_what_is_on_one_line() {
    let mut fields = Fields::new(b"A: b \r\nC : d\r\n e\r\nnothing\r\n\r\nF: g\r\n");
    let first = fields.next().unwrap();
    assert!(matches!(first.value(), std::borrow::Cow::Borrowed(b"b")));
    let second = fields.next().unwrap();
    assert_eq!(
        (second.name(), &*second.value(), second.raw_value()),
        (&b"C"[..], &b"d e"[..], &b" d\r\n e"[..])
    );
    assert_eq!(fields.next().unwrap().name(), b"nothing");
    assert_eq!(fields.next(), None);
    assert_eq!(Fields::new(b"A: 1\nb: 2\na: 3").named("a").count(), 2);
}

#[test]
fn transfer_encodings_are_undone_however_broken() {
    assert_eq!(
        Encoding::Base64.decode(b"aGVs\r\nbG8=\r\nIQ== \0junk"),
        b"hello!\x8e\xe9\xe4"
    );
    assert_eq!(Encoding::Base64.decode(b"aGVsbG8"), b"hello");
    assert_eq!(
        Encoding::QuotedPrintable.decode(b"a=3D=\r\nb \t\r\n=C3=a9=\n=x=4==  \r\n="),
        "a=b\r\né=x=4==".as_bytes()
    );
    // RFC 2045 §6.7 rule 3: blanks at the end of a line are padding, at the end of the last one too.
    assert_eq!(Encoding::QuotedPrintable.decode(b"a b \t "), b"a b");
    assert_eq!(Encoding::QuotedPrintable.decode(b"a \r"), b"a \r");
    assert_eq!(Encoding::parse(b"BASE64"), Encoding::Base64);
    assert_eq!(
        Encoding::parse(b"x-uuencode").decode(b"as it is\n"),
        b"as it is\n"
    );
}

#[test]
fn an_encoding_that_cannot_be_read_is_unknown_and_parameters_do_it_no_harm() {
    for (field, shown, transfer) in [
        ("base64", Some("base64"), Encoding::Base64),
        ("8BIT (octets)", Some("8BIT"), Encoding::Identity),
        ("base64; x=y", None, Encoding::Base64),
        ("Quoted-Printable;", None, Encoding::QuotedPrintable),
        ("\"base64\"", None, Encoding::Unknown),
        ("base64 too", None, Encoding::Unknown),
        ("", None, Encoding::Unknown),
        ("x-uuencode", Some("x-uuencode"), Encoding::Unknown),
    ] {
        let text = format!("MIME-Version: 1.0\nContent-Transfer-Encoding: {field}\n\nx\n");
        let structure = Structure::of(text.as_bytes());
        let content = structure.root().content.as_deref().unwrap();
        let word = content.encoding.as_deref().map(String::from_utf8_lossy);
        assert_eq!(word.as_deref(), shown, "{field}");
        assert_eq!(content.transfer, transfer, "{field}");
    }
}

#[test]
fn charsets_become_utf_8() {
    assert_eq!(Charset::parse(b"ISO-8859-1").unwrap().decode(b"\xe9"), "é");
    assert_eq!(
        Charset::parse(b"us-ascii")
            .unwrap()
            .decode("é\u{fffd}".as_bytes()),
        "é\u{fffd}"
    );
    assert_eq!(
        Charset::parse(b"iso-2022-jp")
            .unwrap()
            .decode(b"\x1b$B%F\x1b(B"),
        "テ"
    );
    assert_eq!(
        Charset::parse(b"utf-16").unwrap().decode(b"\xfe\xff\0a"),
        "a"
    );
    assert_eq!(Charset::parse(b"x-none"), None);
    let utf7 = Charset::parse(b"UTF-7").unwrap();
    assert_eq!(
        utf7.decode(b"Hi Mom -+Jjo--+- A+ImIDkQ.+2D3eAA-"),
        "Hi Mom -☺-+ A≢Α.\u{1f600}"
    );
    assert_eq!(utf7.decode(b"+2D0-x+2D0"), "\u{fffd}x\u{fffd}");
}

#[test]
fn encoded_words_are_decoded_and_joined() {
    for (value, text) in [
        ("=?ISO-8859-1?Q?a_=E9?=", "a é"),
        (
            "(=?utf-8?q?a?=\r\n =?utf-8?q?b?=) =?utf-8?q?c?= d",
            "(ab) c d",
        ),
        ("=?utf-8?b?w6k=?=x", "éx"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?utf-8*fr?q?x?=", "x"),
        ("=??Q?Re=3A_Bras=C3=ADlia?=", "Re: Brasília"),
        (
            "=?nope?q?x?= =?utf-8?z?x?= =?utf-8?q?",
            "=?nope?q?x?= =?utf-8?z?x?= =?utf-8?q?",
        ),
        ("a\n b\u{e9}", "a b\u{e9}"),
        ("=?=?utf-8?q?x?=", "=?x"),
    ] {
        assert_eq!(decode_words(value.as_bytes()), text, "{value}");
    }
    // Octets in a row that are no UTF-8 are one sign, in whatever runs they are read.
    for value in [&b"Gr\xfc\xdfe"[..], b"Gr\xfc\r\n\xe2\x82e"] {
        assert_eq!(decode_words(value), "Gr\u{fffd}e");
    }
    assert_eq!(
        decode_parameter(b"name*", b"iso-8859-1'en'%A3%20x%4"),
        "£ x%4"
    );
    assert_eq!(decode_parameter(b"name", b"=?utf-8?q?x?="), "x");
    for unit in ["=?", "=?a", "=?a?q?", "=?utf-8?q?x?= ", "?", "=?a?b?=?"] {
        decode_words(unit.repeat(1_000_000 / unit.len()).as_bytes());
    }
}

fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ToCrlf::new().convert(text, &mut out);
    out
}

proptest! {
    #[test]
    fn line_ends_convert_alike_in_pieces_and_whole(text in "[a\r\n]{0,30}", cut in 0usize..30) {
        let text = text.as_bytes();
        let (one, two) = text.split_at(cut.min(text.len()));
        let (mut converter, mut out, mut measure) = (ToCrlf::new(), Vec::new(), Measure::default());
        for piece in [one, two] {
            converter.convert(piece, &mut out);
            measure.feed(piece);
        }
        prop_assert_eq!(&out, &crlf(text));
        prop_assert_eq!(measure, Measure::of(text));
        prop_assert_eq!(measure.octets, out.len() as u64);
        prop_assert_eq!(&crlf(&out), &out);
    }

    #[test]
    fn decoders_do_not_mind_the_pieces(text in "[-a=C3\t \r\n+/AZé]{0,60}", cut in 0usize..60) {
        let text = text.as_bytes();
        let (one, two) = text.split_at(cut.min(text.len()));
        for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
            let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
            decoder.feed(one, &mut out);
            decoder.feed(two, &mut out);
            decoder.finish(&mut out);
            prop_assert_eq!(out, encoding.decode(text));
        }
        for name in ["utf-8", "utf-7", "shift_jis"] {
            let charset = Charset::parse(name.as_bytes()).unwrap();
            let (mut to_utf8, mut out) = (ToUtf8::new(charset), String::new());
            to_utf8.feed(one, &mut out);
            to_utf8.feed(two, &mut out);
            to_utf8.finish(&mut out);
            prop_assert_eq!(out, charset.decode(text));
        }
    }

    #[test]
    fn encoded_text_is_read_back(text in proptest::collection::vec(any::<u8>(), 0..100)) {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&text);
        prop_assert_eq!(Encoding::Base64.decode(encoded.as_bytes()), text.clone());
        let quoted: String = text.iter().map(|b| format!("={b:02X}")).collect();
        prop_assert_eq!(Encoding::QuotedPrintable.decode(quoted.as_bytes()), text);
    }

    #[test]
    fn sections_are_read_back(path in proptest::collection::vec(1u32.., 0..4), names in proptest::collection::vec("[A-Z !\"\\\\-]{1,3}", 1..4), kind in 0..6) {
        let names: Vec<Vec<u8>> = names.into_iter().map(String::into_bytes).collect();
        let text = match kind {
            0 => SectionText::Whole,
            1 => SectionText::Header,
            2 => SectionText::Text,
            3 if !path.is_empty() => SectionText::Mime,
            4 => SectionText::Fields(names),
            _ => SectionText::FieldsNot(names),
        };
        let section = Section { path: SectionPath(path), text };
        prop_assert_eq!(Section::parse(section.to_string().as_bytes()), Ok(section));
    }

    #[test]
    fn any_bytes_are_decoded(text in proptest::collection::vec(any::<u8>(), 0..100)) {
        decode_words(&text);
        decode_parameter(b"x*", &text);
        let _ = Section::parse(&text);
    }
}
