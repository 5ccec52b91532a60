//! What IMAP shows of a message. The answers written here were observed from a Dovecot 2.3.19.

use mailcore_base::message::{Structure, write_envelope, write_structure};

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
