//! Address literals, `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[tag:content]` (RFC 5321 §4.1.3).

use super::ParseError;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What stands between the brackets of an address literal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Literal {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A form registered for some other network; nothing here can reach it.
    General {
        /// The standardised tag, lower case.
        tag: Box<str>,
        /// Printable octets other than brackets and the backslash.
        content: Box<str>,
    },
}

impl Literal {
    /// Octets between the brackets that are taken.
    pub const MAX: usize = 253;

    /// Reads what stands between the brackets.
    ///
    /// # Errors
    /// [`ParseError::Literal`] or [`ParseError::TooLong`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > Self::MAX {
            return Err(ParseError::TooLong);
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        let (tag, content) = text.split_once(':').ok_or(ParseError::Literal)?;
        if tag.eq_ignore_ascii_case("ipv6") {
            let ip = content.parse::<Ipv6Addr>();
            return ip
                .map(|ip| Self::Ip(ip.into()))
                .map_err(|_| ParseError::Literal);
        }
        general(tag, content)
    }
}

fn general(tag: &str, content: &str) -> Result<Literal, ParseError> {
    // Standardized-tag = Ldh-str, and it ends in a letter or digit.
    let tag_good = tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && tag.ends_with(|c: char| c.is_ascii_alphanumeric());
    // dcontent = %d33-90 / %d94-126
    let content_good =
        !content.is_empty() && content.bytes().all(|b| matches!(b, 33..=90 | 94..=126));
    if !(tag_good && content_good) {
        return Err(ParseError::Literal);
    }
    Ok(Literal::General {
        tag: tag.to_ascii_lowercase().into(),
        content: content.into(),
    })
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => write!(f, "[{ip}]"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[IPv6:{ip}]"),
            Self::General { tag, content } => write!(f, "[{tag}:{content}]"),
        }
    }
}
