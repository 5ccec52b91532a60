//! Content on its way out: every line ends in CRLF and nothing else does, dots are doubled, long lines are broken.
//!
//! Pure: it knows nothing of commands. It writes the same however the content is cut into pieces.

const CRLF: &[u8] = b"\r\n";

/// Where content goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// To DATA: leading dots are doubled (RFC 5321 §4.5.2).
    Dots,
    /// To BDAT: as it is (RFC 3030).
    Chunks,
}

/// Writes content, from the first octet to the last.
#[derive(Debug)]
pub(super) struct Encoder {
    framing: Framing,
    /// Octets that a line may have.
    limit: usize,
    /// Octets of the line that is being written.
    column: usize,
    /// The last octet was a CR; what it is the next one tells.
    cr: bool,
}

impl Encoder {
    pub(super) fn new(framing: Framing, limit: Option<usize>) -> Self {
        Self {
            framing,
            // A line of the space that continues it, and nothing else, would never end.
            limit: limit.map_or(usize::MAX, |limit| limit.max(2)),
            column: 0,
            cr: false,
        }
    }

    /// At most so many octets are written for `n` of content, with [`finish`](Self::finish).
    #[cfg(test)]
    pub(super) fn most(&self, n: usize) -> usize {
        (n + 2) * 2 + 3 * (n / (self.limit - 1) + 1)
    }

    /// Writes the next piece.
    pub(super) fn write(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while let Some(first) = piece.first() {
            if std::mem::take(&mut self.cr) {
                if *first == b'\n' {
                    self.end_line(out);
                    piece = piece.get(1..).unwrap_or_default();
                    continue;
                }
                self.put(b" ", out);
            }
            let end = memchr::memchr2(b'\r', b'\n', piece).unwrap_or(piece.len());
            let (run, rest) = piece.split_at_checked(end).unwrap_or((piece, &[]));
            self.put(run, out);
            // RFC 5321 §2.3.8: CR and LF go together only. An LF alone was meant to end a line; a CR alone, which
            // somebody further on might take for one, becomes a space (Postfix: cleanup_replace_stray_cr_lf).
            match rest.first() {
                Some(b'\r') => self.cr = true,
                Some(_) => self.end_line(out),
                None => {}
            }
            piece = rest.get(1..).unwrap_or_default();
        }
    }

    /// The content is complete: its last line is made to end.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            self.put(b" ", out);
        }
        if self.column > 0 {
            self.end_line(out);
        }
        if self.framing == Framing::Dots {
            out.extend_from_slice(b".\r\n");
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(CRLF);
        self.column = 0;
    }

    /// Octets of one line.
    fn put(&mut self, mut run: &[u8], out: &mut Vec<u8>) {
        while !run.is_empty() {
            if self.column == 0 && self.framing == Framing::Dots && run.first() == Some(&b'.') {
                out.push(b'.');
            }
            // RFC 5321 §4.5.3.1.6: longer lines are broken so that a header field stays one (Postfix:
            // smtp_line_length_limit).
            if self.column >= self.limit {
                out.extend_from_slice(b"\r\n ");
                self.column = 1;
            }
            let fits = run.len().min(self.limit - self.column);
            let (now, rest) = run.split_at_checked(fits).unwrap_or((run, &[]));
            out.extend_from_slice(now);
            self.column = self.column.saturating_add(now.len());
            run = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(content: &[u8], framing: Framing, limit: Option<usize>, cut: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(framing, limit);
        let (most, mut out) = (encoder.most(content.len()), Vec::new());
        content
            .chunks(cut)
            .for_each(|piece| encoder.write(piece, &mut out));
        encoder.finish(&mut out);
        assert!(out.len() <= most + 3, "{} for {}", out.len(), content.len());
        out
    }

    fn shown(content: &str, limit: usize) -> String {
        String::from_utf8(encode(content.as_bytes(), Framing::Dots, Some(limit), 3)).unwrap()
    }

    #[test]
    fn dots_are_doubled_where_lines_begin_and_nowhere_else() {
        assert_eq!(shown(".\r\n..a\r\nb.\r\n", 99), "..\r\n...a\r\nb.\r\n.\r\n");
        assert_eq!(shown("", 99), ".\r\n");
        assert_eq!(shown("no end", 99), "no end\r\n.\r\n");
    }

    #[test]
    fn no_other_line_end_goes_out() {
        assert_eq!(shown("a\nb\rc\r\r\nd\r", 99), "a\r\nb c \r\nd \r\n.\r\n");
        assert_eq!(shown("a\n.\nb\r.\r\n", 99), "a\r\n..\r\nb .\r\n.\r\n");
        assert_eq!(shown("\r.\r\n", 99), " .\r\n.\r\n");
    }

    #[test]
    fn a_long_line_is_broken_as_a_folded_header_is() {
        assert_eq!(shown("abcdef\r\n", 4), "abcd\r\n ef\r\n.\r\n");
        assert_eq!(shown("abcd\r\n", 4), "abcd\r\n.\r\n");
        assert_eq!(shown("abcdefgh", 4), "abcd\r\n efg\r\n h\r\n.\r\n");
        assert_eq!(shown("....", 2), "...\r\n .\r\n .\r\n.\r\n");
    }

    /// What a server takes out of it again.
    fn decode(wire: &str) -> Option<String> {
        let body = wire.strip_suffix(".\r\n")?;
        let lines = body.split_inclusive("\r\n");
        let unstuffed = lines.map(|line| line.strip_prefix('.').unwrap_or(line));
        Some(unstuffed.collect())
    }

    proptest! {
        #[test]
        fn what_is_stuffed_comes_out_again(content in "((\\.|[ab]|\0|ä){0,6}\r\n){0,12}", cut in 1usize..20) {
            let wire = encode(content.as_bytes(), Framing::Dots, None, cut);
            prop_assert_eq!(decode(std::str::from_utf8(&wire).unwrap()), Some(content.clone()));
            let chunk = encode(content.as_bytes(), Framing::Chunks, None, cut);
            prop_assert_eq!(chunk, content.as_bytes());
        }

        #[test]
        fn nothing_in_it_ends_the_data_early(content in "[\r\n.a]{0,40}", cut in 1usize..9, limit in 2usize..9) {
            let wire = encode(content.as_bytes(), Framing::Dots, Some(limit), cut);
            let text = String::from_utf8(wire).unwrap();
            prop_assert_eq!(&text, &shown(&content, limit));
            let ends = format!("\r\n{text}");
            prop_assert_eq!(ends.find("\r\n.\r\n"), Some(ends.len() - 5));
            let bare = text.replace("\r\n", "");
            prop_assert!(!bare.contains(['\r', '\n']));
            prop_assert!(text.split("\r\n").all(|line| line.len() <= limit + 1));
        }
    }
}
