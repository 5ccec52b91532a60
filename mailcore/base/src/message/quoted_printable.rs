//! Quoted-printable, written piece by piece (RFC 2045 §6.7).

/// Octets of a line, without the `=` that breaks it.
const LONGEST_LINE: usize = 75;

/// Encodes one body; whatever the cut of the pieces, the result is the same. CRLF stays a line end and LF alone becomes
/// one, as everywhere on the way out; CR alone is an octet like others.
#[derive(Debug, Clone, Default)]
pub(super) struct Encoder {
    column: usize,
    /// A blank, or CR, or a blank and CR: what they become the next octet tells.
    held: Vec<u8>,
}

impl Encoder {
    /// Encodes the next piece onto the end of `out`.
    pub(super) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for octet in piece {
            match (*octet, self.held.last()) {
                (b'\n', before) => {
                    if before == Some(&b'\r') {
                        self.held.pop();
                    }
                    // A blank at the end of a line would be lost.
                    self.escape_held(out);
                    out.extend_from_slice(b"\r\n");
                    self.column = 0;
                }
                (b'\r', Some(b'\r')) => {
                    self.escape_held(out);
                    self.held.push(b'\r');
                }
                (b'\r', _) => self.held.push(b'\r'),
                (b' ' | b'\t', _) => {
                    self.release(out);
                    self.held.push(*octet);
                }
                (octet, _) => {
                    self.release(out);
                    self.put(octet, out);
                }
            }
        }
    }

    /// The body is complete; the next one may begin.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.escape_held(out);
        self.column = 0;
    }

    /// What was held is followed by something else in its line.
    fn release(&mut self, out: &mut Vec<u8>) {
        match self.held.as_slice() {
            [blank @ (b' ' | b'\t')] => {
                let blank = *blank;
                self.held.clear();
                self.token(&[blank], out);
            }
            _ => self.escape_held(out),
        }
    }

    fn escape_held(&mut self, out: &mut Vec<u8>) {
        for octet in std::mem::take(&mut self.held) {
            self.escape(octet, out);
        }
    }

    fn put(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            b'!'..=b'~' if octet != b'=' => self.token(&[octet], out),
            octet => self.escape(octet, out),
        }
    }

    fn escape(&mut self, octet: u8, out: &mut Vec<u8>) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
        self.token(&[b'=', digit(octet >> 4), digit(octet & 15)], out);
    }

    fn token(&mut self, token: &[u8], out: &mut Vec<u8>) {
        if self.column + token.len() > LONGEST_LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        out.extend_from_slice(token);
        self.column += token.len();
    }
}

#[cfg(test)]
mod tests {
    use super::super::transfer::Encoding;
    use super::*;
    use proptest::prelude::*;

    fn encoded(body: &[u8], cut: usize) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::default(), Vec::new());
        for piece in body.chunks(cut) {
            encoder.feed(piece, &mut out);
            assert!(encoder.held.len() <= 2, "all that may be held");
        }
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn only_what_has_to_be_is_escaped() {
        for (body, expected) in [
            (&b"plain text\r\n"[..], &b"plain text\r\n"[..]),
            (b"a = b\r\n", b"a =3D b\r\n"),
            (b"end \r\n\t\r\n", b"end=20\r\n=09\r\n"),
            (b"end ", b"end=20"),
            (b"a  b", b"a  b"),
            ("f\u{fc}r".as_bytes(), b"f=C3=BCr"),
            (b"a\rb \nc\r\r\n\r", b"a=0Db=20\r\nc=0D\r\n=0D"),
            (b"a \rb", b"a=20=0Db"),
        ] {
            assert_eq!(
                encoded(body, 1).escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_line_is_broken_where_it_is_too_long_and_nowhere_else() {
        let line = "x".repeat(LONGEST_LINE);
        let lines = format!("{line}\r\n{line}\r\n");
        assert_eq!(encoded(lines.as_bytes(), 1), lines.as_bytes());
        let (longer, broken) = (format!("{line}x"), format!("{line}=\r\nx"));
        assert_eq!(encoded(longer.as_bytes(), 1), broken.as_bytes());
        let (longer, broken) = (format!("{line}="), format!("{line}=\r\n=3D"));
        assert_eq!(encoded(longer.as_bytes(), 1), broken.as_bytes());
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_back_however_it_is_cut(
            body in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'\r'), Just(b'\n'), Just(b'x')], 0..400),
            cut in 1..50_usize,
        ) {
            let out = encoded(&body, cut);
            prop_assert_eq!(&out, &encoded(&body, body.len().max(1)));
            prop_assert!(out.is_ascii());
            prop_assert!(out.split(|it| *it == b'\n').all(|line| line.len() <= LONGEST_LINE + 2));
            let mut lines = body.clone();
            for at in (0..body.len()).rev().filter(|at| body[*at] == b'\n') {
                if at == 0 || body[at - 1] != b'\r' {
                    lines.insert(at, b'\r');
                }
            }
            prop_assert_eq!(Encoding::QuotedPrintable.decode(&out), lines);
        }
    }
}
