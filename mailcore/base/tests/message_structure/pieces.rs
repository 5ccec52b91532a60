//! Read alike in whatever pieces, and sound.

use mailcore_base::message::{Limits, Scanner, Structure, write_envelope, write_structure};
use proptest::prelude::*;

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

#[test]
fn a_line_of_a_header_beyond_its_limit_is_cut_alike_in_pieces_and_whole() {
    let limits = Limits {
        field: 100,
        ..Limits::default()
    };
    for blanks in [0, 50] {
        let message = format!(
            "Subject:{}{}\r\nTo: a@b\r\n\r\nx",
            " ".repeat(blanks),
            "y".repeat(500)
        );
        let scan = |length| {
            let mut scanner = Scanner::new(limits);
            message
                .as_bytes()
                .chunks(length)
                .for_each(|piece| scanner.feed(piece));
            scanner.finish()
        };
        let whole = scan(message.len());
        for length in [1, 7, 100, 101] {
            assert_eq!(scan(length), whole, "in pieces of {length}");
        }
    }
}

#[test]
fn a_header_alone_and_a_message_have_the_same_envelope() {
    use mailcore_base::message::Envelope;
    for header in [
        "Subject\nTo: a@b\n\n",
        "Subject: x\nSubject\n\n",
        "Subject\r: x\n\n",
        "Subject: x\r\r\n\n",
        "Subject: x\r",
        "Subject: x\r\n y\r\r\n\n",
        "Subject:",
        "Subject:\n",
    ] {
        let structure = Structure::of(header.as_bytes());
        let alone = Envelope::of(header.as_bytes());
        assert_eq!(structure.envelope(), Some(&alone), "{header:?}");
    }
}
