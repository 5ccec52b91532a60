//! The content of a message: where it ends, and what of it is handed out.

#[allow(unreachable_pub)]
mod support;

use mailcore_smtp::server::Welcome;
use proptest::prelude::*;
use support::{Rig, Travel, WHOLE, smtp};

const OPENED: &[u8] = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<x@example.org>\r\nDATA\r\n";

/// A session that has got as far as 354.
fn in_data(travel: Travel) -> Rig {
    let mut rig = Rig::new(smtp(), Welcome::default(), travel);
    rig.send(b"EHLO c.test\r\n");
    assert!(rig.send(OPENED).ends_with("<CR><LF>.<CR><LF>\r\n"));
    rig
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_a_message() {
    let false_ends = [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\n.\r",
        "\r.\n",
        "\r\n.\r\r\n",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\r\n. \r\n",
        "\r\n.\u{85}",
        "\n\n.\n\n",
        "\r\n\r.\r\n",
    ];
    for end in false_ends {
        let smuggled = format!(
            "A: b\r\n\r\ntext{end}MAIL FROM:<evil@b.test>\r\nRCPT TO:<y@example.org>\r\nDATA\r\n"
        );
        for split in 0..smuggled.len() {
            let mut rig = in_data(Travel {
                chunk: split.max(1),
                seed: 0,
            });
            // One cut at any place, then the rest as it comes.
            assert_eq!(rig.send(&smuggled.as_bytes()[..split]), "", "{end:?}");
            assert_eq!(rig.send(&smuggled.as_bytes()[split..]), "", "{end:?}");
            assert_eq!(rig.send(b"\r\n.\r\n"), "250 2.0.0 Ok: queued as ID\r\n");
            assert_eq!(rig.desk.seen.len(), 1);
            let bare = rig.desk.seen[0].replace("\\r\\n", "");
            assert!(!bare.contains("\\r") && !bare.contains("\\n"), "{bare}");
        }
    }
}

#[test]
fn dots_are_unstuffed_at_line_starts_alone() {
    let mut rig = in_data(WHOLE);
    rig.send(b"..a\r\nb..\r\n...\r\n.c\r\n\r\n..\r\n.\r\n");
    assert!(rig.desk.seen[0].ends_with(": .a\\r\\nb..\\r\\n..\\r\\nc\\r\\n\\r\\n.\\r\\n"));
}

/// The same, as plainly as it can be said: line by line, whatever ends a line; `None` if the data has no end.
fn plainly(sent: &str) -> Option<String> {
    let (mut rest, mut content, mut strict) = (sent, String::new(), true);
    loop {
        if strict && rest.starts_with(".\r\n") {
            return Some(content);
        }
        let (line, behind) = rest.split_once('\n')?;
        rest = behind;
        strict = line.ends_with('\r');
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.strip_prefix('.').unwrap_or(line).replace('\r', " ");
        content += &format!("{line}\r\n");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn content_is_as_defined(sent in "(\r\n|[\r\n.ab]){0,24}", chunk in 1usize..30, seed: u64) {
        let sent = format!("{sent}\r\n.\r\n");
        let mut rig = in_data(Travel { chunk, seed });
        rig.send(sent.as_bytes());
        let content = plainly(&sent).unwrap();
        let want = format!("message a@b.test > x@example.org: {}", content.escape_default());
        prop_assert_eq!(rig.desk.seen.first(), Some(&want));
    }

    #[test]
    fn chunks_may_be_cut_anywhere(
        sent in "(\r\n|[\r\n.ab]){0,24}",
        cuts in prop::collection::vec(1usize..8, 1..24),
        chunk in 1usize..30,
        seed: u64,
    ) {
        let mut rig = Rig::new(smtp(), Welcome::default(), Travel { chunk, seed });
        rig.send(b"EHLO c.test\r\n");
        rig.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<x@example.org>\r\n");
        let mut rest = sent.as_bytes();
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            rest = behind;
            if !piece.is_empty() {
                let said = rig.send(&[format!("BDAT {}\r\n", piece.len()).as_bytes(), piece].concat());
                prop_assert_eq!(said, format!("250 2.0.0 Ok: {} bytes\r\n", piece.len()));
            }
        }
        rig.send(&[format!("BDAT {} LAST\r\n", rest.len()).as_bytes(), rest].concat());
        let content = sent.replace("\r\n", "\n").replace('\r', " ").replace('\n', "\r\n");
        let want = format!("message a@b.test > x@example.org: {}", content.escape_default());
        prop_assert_eq!(rig.desk.seen.first(), Some(&want));
    }
}
