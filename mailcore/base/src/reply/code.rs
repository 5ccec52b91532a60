//! The two numbers of a reply: the code of RFC 5321 and the enhanced status of RFC 3463.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// A reply code of three digits, 200 to 599 (RFC 5321 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u16);

/// What the first digit of a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// 2: done.
    Completed,
    /// 3: go on.
    Intermediate,
    /// 4: not now; the same may succeed later.
    Transient,
    /// 5: no.
    Permanent,
}

impl Code {
    /// 451: local error, try again; the refusal that is always safe.
    pub const LOCAL_ERROR: Self = Self(451);

    /// Makes a code of a number, `None` outside 200 to 599.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            200..=599 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What its first digit says.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0 / 100 {
            2 => Class::Completed,
            3 => Class::Intermediate,
            4 => Class::Transient,
            _ => Class::Permanent,
        }
    }

    /// Whether this is 4xx or 5xx.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        self.0 >= 400
    }

    /// Reads the three digits that begin a reply line.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let [a, b, c] = digits else { return None };
        let digit = |b: &u8| b.is_ascii_digit().then(|| u16::from(b - b'0'));
        Self::new(digit(a)? * 100 + digit(b)? * 10 + digit(c)?)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An enhanced status code, `class.subject.detail` (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

/// A text that is not an enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an enhanced status code")]
pub struct StatusError;

impl EnhancedStatus {
    /// Makes a status. `None` unless the class is 2, 4 or 5 and the others have at most three digits.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        match (class, subject, detail) {
            (2 | 4 | 5, 0..=999, 0..=999) => Some(Self {
                class,
                subject,
                detail,
            }),
            _ => None,
        }
    }

    /// 2, 4 or 5.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 addresses, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 security.
    #[must_use]
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// What happened.
    #[must_use]
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// The same status with the class of `code`, so that the two never contradict each other; under a 3xx
    /// code, which has no class of its own, it stays as it is.
    #[must_use]
    pub const fn under(self, code: Code) -> Self {
        let class = match code.class() {
            Class::Completed => 2,
            Class::Intermediate => self.class,
            Class::Transient => 4,
            Class::Permanent => 5,
        };
        Self { class, ..self }
    }

    /// Reads a status from the front of a text and gives back what follows the space behind it.
    #[must_use]
    pub fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        word.parse().ok().map(|status| (status, rest))
    }
}

impl FromStr for EnhancedStatus {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let number = |part: Option<&str>| -> Result<u16, StatusError> {
            let part = part.ok_or(StatusError)?;
            // RFC 3463 §2: 1*3digit, without leading zeros. parse() alone would take a sign.
            let plain =
                part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            part.parse().ok().filter(|_| plain).ok_or(StatusError)
        };
        let mut parts = text.splitn(3, '.');
        let (class, subject, detail) = (
            number(parts.next())?,
            number(parts.next())?,
            number(parts.next())?,
        );
        let class = u8::try_from(class).map_err(|_| StatusError)?;
        Self::new(class, subject, detail).ok_or(StatusError)
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}
