//! Dot-stuffing (RFC 1939 §3), and where TOP ends: in bulk, whatever pieces a message comes in.

/// How much of a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// The header, its empty line, and so many lines of the body.
    Header(u64),
    /// So many further lines.
    Lines(u64),
    /// No more.
    Enough,
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Stuffing {
    extent: Extent,
    /// The last two octets sent; a message begins as if behind an empty line.
    tail: [u8; 2],
    /// The line that is going on has had something in it besides a CR.
    filled: bool,
}

impl Stuffing {
    /// The whole message, or its header and so many `lines` of its body.
    pub(super) fn new(lines: Option<u64>) -> Self {
        Self {
            extent: lines.map_or(Extent::Whole, Extent::Header),
            tail: *b"\r\n",
            filled: false,
        }
    }

    /// Nothing more of the message is wanted.
    pub(super) fn enough(&self) -> bool {
        self.extent == Extent::Enough
    }

    /// Writes the next piece.
    pub(super) fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let until = self.cut(piece);
        let piece = piece.get(..until).unwrap_or(piece);
        self.stuff(piece, out);
    }

    /// Ends the message: its last line is ended, and the lone dot follows.
    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        if self.tail != *b"\r\n" {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }

    /// How much of the piece is wanted.
    fn cut(&mut self, piece: &[u8]) -> usize {
        if self.extent == Extent::Whole {
            return piece.len();
        }
        let mut at = 0;
        while !self.enough() {
            let rest = piece.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.filled |= rest.iter().any(|b| *b != b'\r');
                return piece.len();
            };
            let line = rest.get(..end).unwrap_or_default();
            self.filled |= line.iter().any(|b| *b != b'\r');
            at += end + 1;
            self.line_ended();
        }
        at
    }

    fn line_ended(&mut self) {
        let empty = !std::mem::take(&mut self.filled);
        self.extent = match self.extent {
            Extent::Header(0) if empty => Extent::Enough,
            Extent::Header(lines) if empty => Extent::Lines(lines),
            Extent::Lines(0 | 1) => Extent::Enough,
            Extent::Lines(lines) => Extent::Lines(lines - 1),
            extent => extent,
        };
    }

    /// Copies the piece, a dot put in front of every dot that begins a line.
    fn stuff(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.tail[1] == b'\n' && piece.first() == Some(&b'.') {
            out.push(b'.');
        }
        let mut from = 0;
        // Behind any LF, bare ones included: no client must see an end where there is none.
        for at in memchr::memmem::find_iter(piece, b"\n.") {
            let until = at + 1;
            out.extend_from_slice(piece.get(from..until).unwrap_or_default());
            out.push(b'.');
            from = until;
        }
        out.extend_from_slice(piece.get(from..).unwrap_or_default());
        match piece {
            [.., a, b] => self.tail = [*a, *b],
            [b] => self.tail = [self.tail[1], *b],
            [] => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(message: &[u8], lines: Option<u64>, chunk: usize) -> Vec<u8> {
        let mut stuffing = Stuffing::new(lines);
        let mut out = Vec::new();
        for piece in message.chunks(chunk) {
            stuffing.write(piece, &mut out);
        }
        stuffing.finish(&mut out);
        out
    }

    /// What a client makes of it: lines until the lone dot, leading dots taken off.
    fn received(mut wire: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        loop {
            let end = memchr::memmem::find(wire, b"\r\n").unwrap();
            let (line, rest) = wire.split_at(end);
            wire = &rest[2..];
            if line == b"." {
                assert!(wire.is_empty(), "an end in the middle");
                return message;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            message.extend_from_slice(b"\r\n");
        }
    }

    proptest! {
        #[test]
        fn a_client_receives_what_was_sent(
            lines in proptest::collection::vec("[.a\r]{0,4}", 0..8), chunk in 1usize..9,
        ) {
            let message = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            // A CR at the end of a line cannot be told from the line's end by a client.
            prop_assume!(!message.contains("\r\r\n"));
            let wire = sent(message.as_bytes(), None, chunk);
            prop_assert_eq!(received(&wire), message.as_bytes());
        }

        #[test]
        fn pieces_make_no_difference(
            message in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'a')], 0..40),
            lines in proptest::option::of(0u64..5), chunk in 1usize..9,
        ) {
            prop_assert_eq!(sent(&message, lines, chunk), sent(&message, lines, 1_000));
        }
    }

    #[test]
    fn top_ends_behind_its_lines() {
        let message = b"A: b\r\n c\r\n\r\none\r\n\r\nthree";
        let top = |lines| String::from_utf8(sent(message, Some(lines), 3)).unwrap();
        assert_eq!(top(0), "A: b\r\n c\r\n\r\n.\r\n");
        assert_eq!(top(1), "A: b\r\n c\r\n\r\none\r\n.\r\n");
        assert_eq!(top(2), "A: b\r\n c\r\n\r\none\r\n\r\n.\r\n");
        assert_eq!(top(3), "A: b\r\n c\r\n\r\none\r\n\r\nthree\r\n.\r\n");
        assert_eq!(top(u64::MAX), top(3));
    }

    #[test]
    fn a_bare_lf_does_not_end_the_message_early() {
        assert_eq!(sent(b"a\n.\r\nb\r\n", None, 2), b"a\n..\r\nb\r\n.\r\n");
    }
}
