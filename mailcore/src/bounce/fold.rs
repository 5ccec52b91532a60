//! Lines of reports: whatever is said becomes one line, cleaned, bounded and folded, so that nothing a peer says can
//! begin a field, a part or a message of its own.

use mailcore_base::envelope::breaks_line;

/// Octets of a line that folding aims at (RFC 5322 §2.1.1).
const WIDTH: usize = 78;
/// Octets of one word that are left in one piece, so that no line is ever longer than 998 (RFC 5322 §2.1.1).
const LONGEST_WORD: usize = 900;
/// Octets of one line of text that are kept, the longest addresses among them: there may be thousands of such lines.
const LONGEST: usize = 4096;
/// What a folded line goes on with. It is no blank line, and begins neither field nor boundary.
const FOLD: &[u8] = b"\r\n    ";

/// Which characters a line may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// US-ASCII; everything else becomes `?`.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// Writes one line of text, folded where it is long, with its CRLF.
pub(super) fn write_line(text: &str, charset: Charset, out: &mut Vec<u8>) {
    let clean = clean(text, charset);
    let mut column = 0;
    for word in clean.split(' ').filter(|w| !w.is_empty()) {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.extend_from_slice(FOLD);
            column = FOLD.len() - 2;
        } else if column > 0 {
            out.push(b' ');
            column += 1;
        }
        column += write_word(word, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a word, in pieces where it is longer than a line may be; says how long the last one is.
fn write_word(word: &str, out: &mut Vec<u8>) -> usize {
    let mut rest = word;
    while rest.len() > LONGEST_WORD {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(LONGEST_WORD));
        out.extend_from_slice(piece.as_bytes());
        out.extend_from_slice(FOLD);
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    rest.len()
}

fn clean(text: &str, charset: Charset) -> String {
    let text = text
        .get(..text.floor_char_boundary(LONGEST))
        .unwrap_or(text);
    let safe = |c: char| match c {
        // A reply of several lines.
        '\n' | '\r' | '\t' => ' ',
        c if breaks_line(c) || (charset == Charset::Ascii && !c.is_ascii()) => '?',
        c => c,
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str, charset: Charset) -> String {
        let mut out = Vec::new();
        write_line(text, charset, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn long_lines_are_folded_at_spaces() {
        let text = "<y@relay.test>: host 127.0.0.1[127.0.0.1] said: 500 5.3.0 Error: command failed (in reply to RCPT TO command)";
        assert_eq!(
            line(text, Charset::Ascii),
            "<y@relay.test>: host 127.0.0.1[127.0.0.1] said: 500 5.3.0 Error: command\r\n    failed (in reply to RCPT TO command)\r\n"
        );
        assert_eq!(line("a ä b", Charset::Ascii), "a ? b\r\n");
        assert_eq!(line("a ä b", Charset::Utf8), "a ä b\r\n");
        assert_eq!(line("", Charset::Utf8), "\r\n");
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_begins_a_line(text in "(\\PC|[\r\n\t \u{0}--]){0,6000}", ascii: bool) {
            let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
            let line = line(&format!("Field: {text}"), charset);
            let body = line.strip_suffix("\r\n").unwrap();
            for (n, line) in body.split("\r\n").enumerate() {
                prop_assert!(!line.contains(['\r', '\n', '\0']));
                prop_assert!(line.len() <= 998, "{}", line.len());
                prop_assert!(n == 0 || line.starts_with("    ") && !line.trim().is_empty());
            }
            prop_assert!(!ascii || line.is_ascii());
        }
    }
}
