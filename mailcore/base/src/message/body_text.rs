//! BODY out of BODYSTRUCTURE: the same text without its extension data (RFC 3501 §7.4.2), so that one kept text answers
//! both. It knows the text by its grammar alone and does not recurse.

use memchr::memchr;

/// Parts within parts; what is deeper is no structure of ours.
const DEEPEST: usize = 1000;

/// Writes the BODY of a BODYSTRUCTURE that [`write_structure`](super::write_structure) wrote; says whether it was one.
/// What stands in `out` otherwise is of no use.
pub fn write_body_of(structure: &[u8], out: &mut Vec<u8>) -> bool {
    Cut {
        text: structure,
        at: 0,
    }
    .bodies(out)
    .is_some()
}

/// A body whose front has been written.
enum Within {
    /// Its parts are being read.
    Multipart,
    /// The message in it is.
    Message,
}

struct Cut<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cut<'t> {
    fn bodies(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let mut open = Vec::new();
        loop {
            // At a body.
            self.expect(b'(')?;
            out.push(b'(');
            if open.len() > DEEPEST {
                return None;
            }
            if self.peek()? == b'(' {
                open.push(Within::Multipart);
                continue;
            }
            if self.single(out)? {
                open.push(Within::Message);
                continue;
            }
            self.leave(out)?;
            // Behind a body: what it is in goes on, or ends too.
            loop {
                match open.last() {
                    None => return (self.at == self.text.len()).then_some(()),
                    Some(Within::Multipart) if self.peek()? == b'(' => break,
                    Some(_) => {
                        // The subtype, or the lines.
                        self.copy(out)?;
                        self.leave(out)?;
                        open.pop();
                    }
                }
            }
        }
    }

    /// What a part that is none of parts says of itself; whether a message in it follows.
    fn single(&mut self, out: &mut Vec<u8>) -> Option<bool> {
        let kind = self.element()?;
        out.extend_from_slice(kind);
        for _ in 0..6 {
            self.copy(out)?;
        }
        if self.text.get(self.at..self.at + 2) == Some(b" (") {
            self.copy(out)?; // the envelope
            self.expect(b' ')?;
            out.push(b' ');
            return Some(true);
        }
        if kind.eq_ignore_ascii_case(b"\"text\"") {
            self.copy(out)?;
        }
        Some(false)
    }

    /// One more element with the space in front of it.
    fn copy(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.expect(b' ')?;
        out.push(b' ');
        out.extend_from_slice(self.element()?);
        Some(())
    }

    /// Passes over the extension data, to the end of the body.
    fn leave(&mut self, out: &mut Vec<u8>) -> Option<()> {
        while self.peek()? == b' ' {
            self.at += 1;
            self.element()?;
        }
        self.expect(b')')?;
        out.push(b')');
        Some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string, an atom, or a list with all that is in it.
    fn element(&mut self) -> Option<&'t [u8]> {
        let (start, mut depth) = (self.at, 0usize);
        loop {
            match self.peek()? {
                b'(' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b' ' if depth > 0 => self.at += 1,
                b' ' => return None,
                b'"' => self.quoted()?,
                b'{' => self.literal()?,
                _ => self.atom(),
            }
            if depth == 0 {
                return self.text.get(start..self.at);
            }
        }
    }

    fn quoted(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let step = match self.peek()? {
                b'"' => break,
                b'\\' => 2,
                _ => 1,
            };
            self.at += step;
        }
        self.at += 1;
        Some(())
    }

    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at + 1..)?;
        let end = memchr(b'}', rest)?;
        let digits = std::str::from_utf8(rest.get(..end)?).ok()?;
        let length: usize = digits.parse().ok()?;
        let behind = rest.get(end + 1..)?.strip_prefix(b"\r\n")?;
        if behind.len() < length {
            return None;
        }
        self.at += 1 + end + 3 + length;
        Some(())
    }

    fn atom(&mut self) {
        while self
            .peek()
            .is_some_and(|b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'{'))
        {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Structure, write_structure};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_is_its_structure_without_extensions(
            lines in proptest::collection::vec(prop_oneof![
                Just("Content-Type: multipart/mixed; boundary=x"), Just("Content-Type: multipart/digest; boundary=y"),
                Just("Content-Type: message/rfc822"), Just("Content-Type: text/html; charset=utf-8; name=\"(\\\"\""),
                Just("Content-Disposition: attachment; filename=\"a)b\""), Just("Content-Description: ä (\" {3}"),
                Just("Content-Language: de, en"), Just("Content-Type: image/png"), Just("Content-MD5: Q2hlY2s="),
                Just("Subject: \"quoted\\\\ (x\" é"), Just(""), Just("--x"), Just("--y"), Just("--x--"), Just("--y--"),
            ], 0..40),
        ) {
            let message = lines.join("\r\n").into_bytes();
            let structure = Structure::of(&message);
            let (mut extended, mut want, mut body) = (Vec::new(), Vec::new(), Vec::new());
            write_structure(&structure, true, &mut extended);
            write_structure(&structure, false, &mut want);
            prop_assert!(write_body_of(&extended, &mut body), "{}", String::from_utf8_lossy(&extended));
            prop_assert_eq!(String::from_utf8_lossy(&body), String::from_utf8_lossy(&want));
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(prop_oneof![
            Just("("), Just(")"), Just(" "), Just("\""), Just("{1}\r\n"), Just("{99999999999999999999}\r\n"), Just("NIL"), Just("\\"),
        ], 0..30)) {
            write_body_of(text.concat().as_bytes(), &mut Vec::new());
        }
    }
}
