//! The words of a line: between TABs, with an escape for what must not stand in one. No word's meaning is known here.

use thiserror::Error;

/// The octet that escapes another.
const ESCAPE: u8 = 1;

/// A line that is none of this protocol's. The words say what is wrong, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// The words of a line, one after another, escapes taken off.
#[derive(Clone, Debug)]
pub struct Words<'l>(Option<&'l [u8]>);

impl<'l> Words<'l> {
    /// The words of a line without its line end.
    pub fn of(line: &'l [u8]) -> Self {
        Self(Some(line))
    }

    /// The next word as it stands.
    fn raw(&mut self) -> Option<&'l [u8]> {
        let rest = self.0?;
        match memchr(b'\t', rest) {
            Some(at) => {
                self.0 = rest.get(at + 1..);
                rest.get(..at)
            }
            None => self.0.take(),
        }
    }

    /// The next word.
    ///
    /// # Errors
    /// [`Malformed`] with `missing` where there is none, and where it is not UTF-8 or holds a NUL.
    pub fn word(&mut self, missing: &'static str) -> Result<String, Malformed> {
        text(self.raw().ok_or(Malformed(missing))?)
    }

    /// The next word as a number that names an exchange: never zero.
    ///
    /// # Errors
    /// [`Malformed`] with `broken` where it is none.
    pub fn id(&mut self, broken: &'static str) -> Result<u32, Malformed> {
        let digits = self.raw().unwrap_or_default();
        number(digits)
            .filter(|id| *id != 0)
            .ok_or(Malformed(broken))
    }

    /// What is left, as parameters.
    pub fn parameters(self) -> Parameters<'l> {
        Parameters(self)
    }

    /// What is left, as it stands.
    pub(super) fn rest(self) -> Option<&'l [u8]> {
        self.0
    }
}

/// Parameters: `name=value`, or a name alone.
#[derive(Clone, Debug)]
pub struct Parameters<'l>(Words<'l>);

impl Iterator for Parameters<'_> {
    /// Name and value; no value where there is no `=`.
    type Item = Result<(String, Option<String>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let raw = self.0.raw()?;
            // Dovecot puts a TAB in front of fields even where none follow.
            if raw.is_empty() {
                continue;
            }
            return Some(text(raw).map(|word| match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word, None),
            }));
        }
    }
}

/// Decimal digits alone, as a number.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

fn memchr(octet: u8, within: &[u8]) -> Option<usize> {
    within.iter().position(|b| *b == octet)
}

/// A word with its escapes taken off. A NUL or a line break may stand in no name, and in no value either: whoever
/// escapes one wants another program further on to read it as something else.
fn text(raw: &[u8]) -> Result<String, Malformed> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut octets = raw.iter();
    while let Some(octet) = octets.next() {
        plain.push(match (*octet, octet == &ESCAPE) {
            (other, false) => other,
            (_, true) => match octets.next() {
                Some(b'0') => 0,
                Some(b'1') => ESCAPE,
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(other) => *other,
                None => return Err(Malformed("an escape without anything behind it")),
            },
        });
    }
    let word = String::from_utf8(plain).map_err(|_| Malformed("not in UTF-8"))?;
    match word.contains('\0') {
        true => Err(Malformed("a NUL")),
        false => Ok(word),
    }
}

/// Writes a word with a TAB in front of it.
pub(super) fn write_word(out: &mut Vec<u8>, word: &str) {
    out.push(b'\t');
    write_escaped(out, word);
}

/// Writes a parameter with a TAB in front of it.
pub(super) fn write_parameter(out: &mut Vec<u8>, name: &str, value: &str) {
    write_word(out, name);
    out.push(b'=');
    write_escaped(out, value);
}

fn write_escaped(out: &mut Vec<u8>, word: &str) {
    for octet in word.bytes() {
        let letter = match octet {
            0 => b'0',
            ESCAPE => b'1',
            b'\t' => b't',
            b'\r' => b'r',
            b'\n' => b'n',
            other => {
                out.push(other);
                continue;
            }
        };
        out.extend([ESCAPE, letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        let id = |word: &str| Words::of(word.as_bytes()).id("no id");
        assert_eq!(id("4294967295"), Ok(u32::MAX));
        for bad in ["", "0", "+1", "-1", "1 ", "0x1", "4294967296", "00"] {
            assert_eq!(id(bad), Err(Malformed("no id")), "{bad:?}");
        }
    }

    #[test]
    fn an_escaped_nul_and_half_an_escape_are_no_word() {
        for bad in [&b"a\x010"[..], b"a\x01", b"\xff"] {
            assert!(Words::of(bad).word("missing").is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_and_breaks_no_line(
            pairs in proptest::collection::vec(("[a-z]{1,8}", "[^\0]{0,40}"), 0..5),
        ) {
            let mut line = b"OK".to_vec();
            for (name, value) in &pairs {
                write_parameter(&mut line, name, value);
            }
            prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
            let mut words = Words::of(&line);
            prop_assert_eq!(words.word("").unwrap(), "OK");
            let read: Vec<_> = words.parameters().map(|p| p.unwrap()).collect();
            let written: Vec<_> = pairs.into_iter().map(|(n, v)| (n, Some(v))).collect();
            prop_assert_eq!(read, written);
        }
    }
}
