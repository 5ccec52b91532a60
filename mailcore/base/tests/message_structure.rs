//! What the scanner, the structure, the envelope and their IMAP text promise. The answers written here were
//! observed from a Dovecot 2.3.19.
#![allow(clippy::unwrap_used)]

use mailcore_base::message::{
    Kind, Limits, Scanner, Structure, parse_addresses, write_envelope, write_structure,
};
use proptest::prelude::*;

fn bodystructure(message: &[u8]) -> String {
    let mut out = Vec::new();
    write_structure(&Structure::of(message), true, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn to(value: &str) -> String {
    let message = format!("To: {value}\n\nb\n");
    let mut out = Vec::new();
    write_envelope(
        Structure::of(message.as_bytes()).envelope().unwrap(),
        &mut out,
    );
    let text = String::from_utf8_lossy(&out).into_owned();
    let inner = text
        .strip_prefix("(NIL NIL NIL NIL NIL ")
        .unwrap()
        .strip_suffix(" NIL NIL NIL NIL)")
        .unwrap();
    inner.to_owned()
}

fn envelope(header: &str) -> String {
    let mut out = Vec::new();
    write_envelope(
        Structure::of(header.as_bytes()).envelope().unwrap(),
        &mut out,
    );
    String::from_utf8_lossy(&out).into_owned()
}

const TEXT: &str = r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" "#;

fn text(octets: u64, lines: u64) -> String {
    format!("{TEXT}{octets} {lines} NIL NIL NIL NIL)")
}

fn mixed(body: &str) -> String {
    bodystructure(
        format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n{body}")
            .as_bytes(),
    )
}

fn of_mixed(parts: &str) -> String {
    format!(r#"({parts} "mixed" ("boundary" "b") NIL NIL NIL)"#)
}

#[test]
fn addresses_are_shown_as_dovecot_shows_them() {
    for (value, shown) in [
        ("a@b", r#"((NIL NIL "a" "b"))"#),
        ("x y <a@b>", r#"(("x y" NIL "a" "b"))"#),
        ("a@b (Name)", r#"(("Name" NIL "a" "b"))"#),
        ("<@r,@s:a@b>", r#"((NIL "@r,@s" "a" "b"))"#),
        ("<@r a@b>", r#"((NIL "INVALID_ROUTE" "a" "b"))"#),
        (
            "g: a@b, c@d;",
            r#"((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL))"#,
        ),
        (
            "g:;, c@d",
            r#"((NIL NIL "g" NIL)(NIL NIL NIL NIL)(NIL NIL "c" "d"))"#,
        ),
        ("a", r#"((NIL NIL "a" "MISSING_DOMAIN"))"#),
        ("a b", r#"(("a b" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#),
        ("<>", r#"((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#),
        ("<a@b", r#"((NIL NIL "a" "SYNTAX_ERROR"))"#),
        ("x <a b>", r#"(("x" NIL "a" "SYNTAX_ERROR"))"#),
        (
            "a@b,,c@d",
            r#"((NIL NIL "a" "b")(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")(NIL NIL "c" "d"))"#,
        ),
        ("a@b.", r#"((NIL NIL "a" "MISSING_DOMAIN"))"#),
        (".a@b", r#"((NIL NIL ".a" "b"))"#),
        (
            "a . b @ c . d",
            "(({4}\r\na. b NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))",
        ),
        ("\"a\\\"b\"@c", r#"((NIL NIL "a\"b" "c"))"#),
        (
            "\"a@b\"",
            r#"(("a@b" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#,
        ),
        ("é <a@b>", "(({2}\r\né NIL \"a\" \"b\"))"),
        ("=?utf-8?q?x?= <a@b>", r#"(("=?utf-8?q?x?=" NIL "a" "b"))"#),
    ] {
        assert_eq!(to(value), shown, "{value}");
    }
}

#[test]
fn a_header_that_ends_within_a_word_is_not_read_past() {
    for (value, shown) in [
        ("(", "NIL"),
        ("(a\\", "NIL"),
        ("\"", r#"((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#),
        ("\"\\", r#"((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#),
        ("a@[1.2", r#"((NIL NIL "a" "MISSING_DOMAIN"))"#),
        ("a@b (", r#"((NIL NIL "a" "MISSING_DOMAIN"))"#),
        ("=?utf-8?q?", r#"((NIL NIL "=?utf-8?q?" "MISSING_DOMAIN"))"#),
        (
            "x \"a\\b",
            r#"(("x a" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))"#,
        ),
        (
            "<@",
            r#"((NIL "INVALID_ROUTE" "MISSING_MAILBOX" "SYNTAX_ERROR"))"#,
        ),
    ] {
        assert_eq!(to(value), shown, "{value}");
        // And when the message ends right there.
        Structure::of(format!("To: {value}").as_bytes());
        Structure::of(format!("Content-Type: {value}").as_bytes());
        Structure::of(format!("Content-Type: a/b; c={value}").as_bytes());
    }
}

#[test]
fn texts_are_tidied_or_unfolded() {
    assert_eq!(
        envelope("Subject: a\n  b\nMessage-ID:\n <x>\nIn-Reply-To:   y \nDate: a\n\tb\n\n"),
        "(\"a\tb\" {3}\r\na b NIL NIL NIL NIL NIL NIL \"y \" \" <x>\")"
    );
    assert_eq!(
        envelope("Subject: a\"b\n\n"),
        "(NIL {3}\r\na\"b NIL NIL NIL NIL NIL NIL NIL NIL)"
    );
    assert_eq!(
        envelope("Subject:\nDate: \0\n\n"),
        "({3}\r\n\u{fffd} \"\" NIL NIL NIL NIL NIL NIL NIL NIL)"
    );
    assert_eq!(
        envelope("Subject: 1\nSubject: 2\n\n"),
        "(NIL \"2\" NIL NIL NIL NIL NIL NIL NIL NIL)"
    );
}

#[test]
fn content_types_are_shown_as_dovecot_shows_them() {
    for (value, shown) in [
        ("text/html", r#""text" "html" ("charset" "us-ascii")"#),
        (
            "TEXT/plain; format=x",
            r#""TEXT" "plain" ("format" "x" "charset" "us-ascii")"#,
        ),
        ("text", r#""text" "" ("charset" "us-ascii")"#),
        ("a/b; name*0=x; name*1=y", r#""a" "b" ("name" "xy")"#),
        (
            "a/b; name*0*=utf-8''x; name*1=%; z=1",
            r#""a" "b" ("z" "1" "name*" "utf-8''x%25")"#,
        ),
        (
            "a/b; name*0=x; name*2=y",
            r#""a" "b" ("name*0" "x" "name*2" "y")"#,
        ),
        (
            "a/b; c=\"d;e\"; f==?u?q?g?=",
            r#""a" "b" ("c" "d;e" "f" "=?u?q?g?=")"#,
        ),
        ("a/b; c=d e; f=g", r#""a" "b" ("c" "d" "f" "g")"#),
        ("a/b; c=\"open", r#""a" "b" NIL"#),
        ("a/b c", r#""" "" NIL"#),
        ("", r#""" "" NIL"#),
        ("multipart", r#""application" "octet-stream" NIL"#),
    ] {
        let shown_all = bodystructure(format!("Content-Type: {value}\n\n").as_bytes());
        assert!(
            shown_all.starts_with(&format!("({shown} ")),
            "{value}: {shown_all}"
        );
    }
    // What says nothing beyond the defaults loses how it was spelt.
    assert_eq!(
        bodystructure(b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nx\n"),
        text(3, 1)
    );
    assert_eq!(bodystructure(b"Content-ID: x\n\n"), text(0, 0));
}

#[test]
fn parts_end_before_the_line_end_of_their_boundary() {
    assert_eq!(
        mixed("--b\n\none\n--b\n\ntwo\n\n--b--\nepilogue\n"),
        of_mixed(&(text(3, 0) + &text(5, 1)))
    );
    assert_eq!(mixed("--b\r\n\r\none\r\n--b--\r\n"), of_mixed(&text(3, 0)));
    assert_eq!(mixed("--bx\n\none\n--b--x\n"), of_mixed(&text(3, 0)));
    assert_eq!(mixed("--b\nA: b\n--b--\n"), of_mixed(&text(0, 0)));
    assert_eq!(
        mixed("--b\n--b\n--b--"),
        of_mixed(&(text(0, 0) + &text(0, 0)))
    );
    assert_eq!(mixed("--b\n\nx\n--b"), of_mixed(&text(1, 0)));
    assert_eq!(
        mixed("--b\n\nx\n--b\n"),
        of_mixed(&(text(1, 0) + &text(0, 0)))
    );
}

#[test]
fn a_multipart_without_parts_shows_an_empty_one() {
    assert_eq!(mixed(""), of_mixed(&text(0, 0)));
    assert_eq!(mixed("--b--\n"), of_mixed(&text(0, 0)));
}

#[test]
fn an_inner_multipart_ends_with_the_outer_one() {
    let inner =
        "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\n1\n--b\n\nend\n--b--\n";
    let alternative = format!(
        r#"({} "alternative" ("boundary" "c") NIL NIL NIL)"#,
        text(1, 0)
    );
    assert_eq!(mixed(inner), of_mixed(&(alternative + &text(3, 0))));
}

#[test]
fn messages_in_a_digest_need_no_type() {
    let digest = bodystructure(
        b"Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\ny\n--a--\n",
    );
    let message = format!(
        r#"(("message" "rfc822" NIL NIL NIL "7bit" 15 (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) {} 2 NIL NIL NIL NIL) "digest" ("boundary" "a") NIL NIL NIL)"#,
        text(1, 0)
    );
    assert_eq!(digest, message);
}

#[test]
fn sizes_count_every_line_end_as_crlf() {
    let size = Structure::of(b"Subject: x\r\n\r\nab\ncd\r\nef\rgh\n\r\n").size();
    assert_eq!((size.bytes, size.octets, size.lines), (29, 31, 6));
    assert_eq!(Structure::of(b"").size().octets, 0);
}

fn nested(levels: usize) -> String {
    let open = (0..levels)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n:06}\n\n--b{n:06}\n"));
    open.collect::<String>() + "\nx\n"
}

#[test]
fn depth_is_bounded_and_nothing_recurses() {
    let structure = Structure::of(nested(99).as_bytes());
    assert_eq!(structure.parts().len(), 100);
    assert!(structure.parts().all(|(_, part)| part.kind != Kind::Opaque));
    for levels in [100, 100_000] {
        let structure = Structure::of(nested(levels).as_bytes());
        assert_eq!(structure.parts().len(), 100, "{levels}");
        assert_eq!(structure.parts().last().unwrap().1.kind, Kind::Opaque);
        let mut out = Vec::new();
        write_structure(&structure, true, &mut out);
        assert!(
            out.windows(26)
                .any(|w| w == br#""application" "octet-stream""#.get(..26).unwrap())
        );
    }
    let messages = Structure::of(
        "Content-Type: message/rfc822\n\n"
            .repeat(100_000)
            .as_bytes(),
    );
    assert_eq!(messages.parts().len(), 100);
    // A deep limit costs no stack.
    let mut scanner = Scanner::new(Limits {
        depth: u16::MAX,
        parts: 50_000,
        ..Limits::default()
    });
    scanner.feed("Content-Type: message/rfc822\n\n".repeat(40_000).as_bytes());
    let structure = scanner.finish();
    assert_eq!(structure.parts().len(), 40_001);
    write_structure(&structure, true, &mut Vec::new());
}

#[test]
fn the_number_of_parts_is_bounded_and_the_last_takes_the_rest() {
    let body = "--b\n\n".repeat(100_000);
    let message = format!("Content-Type: multipart/mixed; boundary=b\n\n{body}--b--\n");
    let structure = Structure::of(message.as_bytes());
    assert_eq!(structure.parts().len(), 10_000);
    let last = structure.parts().last().unwrap().1;
    assert_eq!(last.body.offset + last.body.bytes, message.len() as u64);
    assert_eq!(structure.size().bytes, message.len() as u64);
}

#[test]
fn what_is_kept_of_a_header_is_bounded() {
    let long = format!("Subject: {}\nFrom: a@b\n\nx", "y".repeat(20 << 20));
    let structure = Structure::of(long.as_bytes());
    let envelope = structure.envelope().unwrap();
    assert_eq!(envelope.subject.as_ref().unwrap().len(), 1 << 20);
    assert_eq!(envelope.from.len(), 1);
    assert_eq!(structure.size().bytes, long.len() as u64);
    assert_eq!(structure.root().body.bytes, 1);

    let many = format!(
        "To: {}\nCc: {}\n\n",
        "a@b,".repeat(100_000),
        "a,".repeat(100_000)
    );
    let structure = Structure::of(many.as_bytes());
    assert_eq!(structure.envelope().unwrap().to.len(), 10_000);
    assert_eq!(structure.envelope().unwrap().cc.len(), 10_000);
    let many = format!("Content-Type: a/b{}\n\n", "; c*1=d".repeat(100_000));
    let structure = Structure::of(many.as_bytes());
    let content = structure.root().content.as_ref().unwrap();
    assert_eq!(
        content.content_type.as_ref().unwrap().parameters.len(),
        1_000
    );
    let fields = "Subject: 0123456789\nContent-ID: x\nContent-Type: a/b\n".repeat(500_000);
    assert!(
        Structure::of(fields.as_bytes())
            .envelope()
            .unwrap()
            .subject
            .is_some()
    );
}

#[test]
fn hostile_words_are_read_in_linear_time() {
    // Each of these is a million bytes of one kind; a quadratic reader would not come back.
    for unit in [
        "(", "(a", "\"", "\\", "<", "a ", "a,", "g:", ";", "\"\\\n", "(\n ", "=?", "a@b (c) ", ".",
        "@", "<@a,", "\"a\"\n ",
    ] {
        let value = unit.repeat(1_000_000 / unit.len());
        let count = parse_addresses(value.as_bytes(), 10_000).len();
        assert!(count <= 10_001, "{unit}");
        let field = format!(
            "Content-Type: a/b; {value}\nContent-Disposition: {value}\nContent-Language: {value}\n\n"
        );
        assert_eq!(Structure::of(field.as_bytes()).parts().len(), 1);
    }
    for line in [
        "--\n", "--b", "--b\n", "\n", "\r\n", "--b--\n", "a: b\n", " \n",
    ] {
        let body = line.repeat(300_000);
        let message = format!("Content-Type: multipart/mixed; boundary=\"b\"\n\n{body}");
        assert_eq!(
            Structure::of(message.as_bytes()).size().bytes,
            message.len() as u64
        );
    }
}

fn in_pieces(message: &[u8], length: usize) -> Structure {
    let mut scanner = Scanner::new(Limits::default());
    for piece in message.chunks(length) {
        scanner.feed(piece);
    }
    scanner.finish()
}

fn assert_sound(message: &[u8]) {
    let whole = Structure::of(message);
    for length in [1, 2, 7] {
        assert_eq!(
            in_pieces(message, length),
            whole,
            "{:?} in pieces of {length}",
            message.escape_ascii().to_string()
        );
    }
    let size = whole.size();
    assert_eq!(size.bytes, message.len() as u64);
    for (_, part) in whole.parts() {
        let end = part.body.offset + part.body.bytes;
        assert!(part.header.offset + part.header.bytes <= part.body.offset && end <= size.bytes);
        let body = &message[part.body.offset as usize..end as usize];
        let measure = mailcore_base::message::Measure::of(body);
        assert_eq!(
            (measure.octets, measure.lines),
            (part.body.octets, part.body.lines)
        );
    }
}

fn any_message() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "--b\n",
        "--b--\n",
        "--c\n",
        "--c--",
        "--b",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "x",
        "To: ",
        "Subject: ",
        " ",
        "Content-Type: multipart/mixed; boundary=b\n",
        "Content-Type: multipart/digest; boundary=\"c\"\n\n",
        "Content-Type: message/rfc822\n\n",
        "Content-Type: message/rfc822\n",
        "Content-Type: text/plain;\n a=\"",
        "(",
        "\"",
        "\\",
        "@",
        "<",
        ">",
        ",",
        ":",
        ";",
        "é",
        "\0",
        "--\n",
        "----\n",
        "Content-ID: ",
    ]);
    proptest::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn pieces_and_whole_are_read_alike(message in any_message()) {
        assert_sound(message.as_bytes());
    }

    #[test]
    fn any_bytes_have_a_structure(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert_sound(&message);
        let structure = Structure::of(&message);
        write_structure(&structure, false, &mut Vec::new());
        write_envelope(structure.envelope().unwrap(), &mut Vec::new());
    }
}

#[test]
fn real_messages_are_read_alike_in_pieces_and_whole() {
    let Some(corpus) = std::env::var_os("MAILCORE_CORPUS") else {
        eprintln!("MAILCORE_CORPUS is unset: no real messages were read");
        return;
    };
    let mut folders = vec![std::path::PathBuf::from(corpus)];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_sound(&std::fs::read(&path).unwrap());
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} messages");
}
