//! Addresses as they stand in envelopes and in configuration: who, at which domain.
//!
//! One parser decides for every protocol what an address is, so that no two rooms of the house can read the
//! same octets differently. Values are bounded and hold no control character, so they may be written into a
//! header, a log line or a query argument. This module never looks anything up, never rewrites a local part
//! (no percent hack, no bang path) and never decides whether a domain is ours.

mod domain;
mod error;
mod literal;
mod local;
mod path;

pub use domain::Domain;
pub use error::ParseError;
pub use literal::Literal;
pub use local::LocalPart;
pub use path::{ForwardPath, ReversePath};

use std::{fmt, str::FromStr};

/// Which characters an address may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repertoire {
    /// US-ASCII only: what a peer may say that did not ask for SMTPUTF8 (RFC 5321).
    #[default]
    Ascii,
    /// UTF-8 in local part and domain (RFC 6531 §3.3).
    Utf8,
}

/// What stands behind the `@`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A domain name.
    Domain(Domain),
    /// An address literal in brackets.
    Literal(Literal),
}

impl Host {
    /// Reads a domain name or a bracketed address literal.
    ///
    /// # Errors
    /// [`ParseError`] names the part that is wrong.
    pub fn parse(text: &str, repertoire: Repertoire) -> Result<Self, ParseError> {
        match text.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or(ParseError::Literal)?;
                Literal::parse(inner).map(Self::Literal)
            }
            None => Domain::parse(text, repertoire).map(Self::Domain),
        }
    }

    /// The domain name, unless this is a literal.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain(domain) => Some(domain),
            Self::Literal(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(literal) => literal.fmt(f),
        }
    }
}

/// A complete address, `local@host` (RFC 5321 §4.1.2, Mailbox).
///
/// Two addresses are equal when their local parts are the same octets (after unquoting) and their domains
/// are the same A-labels. [`Display`](fmt::Display) writes the form that may stand in an SMTP command: the local
/// part quoted where it must be, the domain as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: LocalPart,
    host: Host,
}

impl Address {
    /// Octets that an address may have in its written form: the parts' own limits and what joins them.
    pub const MAX: usize = 2 * LocalPart::MAX + 2 + 1 + Domain::MAX;

    /// Joins two parts.
    #[must_use]
    pub fn new(local: LocalPart, host: Host) -> Self {
        Self { local, host }
    }

    /// Reads a whole address; nothing may stand before or behind it.
    ///
    /// # Errors
    /// [`ParseError`] names the part that is wrong; [`ParseError::NoDomain`] when there is only a local part.
    pub fn parse(text: &str, repertoire: Repertoire) -> Result<Self, ParseError> {
        let (local, rest) = LocalPart::parse_prefix(text, repertoire)?;
        let host = rest.strip_prefix('@').ok_or(match rest {
            "" => ParseError::NoDomain,
            _ => ParseError::Local,
        })?;
        Ok(Self::new(local, Host::parse(host, repertoire)?))
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The domain, unless the host is an address literal.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        self.host.domain()
    }

    /// Whether a peer without SMTPUTF8 can be told this address. A domain can always be told as A-labels;
    /// a local part has no such form (RFC 6531 §3.2).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}

impl FromStr for Address {
    type Err = ParseError;

    /// Reads an address from configuration or a program, where UTF-8 needs no permission.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, Repertoire::Utf8)
    }
}

#[cfg(test)]
mod tests;
