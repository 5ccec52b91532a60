//! Depth, number, sizes: bounded, counted, linear.

use mailcore_base::message::{Kind, Limits, Scanner, Structure, parse_addresses, write_structure};

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
