//! The form of unique ids (Dovecot: `pop3_uidl_format`).

use mailcore_base::mailbox::{Uid, UidValidity};
use std::fmt::Write;

/// How unique ids are made of UID and UIDVALIDITY. The default is Dovecot's, `%08Xu%08Xv`: clients that knew a
/// mailbox there know it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidlFormat {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(char),
    Number {
        what: What,
        width: usize,
        zeros: bool,
        hex: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Uid,
    Validity,
}

/// Why something is no form of unique ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UidlError {
    /// A variable that is not supported: only `%u` (UID) and `%v` (UIDVALIDITY) are. `%f`, `%m` and `%g` need
    /// what no mailbox tells.
    #[error("unique ids can be made of %u and %v only, not of %{0}")]
    Variable(char),
    /// No `%u` in it: messages would not differ.
    #[error("a unique id needs %u")]
    NoUid,
    /// Ids could be longer than 70 octets (RFC 1939 §7).
    #[error("unique ids could be longer than 70 octets")]
    TooLong,
    /// A character that may not stand in a unique id, or nothing behind a `%`.
    #[error("not a form of unique ids")]
    Malformed,
}

impl UidlFormat {
    /// Reads a form: text with `%u` and `%v`, each with a width and `X` for hexadecimal where wanted.
    ///
    /// # Errors
    /// When it could not make unique ids.
    pub fn parse(form: &str) -> Result<Self, UidlError> {
        let mut parts = Vec::new();
        let mut rest = form.chars();
        let mut longest = 0;
        while let Some(c) = rest.next() {
            let part = match c {
                '%' => variable(&mut rest)?,
                '!'..='~' => Part::Text(c),
                _ => return Err(UidlError::Malformed),
            };
            longest += match part {
                Part::Text(_) => 1,
                Part::Number { width, .. } => width.max(10),
            };
            if longest > 70 {
                return Err(UidlError::TooLong);
            }
            parts.push(part);
        }
        let names = |part: &Part| {
            matches!(
                part,
                Part::Number {
                    what: What::Uid,
                    ..
                }
            )
        };
        if !parts.iter().any(names) {
            return Err(UidlError::NoUid);
        }
        Ok(Self { parts })
    }

    /// Writes the id of a message.
    pub(super) fn write_to(&self, uid: Uid, validity: UidValidity, out: &mut String) {
        for part in &self.parts {
            match *part {
                Part::Text(c) => out.push(c),
                Part::Number {
                    what,
                    width,
                    zeros,
                    hex,
                } => {
                    let n = match what {
                        What::Uid => uid.number(),
                        What::Validity => validity.0.get(),
                    };
                    // Writing to a String cannot fail.
                    let _ = match (zeros, hex) {
                        (true, true) => write!(out, "{n:0width$x}"),
                        (true, false) => write!(out, "{n:0width$}"),
                        (false, true) => write!(out, "{n:x}"),
                        (false, false) => write!(out, "{n}"),
                    };
                }
            }
        }
    }
}

/// What stands behind a `%`.
fn variable(rest: &mut std::str::Chars<'_>) -> Result<Part, UidlError> {
    let (mut width, mut zeros, mut hex) = (0_usize, false, false);
    loop {
        match rest.next() {
            Some('%') if width == 0 && !zeros && !hex => return Ok(Part::Text('%')),
            Some('0') if width == 0 => zeros = true,
            Some(c @ '0'..='9') => {
                width = width * 10 + c.to_digit(10).map_or(0, |d| d as usize);
                if width > 70 {
                    return Err(UidlError::TooLong);
                }
            }
            Some('X') => hex = true,
            Some(c @ ('u' | 'v')) => {
                let what = if c == 'u' { What::Uid } else { What::Validity };
                return Ok(Part::Number {
                    what,
                    width,
                    zeros,
                    hex,
                });
            }
            Some(c) => return Err(UidlError::Variable(c)),
            None => return Err(UidlError::Malformed),
        }
    }
}

impl Default for UidlFormat {
    fn default() -> Self {
        let number = |what| Part::Number {
            what,
            width: 8,
            zeros: true,
            hex: true,
        };
        Self {
            parts: vec![number(What::Uid), number(What::Validity)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(form: &str) -> String {
        let mut out = String::new();
        let validity = UidValidity(0x6b00_2684.try_into().unwrap());
        UidlFormat::parse(form)
            .unwrap()
            .write_to(Uid::new(31).unwrap(), validity, &mut out);
        out
    }

    #[test]
    fn ids_are_those_that_dovecot_makes() {
        assert_eq!(id("%08Xu%08Xv"), "0000001f6b002684");
        assert_eq!(id("%v.%u"), "1795171972.31");
        assert_eq!(id("%05u-%%"), "00031-%");
        assert_eq!(UidlFormat::parse("%08Xu%08Xv"), Ok(UidlFormat::default()));
    }

    #[test]
    fn a_form_that_cannot_make_unique_ids_is_refused() {
        assert_eq!(UidlFormat::parse("%v"), Err(UidlError::NoUid));
        assert_eq!(UidlFormat::parse("%g"), Err(UidlError::Variable('g')));
        assert_eq!(UidlFormat::parse("%u x"), Err(UidlError::Malformed));
        assert_eq!(UidlFormat::parse("%u%"), Err(UidlError::Malformed));
        assert_eq!(UidlFormat::parse("%71u"), Err(UidlError::TooLong));
        assert_eq!(UidlFormat::parse("%u%070v"), Err(UidlError::TooLong));
    }
}
