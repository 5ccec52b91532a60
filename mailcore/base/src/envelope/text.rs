//! Text of one line, safe to repeat in a header, a log line, a reply or a command.

use std::{fmt, ops::Deref};
use thiserror::Error;

/// One line of UTF-8 without CR, LF, NUL, any other control character, or a character that ends a line or
/// turns its direction. It may be empty.
///
/// Whatever a peer says about itself (HELO name, XFORWARD attributes, user names, ENVID) is kept as this, so
/// that nothing it says can begin a new header or a new log line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text(Box<str>);

/// Why a text is not one safe line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextError {
    /// It holds a control character or a line separator.
    #[error("control character in text")]
    Control,
    /// It is longer than [`Text::MAX`].
    #[error("text too long")]
    TooLong,
}

impl Text {
    /// Octets that a text may have.
    pub const MAX: usize = 1024;

    /// Takes a text if it is one safe line.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.len() > Self::MAX {
            return Err(TextError::TooLong);
        }
        match text.chars().any(breaks_line) {
            true => Err(TextError::Control),
            false => Ok(Self(text.into())),
        }
    }

    /// Makes one safe line of anything: what must not stand in it becomes `?`, what is too long is cut.
    #[must_use]
    pub fn lossy(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..Self::MAX).unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let mut clean = String::with_capacity(text.len());
        for c in text.chars().map(|c| {
            if breaks_line(c) || c == char::REPLACEMENT_CHARACTER {
                '?'
            } else {
                c
            }
        }) {
            if clean.len() + c.len_utf8() > Self::MAX {
                break;
            }
            clean.push(c);
        }
        Self(clean.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character may start a new line somewhere, or make a line read differently from what it says: any
/// control character, the line and paragraph separators, and what turns the direction of text.
#[must_use]
pub fn breaks_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
