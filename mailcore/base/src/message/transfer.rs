//! Content transfer encodings (RFC 2045 §6), undone piece by piece. Broken input never fails: what is no
//! encoding is skipped (base64) or kept as it is (quoted-printable).

/// A content transfer encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// 7bit, 8bit and binary: the bytes are what they are.
    #[default]
    Identity,
    /// One that nobody knows, or that cannot be read. The bytes stay as they are, whatever they mean.
    Unknown,
    /// base64 (RFC 2045 §6.8).
    Base64,
    /// quoted-printable (RFC 2045 §6.7).
    QuotedPrintable,
}

/// RFC 2045 §6.2: what encodes nothing.
const IDENTITY: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];

impl Encoding {
    /// The encoding of that name, in any case.
    pub fn parse(name: &[u8]) -> Encoding {
        if name.eq_ignore_ascii_case(b"base64") {
            Encoding::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Encoding::QuotedPrintable
        } else if IDENTITY
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            Encoding::Identity
        } else {
            Encoding::Unknown
        }
    }

    /// Decodes a text that is all there.
    pub fn decode(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut decoder = Decoder::new(self);
        decoder.feed(text, &mut out);
        decoder.finish(&mut out);
        out
    }
}

/// Undoes one encoding; whatever the cut of the pieces, the result is the same.
#[derive(Debug, Clone)]
pub struct Decoder(State);

#[derive(Debug, Clone)]
enum State {
    Identity,
    /// Bits not yet written, and how many there are.
    Base64(u32, u32),
    Quoted(Quoted),
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(encoding: Encoding) -> Decoder {
        Decoder(match encoding {
            Encoding::Identity | Encoding::Unknown => State::Identity,
            Encoding::Base64 => State::Base64(0, 0),
            Encoding::QuotedPrintable => State::Quoted(Quoted::default()),
        })
    }

    /// Decodes the next piece onto the end of `out`, which grows by no more than the piece and what is held.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Identity => out.extend_from_slice(piece),
            State::Base64(bits, count) => piece
                .iter()
                .for_each(|&byte| sextet(byte, bits, count, out)),
            State::Quoted(quoted) => quoted.feed(piece, out),
        }
    }

    /// The body ended: what was held comes out.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let State::Quoted(quoted) = &mut self.0 {
            quoted.end_escape(out);
            // The last line ends here, too (RFC 2045 §6.7 rule 3).
            if quoted.blanks.contains(&b'\r') {
                out.append(&mut quoted.blanks);
            }
            quoted.blanks.clear();
        }
    }
}

fn sextet(byte: u8, bits: &mut u32, count: &mut u32, out: &mut Vec<u8>) {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        // Padding ends a text; another may follow it.
        b'=' => {
            (*bits, *count) = (0, 0);
            return;
        }
        _ => return,
    };
    *bits = *bits << 6 | u32::from(value);
    *count += 6;
    if *count >= 8 {
        *count -= 8;
        out.push((*bits >> *count) as u8);
        *bits &= (1 << *count) - 1;
    }
}

/// White space held at most; more of it is surely not padding before a line end.
const MAX_BLANKS: usize = 1_000;

#[derive(Debug, Clone, Default)]
struct Quoted {
    /// White space, and a CR, that go if the line ends here (RFC 2045 §6.7 rule 3).
    blanks: Vec<u8>,
    escape: Escape,
}

/// How much of an escape was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    /// `=`
    Sign,
    /// `=` and a digit.
    Digit(u8),
    /// `=` and white space: a soft line break, if the line ends.
    Break,
}

impl Quoted {
    fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while let Some((&first, rest)) = piece.split_first() {
            let run = match self.escape {
                Escape::None => memchr::memchr2(b'=', b'\n', piece).unwrap_or(piece.len()),
                _ => 0,
            };
            let (run, behind) = piece.split_at(run);
            piece = match run.is_empty() {
                true => {
                    self.byte(first, out);
                    rest
                }
                false => {
                    self.run(run, out);
                    behind
                }
            };
        }
    }

    /// Octets without an escape or a line end.
    fn run(&mut self, run: &[u8], out: &mut Vec<u8>) {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r');
        let solid = run.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1);
        let (text, blanks) = run.split_at(solid);
        if self.blanks.len() + blanks.len() > MAX_BLANKS {
            return run.iter().for_each(|&byte| self.text(byte, out));
        }
        if !text.is_empty() {
            out.append(&mut self.blanks);
            out.extend_from_slice(text);
        }
        self.blanks.extend_from_slice(blanks);
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.escape, byte) {
            (Escape::None, _) => self.text(byte, out),
            (Escape::Sign | Escape::Break, b'\n') => self.escape = Escape::None,
            (Escape::Sign | Escape::Break, b' ' | b'\t' | b'\r') => self.escape = Escape::Break,
            (Escape::Sign, digit) if digit.is_ascii_hexdigit() => {
                self.escape = Escape::Digit(digit)
            }
            (Escape::Digit(high), low) if low.is_ascii_hexdigit() => {
                self.escape = Escape::None;
                out.push(hex(high) << 4 | hex(low));
            }
            _ => {
                self.end_escape(out);
                self.text(byte, out);
            }
        }
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b' ' | b'\t' | b'\r' if self.blanks.len() < MAX_BLANKS => {
                return self.blanks.push(byte);
            }
            b'\n' => {
                let crlf = self.blanks.last() == Some(&b'\r');
                self.blanks.clear();
                return out.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
            }
            _ => out.append(&mut self.blanks),
        }
        if byte == b'=' {
            self.escape = Escape::Sign
        } else {
            out.push(byte)
        }
    }

    /// What was read was no escape.
    fn end_escape(&mut self, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.escape) {
            Escape::None => {}
            Escape::Sign | Escape::Break => out.push(b'='),
            Escape::Digit(digit) => out.extend_from_slice(&[b'=', digit]),
        }
    }
}

/// The value of a hexadecimal digit; of anything else, nothing useful.
pub(super) fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_printable_in_runs_is_what_it_is_octet_by_octet(
            parts in proptest::collection::vec(prop_oneof![
                Just("=".to_owned()), Just("=C3".to_owned()), Just("=\r\n".to_owned()), Just("\r\n".to_owned()), Just("\n".to_owned()),
                Just(" ".to_owned()), Just("\t\r".to_owned()), Just("word".to_owned()),
                (990_usize..1_010).prop_map(|many| " ".repeat(many)),
            ], 0..12),
            piece in 1_usize..900,
        ) {
            let text = parts.concat();
            let decoded = |piece: usize| {
                let mut decoder = Decoder::new(Encoding::QuotedPrintable);
                let mut out = Vec::new();
                text.as_bytes().chunks(piece).for_each(|some| decoder.feed(some, &mut out));
                decoder.finish(&mut out);
                out
            };
            let mut quoted = Decoder(State::Quoted(Quoted::default()));
            let mut want = Vec::new();
            if let State::Quoted(quoted) = &mut quoted.0 {
                text.bytes().for_each(|byte| quoted.byte(byte, &mut want));
            }
            quoted.finish(&mut want);
            prop_assert_eq!(decoded(piece), want);
        }
    }
}
