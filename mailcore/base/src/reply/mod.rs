//! Replies of SMTP and LMTP: a code, an enhanced status, and lines of text for people.
//!
//! A reply cannot hold a stray CR, LF or NUL however it was made, so what a peer, a table or a policy service
//! said can be repeated in one. This module knows the form of replies and no particular reply.

mod code;
mod reader;

pub use code::{Class, Code, EnhancedStatus, StatusError};
pub use reader::{ReadError, Reader};

use crate::envelope::breaks_line;
use std::{borrow::Cow, fmt, str::FromStr};

/// A reply to a command. Text of several lines makes a reply of several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: Code,
    enhanced: Option<EnhancedStatus>,
    text: Cow<'static, str>,
}

impl Reply {
    /// Octets of a line that is written, with its CRLF (RFC 5321 §4.5.3.1.5). Longer text is continued on
    /// further lines.
    pub const MAX_LINE: usize = 512;
    /// Octets of text that a reply keeps; what goes beyond is cut.
    pub const MAX_TEXT: usize = 16 * 1024;

    /// Makes a reply. LF in the text parts lines, CRLF too; any other character that
    /// [`breaks_line`] becomes `?`. The class of the enhanced status follows the code; a 3xx reply has none.
    #[must_use]
    pub fn new(
        code: Code,
        enhanced: Option<EnhancedStatus>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        // RFC 2034 §4: a 3xx reply has no status.
        let enhanced = enhanced
            .filter(|_| code.class() != Class::Intermediate)
            .map(|status| status.under(code));
        Self {
            code,
            enhanced,
            text: clean(text.into()),
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The enhanced status, if there is one.
    #[must_use]
    pub fn enhanced(&self) -> Option<EnhancedStatus> {
        self.enhanced
    }

    /// The text, its lines parted by LF, without code and status.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines of the text; at least one, which may be empty.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// The same reply without its enhanced status, for a peer that was not offered any.
    #[must_use]
    pub fn without_enhanced(self) -> Self {
        Self {
            enhanced: None,
            ..self
        }
    }

    /// Writes the reply as it goes over the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let enhanced = self
            .enhanced
            .map_or_else(String::new, |status| format!("{status} "));
        // Three digits, one separator, the status, and CRLF take their share of each line.
        let room = Self::MAX_LINE - 4 - enhanced.len() - 2;
        let mut lines = self
            .lines()
            .flat_map(|line| Pieces {
                rest: Some(line),
                room,
            })
            .peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            // RFC 2034 §4: each line of the reply carries the status.
            out.extend_from_slice(
                format!("{}{separator}{enhanced}{line}\r\n", self.code).as_bytes(),
            );
        }
    }
}

impl FromStr for Reply {
    type Err = ReadError;

    /// Reads a reply as people write it: `550 5.1.1 text`, the status optional, LF between lines of text.
    fn from_str(text: &str) -> Result<Self, ReadError> {
        let (digits, rest) = text.split_at_checked(3).ok_or(ReadError::Malformed)?;
        let code = Code::parse(digits.as_bytes()).ok_or(ReadError::Malformed)?;
        let rest = match rest.strip_prefix(' ') {
            None if !rest.is_empty() => return Err(ReadError::Malformed),
            rest => rest.unwrap_or_default(),
        };
        Ok(match EnhancedStatus::parse_prefix(rest) {
            Some((status, text)) => Self::new(code, Some(status), text.to_owned()),
            None => Self::new(code, None, rest.to_owned()),
        })
    }
}

/// A reply on one line, for logs: `550 5.1.1 text text`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if let Some(status) = self.enhanced {
            write!(f, " {status}")?;
        }
        self.lines().try_for_each(|line| write!(f, " {line}"))
    }
}

/// Cuts a line into pieces of at most `room` octets, at spaces where there are any.
struct Pieces<'a> {
    rest: Option<&'a str>,
    room: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        if rest.len() <= self.room {
            return Some(rest);
        }
        let end = rest.floor_char_boundary(self.room);
        let (end, skip) = match rest[..end].rfind(' ') {
            Some(at) if at > 0 => (at, 1),
            _ => (end, 0),
        };
        self.rest = Some(&rest[end + skip..]);
        Some(&rest[..end])
    }
}

fn clean(text: Cow<'static, str>) -> Cow<'static, str> {
    let text = match text.len() > Reply::MAX_TEXT {
        true => Cow::Owned(text[..text.floor_char_boundary(Reply::MAX_TEXT)].to_owned()),
        false => text,
    };
    let breaks = |c: char| breaks_line(c) && c != '\n';
    if !text.chars().any(breaks) {
        return text;
    }
    let safe = |c: char| if breaks(c) { '?' } else { c };
    Cow::Owned(text.replace("\r\n", "\n").chars().map(safe).collect())
}

#[cfg(test)]
mod tests;
