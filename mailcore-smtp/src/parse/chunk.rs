//! The argument of BDAT (RFC 3030 §2).

use thiserror::Error;

/// `BDAT size [LAST]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Octets that follow the command line.
    pub size: u64,
    /// Whether the message ends with them.
    pub last: bool,
}

/// BDAT's argument cannot be understood, so nobody knows how many octets follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// The size is no number, or none that can be.
    #[error("bad chunk size")]
    Size,
    /// What follows the size is not `LAST`.
    #[error("bad end marker")]
    End,
}

impl Chunk {
    /// Reads the argument. The size is decimal digits alone, and must fit 63 bits.
    ///
    /// # Errors
    /// [`ChunkError`] for anything else: signs, other words, a size that overflows.
    pub fn parse(arguments: &str) -> Result<Self, ChunkError> {
        let mut words = arguments.split([' ', '\t']).filter(|word| !word.is_empty());
        let size = words.next().and_then(number).ok_or(ChunkError::Size)?;
        let last = match (words.next(), words.next()) {
            (None, _) => false,
            (Some(word), None) if word.eq_ignore_ascii_case("last") => true,
            _ => return Err(ChunkError::End),
        };
        Ok(Self { size, last })
    }
}

/// A number of decimal digits alone; `parse` would take a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|&n| digits && n <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_digits_and_perhaps_last() {
        assert_eq!(
            Chunk::parse("0"),
            Ok(Chunk {
                size: 0,
                last: false
            })
        );
        assert_eq!(
            Chunk::parse("86  last"),
            Ok(Chunk {
                size: 86,
                last: true
            })
        );
        for bad in [
            "",
            "x",
            "-1",
            "+1",
            "1 LAST X",
            "1 X",
            "LAST",
            "0x10",
            "1.0",
            "99999999999999999999",
            "9223372036854775808",
        ] {
            assert!(Chunk::parse(bad).is_err(), "{bad}");
        }
    }
}
