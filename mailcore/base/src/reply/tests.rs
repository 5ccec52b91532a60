use super::*;
use proptest::prelude::*;

fn reply(code: u16, status: &str, text: impl Into<Cow<'static, str>>) -> Reply {
    Reply::new(Code::new(code).unwrap(), status.parse().ok(), text)
}

fn wire(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

fn read(text: &[u8], chunk: usize) -> Result<Vec<Reply>, ReadError> {
    let (mut reader, mut replies) = (Reader::new(), Vec::new());
    for mut piece in text.chunks(chunk) {
        while !piece.is_empty() {
            let (used, reply) = reader.feed(piece)?;
            replies.extend(reply);
            piece = &piece[used..];
        }
    }
    Ok(replies)
}

#[test]
fn replies_are_written_as_the_wire_wants_them() {
    assert_eq!(wire(&reply(250, "2.1.0", "Ok")), "250 2.1.0 Ok\r\n");
    assert_eq!(wire(&reply(354, "", "")), "354 \r\n");
    assert_eq!(
        wire(&reply(550, "5.7.1", "no\nnot ever")),
        "550-5.7.1 no\r\n550 5.7.1 not ever\r\n"
    );
}

#[test]
fn no_line_can_be_smuggled_into_a_reply() {
    let text = "a\r\n250 2.0.0 ok\rb\0c\u{85}\u{2028}\u{202e}d".to_owned();
    assert_eq!(
        wire(&reply(550, "5.7.1", text)),
        "550-5.7.1 a\r\n550 5.7.1 250 2.0.0 ok?b?c???d\r\n"
    );
}

#[test]
fn the_status_follows_the_code() {
    assert_eq!(wire(&reply(450, "5.1.1", "x")), "450 4.1.1 x\r\n");
    assert_eq!(wire(&reply(354, "5.1.1", "x")), "354 x\r\n");
}

#[test]
fn long_text_is_continued_within_the_line_limit() {
    let wide = "ä".repeat(2000);
    for text in [
        "word ".repeat(500),
        wide,
        " ".repeat(3000),
        "x".repeat(100_000),
    ] {
        let wire = wire(&reply(550, "5.7.1", text));
        assert!(
            wire.split_inclusive("\r\n")
                .all(|line| line.len() <= Reply::MAX_LINE && line.starts_with("550"))
        );
        assert!(wire.matches("550 ").count() == 1 && wire.len() < 2 * Reply::MAX_TEXT);
    }
}

#[test]
fn replies_of_any_shape_are_read() {
    let text = b"220 hi\r\n250-a\n250-b\n250 c\r\n250\r\n354-go\r\n250 2.0.0 queued\r\n550-5.1.1 no\r\n550 5.1.1 user\r\n421 2.0.0 x\r\n";
    for chunk in [1, 2, 3, text.len()] {
        let replies = read(text, chunk).unwrap();
        let shown: Vec<_> = replies.iter().map(ToString::to_string).collect();
        let want = [
            "220 hi",
            "250 a b c",
            "250 ",
            "250 go 2.0.0 queued",
            "550 5.1.1 no user",
            "421 2.0.0 x",
        ];
        let want = want.map(|line| line.replace("go 2.0.0 queued", "go queued"));
        assert_eq!(shown, want);
        assert_eq!(replies[4].enhanced(), "5.1.1".parse().ok());
        assert_eq!(
            replies[5].enhanced(),
            None,
            "a status of another class is text"
        );
    }
}

#[test]
fn what_is_no_reply_ends_the_reading() {
    for text in [
        "x\n",
        "25\n",
        "250x\n",
        "999 a\n",
        "100 a\n",
        "\r\n",
        "+50 a\n",
        "HTTP/1.1 200 OK\r\n",
    ] {
        assert_eq!(
            read(text.as_bytes(), 4),
            Err(ReadError::Malformed),
            "{text:?}"
        );
    }
    assert_eq!(
        read("250-more\r\n".repeat(10_000).as_bytes(), 1000),
        Err(ReadError::TooLong)
    );
    assert_eq!(read(&[b'2'; 100_000], 100), Err(ReadError::TooLong));
}

#[test]
fn replies_are_read_as_people_write_them() {
    let read = |text: &str| text.parse::<Reply>().map(|reply| wire(&reply));
    assert_eq!(read("550 5.1.1 no").as_deref(), Ok("550 5.1.1 no\r\n"));
    assert_eq!(read("334 ").as_deref(), Ok("334 \r\n"));
    assert_eq!(read("250 a\nb").as_deref(), Ok("250-a\r\n250 b\r\n"));
    assert_eq!(read("250"), read("250 "));
    for bad in ["", "25", "250x", "abc d", "ä50 x"] {
        assert_eq!(read(bad), Err(ReadError::Malformed));
    }
}

#[test]
fn statuses_are_strict() {
    for bad in [
        "", "2", "2.1", "2.1.", "3.0.0", "2.1.1000", "2.01.0", "2.+1.0", "2.1.0.0", "2.1.0 ",
    ] {
        assert!(bad.parse::<EnhancedStatus>().is_err(), "{bad:?}");
    }
    assert_eq!(
        "5.7.26".parse::<EnhancedStatus>().unwrap().to_string(),
        "5.7.26"
    );
}

proptest! {
    #[test]
    fn a_client_reads_what_a_server_wrote(code in 200u16..600, status in prop::option::of((0u16..9, 0u16..99)),
            text in "[ -~ä]{0,100}(\n[ -~ä]{0,100}){0,3}", chunk in 1usize..50) {
        let code = Code::new(code).unwrap();
        let class = u8::try_from(code.number() / 100).unwrap();
        let status = status.and_then(|(subject, detail)| EnhancedStatus::new(class, subject, detail));
        let plain = text.lines().all(|line| EnhancedStatus::parse_prefix(line).is_none());
        prop_assume!(plain);
        let reply = Reply::new(code, status, text);
        let mut out = Vec::new();
        reply.write_to(&mut out);
        prop_assert_eq!(read(&out, chunk), Ok(vec![reply]));
    }

    #[test]
    fn no_input_holds_more_than_the_bound(input in prop::collection::vec(any::<u8>(), 0..3000), chunk in 1usize..50) {
        let _ = read(&input, chunk);
    }
}
