//! The service extensions that a server can announce. What each does is known where it is done.

use std::{fmt, ops::BitOr, str::FromStr};

/// A keyword of the answer to EHLO or LHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Keyword {
    /// Commands may be sent in groups (RFC 2920).
    Pipelining,
    /// The limit of a message's size (RFC 1870).
    Size,
    /// VRFY is there.
    Vrfy,
    /// Remote queue starting (RFC 1985).
    Etrn,
    /// TLS (RFC 3207).
    StartTls,
    /// Authentication (RFC 4954).
    Auth,
    /// A trusted proxy may speak for its client.
    XClient,
    /// A trusted filter may tell of its client.
    XForward,
    /// Replies carry enhanced status codes (RFC 2034).
    EnhancedStatusCodes,
    /// Eight-bit content (RFC 6152).
    EightBitMime,
    /// Parameters of delivery status notifications (RFC 3461).
    Dsn,
    /// Internationalised addresses (RFC 6531).
    SmtpUtf8,
    /// BDAT (RFC 3030).
    Chunking,
}

impl Keyword {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Pipelining, "PIPELINING"),
        (Self::Size, "SIZE"),
        (Self::Vrfy, "VRFY"),
        (Self::Etrn, "ETRN"),
        (Self::StartTls, "STARTTLS"),
        (Self::Auth, "AUTH"),
        (Self::XClient, "XCLIENT"),
        (Self::XForward, "XFORWARD"),
        (Self::EnhancedStatusCodes, "ENHANCEDSTATUSCODES"),
        (Self::EightBitMime, "8BITMIME"),
        (Self::Dsn, "DSN"),
        (Self::SmtpUtf8, "SMTPUTF8"),
        (Self::Chunking, "CHUNKING"),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(keyword, _)| *keyword == self)
            .map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is no keyword of [`Keyword`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown EHLO keyword")]
pub struct UnknownKeyword;

impl FromStr for Keyword {
    type Err = UnknownKeyword;

    /// In any case, as configuration has it.
    fn from_str(text: &str) -> Result<Self, UnknownKeyword> {
        let named = Self::ALL
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map(|(keyword, _)| *keyword).ok_or(UnknownKeyword)
    }
}

/// A set of keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keywords(u32);

impl Keywords {
    /// No keyword.
    pub const NONE: Self = Self(0);

    /// Adds one.
    #[must_use]
    pub const fn with(self, keyword: Keyword) -> Self {
        Self(self.0 | 1 << keyword as u8)
    }

    /// Whether one is in it.
    #[must_use]
    pub const fn contains(self, keyword: Keyword) -> bool {
        self.0 & 1 << keyword as u8 != 0
    }
}

impl BitOr for Keywords {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Keyword> for Keywords {
    fn from_iter<I: IntoIterator<Item = Keyword>>(keywords: I) -> Self {
        keywords.into_iter().fold(Self::NONE, Self::with)
    }
}
