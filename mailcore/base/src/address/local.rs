//! The local part of an address: octets whose meaning only the domain's own servers know.

use super::{ParseError, Repertoire};
use crate::envelope::breaks_line;
use std::{borrow::Cow, fmt, iter};

/// A local part, held without quotes and backslashes: `"john smith"` and `"john\ smith"` are one value.
///
/// It is never empty and holds no control character. It may hold `@`, `/`, `|`, spaces and the like when it
/// came quoted, so whoever builds a path, a command or a query from it must escape it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(Box<str>);

impl LocalPart {
    /// Octets of the unquoted value. RFC 5321 §4.5.3.1.1 obliges a server to take 64 and forbids it to send
    /// more; variable envelope return paths in the wild are longer, so up to this many are taken.
    pub const MAX: usize = 255;

    /// Takes a value that is not quoted, as from a user database.
    ///
    /// # Errors
    /// [`ParseError::Local`] if it is empty or holds a control character, [`ParseError::TooLong`].
    pub fn new(value: &str) -> Result<Self, ParseError> {
        if value.is_empty() || value.chars().any(breaks_line) {
            return Err(ParseError::Local);
        }
        if value.len() > Self::MAX {
            return Err(ParseError::TooLong);
        }
        Ok(Self(value.into()))
    }

    /// Reads a local part from the front of `text`, and gives back what follows it.
    ///
    /// Dots may stand anywhere in an unquoted one, as some providers let them (RFC 5321 wants them between
    /// atoms); such a value is written in quotes.
    ///
    /// # Errors
    /// [`ParseError::Local`], [`ParseError::TooLong`] or [`ParseError::NotAscii`].
    pub fn parse_prefix(text: &str, repertoire: Repertoire) -> Result<(Self, &str), ParseError> {
        let (value, rest) = match text.strip_prefix('"') {
            Some(rest) => quoted(rest)?,
            None => {
                let end = text
                    .find(|c| !(is_atom(c) || c == '.'))
                    .unwrap_or(text.len());
                let (value, rest) = text.split_at(end);
                (Cow::Borrowed(value), rest)
            }
        };
        if repertoire == Repertoire::Ascii && !value.is_ascii() {
            return Err(ParseError::NotAscii);
        }
        Ok((Self::new(&value)?, rest))
    }

    /// The value without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it holds ASCII only.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// Whether this is the name that every server must know, in any case (RFC 5321 §4.5.1).
    #[must_use]
    pub fn is_postmaster(&self) -> bool {
        self.0.eq_ignore_ascii_case("postmaster")
    }

    /// Parts `user+extension` at the first of the delimiters (Postfix: recipient_delimiter).
    ///
    /// A delimiter at the very front does not count, nor are `postmaster` and `MAILER-DAEMON` ever parted. With `-`
    /// among the delimiters `owner-list` and `list-request` stay whole, since they name a list's keeper.
    #[must_use]
    pub fn split(&self, delimiters: &str) -> (&str, Option<&str>) {
        let whole = (&*self.0, None);
        if self.is_postmaster() || self.0.eq_ignore_ascii_case("mailer-daemon") {
            return whole;
        }
        if delimiters.contains('-') && self.names_keeper() {
            return whole;
        }
        match self.0.char_indices().find(|&(_, c)| delimiters.contains(c)) {
            Some((at, c)) if at > 0 => (&self.0[..at], Some(&self.0[at + c.len_utf8()..])),
            _ => whole,
        }
    }

    fn names_keeper(&self) -> bool {
        let text = self.0.as_bytes();
        let owner = text
            .get(..6)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"owner-"));
        let request = text.len().checked_sub(8).and_then(|at| text.get(at..));
        owner || request.is_some_and(|tail| tail.eq_ignore_ascii_case(b"-request"))
    }

    /// Whether the value can be written without quotes (RFC 5321 §4.1.2, Dot-string).
    fn is_dot_string(&self) -> bool {
        self.0
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
    }
}

// RFC 5322 §3.2.3 atext, and UTF-8 where RFC 6531 §3.3 lets it in.
fn is_atom(c: char) -> bool {
    match c {
        '\0'..='\x7f' => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => !breaks_line(c) && !c.is_whitespace(),
    }
}

/// Reads up to the closing quote. RFC 5321 §4.1.2: neither CR, LF, NUL nor any other control can be quoted.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), ParseError> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '"' => return Ok((Cow::Owned(value), &text[at + 1..])),
            // quoted-pairSMTP = %d92 %d32-126
            '\\' => match chars.next() {
                Some((_, c @ ' '..='~')) => c,
                _ => return Err(ParseError::Local),
            },
            c => c,
        };
        if breaks_line(c) {
            return Err(ParseError::Local);
        }
        if value.len() >= LocalPart::MAX {
            return Err(ParseError::TooLong);
        }
        value.push(c);
    }
    Err(ParseError::Local)
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_dot_string() {
            return f.write_str(&self.0);
        }
        let escaped = self.0.chars().flat_map(|c| {
            let pair = matches!(c, '"' | '\\').then_some('\\');
            pair.into_iter().chain(iter::once(c))
        });
        write!(f, "\"{}\"", escaped.collect::<String>())
    }
}
