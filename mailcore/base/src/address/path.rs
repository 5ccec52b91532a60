//! Paths: what stands between `<` and `>` in MAIL and RCPT, and what people type in their place.

use super::{Address, Domain, Host, LocalPart, ParseError, Repertoire};
use std::fmt;

/// Domains of a source route that are read before it is refused.
const MAX_ROUTE: usize = 32;

/// Where a message shall go: the argument of RCPT (RFC 5321 §4.1.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ForwardPath {
    /// A name without a domain, as `<postmaster>` or `root` typed by hand. Whoever routes it completes it.
    Local(LocalPart),
    /// A complete address.
    Address(Address),
}

/// Where reports about a message shall go: the argument of MAIL (RFC 5321 §4.1.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ReversePath {
    /// `<>`: nobody; the sender of reports themselves.
    #[default]
    Null,
    /// A name without a domain.
    Local(LocalPart),
    /// A complete address.
    Address(Address),
}

impl ForwardPath {
    /// Reads a path from the front of `text` and gives back what follows it, which is empty or begins with
    /// a space. Angle brackets may be missing; a source route is read and dropped.
    ///
    /// # Errors
    /// [`ParseError::Empty`] for `<>` and for nothing at all, else the part that is wrong.
    pub fn parse_prefix(text: &str, repertoire: Repertoire) -> Result<(Self, &str), ParseError> {
        let (path, rest) = ReversePath::parse_prefix(text, repertoire)?;
        Ok((path.try_into()?, rest))
    }

    /// What stands before the `@`, if there is one.
    #[must_use]
    pub fn local(&self) -> &LocalPart {
        match self {
            Self::Local(local) => local,
            Self::Address(address) => address.local(),
        }
    }

    /// The complete address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Local(_) => None,
            Self::Address(address) => Some(address),
        }
    }

    /// The domain, if there is one: neither a name alone nor an address literal has one.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        self.address().and_then(Address::domain)
    }

    /// The address, completed with `origin` if it has no domain (Postfix: myorigin).
    #[must_use]
    pub fn complete(self, origin: &Domain) -> Address {
        match self {
            Self::Local(local) => Address::new(local, Host::Domain(origin.clone())),
            Self::Address(address) => address,
        }
    }
}

impl ReversePath {
    /// Reads a path as [`ForwardPath::parse_prefix`] does; `<>` is [`ReversePath::Null`].
    ///
    /// # Errors
    /// [`ParseError::Empty`] if there is nothing at all, else the part that is wrong.
    pub fn parse_prefix(text: &str, repertoire: Repertoire) -> Result<(Self, &str), ParseError> {
        match text.strip_prefix('<') {
            Some(inner) => bracketed(inner, repertoire),
            None => bare(text, repertoire),
        }
    }

    /// The complete address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Address(address) => Some(address),
            Self::Null | Self::Local(_) => None,
        }
    }

    /// The domain, if there is one: neither `<>` nor a name alone nor an address literal has one.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        self.address().and_then(Address::domain)
    }

    /// Whether this is `<>`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The sender's address, completed with `origin` if it has no domain; `None` for `<>`.
    #[must_use]
    pub fn complete(self, origin: &Domain) -> Option<Address> {
        ForwardPath::try_from(self)
            .ok()
            .map(|path| path.complete(origin))
    }
}

fn bracketed(text: &str, repertoire: Repertoire) -> Result<(ReversePath, &str), ParseError> {
    let (path, rest) = match text.starts_with('>') {
        true => (ReversePath::Null, text),
        false => mailbox(drop_route(text)?, repertoire)?,
    };
    let rest = rest.strip_prefix('>').ok_or(ParseError::Brackets)?;
    ends_word(rest)?;
    Ok((path, rest))
}

fn bare(text: &str, repertoire: Repertoire) -> Result<(ReversePath, &str), ParseError> {
    if text.is_empty() || text.starts_with(' ') {
        return Err(ParseError::Empty);
    }
    let (path, rest) = mailbox(text, repertoire)?;
    ends_word(rest)?;
    Ok((path, rest))
}

fn ends_word(rest: &str) -> Result<(), ParseError> {
    match rest.chars().next() {
        None | Some(' ' | '\t') => Ok(()),
        Some(_) => Err(ParseError::Brackets),
    }
}

// RFC 5321 §4.1.1.3 and Appendix C: a server MUST take `@a,@b:user@host` and SHOULD ignore the route.
fn drop_route(text: &str) -> Result<&str, ParseError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    // A domain holds no colon and no comma, a literal of IPv6 holds colons: each hop is cut before it is judged.
    let mut rest = text;
    for _ in 0..MAX_ROUTE {
        let hop = rest.strip_prefix('@').ok_or(ParseError::Route)?;
        let end = match hop.starts_with('[') {
            true => hop.find(']').map(|at| at + 1),
            false => hop.find([',', ':']),
        };
        let (host, behind) = hop
            .split_at_checked(end.ok_or(ParseError::Route)?)
            .ok_or(ParseError::Route)?;
        Host::parse(host, Repertoire::Utf8).map_err(|_| ParseError::Route)?;
        match behind.split_at_checked(1).ok_or(ParseError::Route)? {
            (":", mailbox) => return Ok(mailbox),
            (",", more) => rest = more,
            _ => return Err(ParseError::Route),
        }
    }
    Err(ParseError::Route)
}

fn mailbox(text: &str, repertoire: Repertoire) -> Result<(ReversePath, &str), ParseError> {
    let (local, rest) = LocalPart::parse_prefix(text, repertoire)?;
    let Some(rest) = rest.strip_prefix('@') else {
        return Ok((ReversePath::Local(local), rest));
    };
    let end = match rest.starts_with('[') {
        true => rest.find(']').map_or(rest.len(), |at| at + 1),
        false => rest.find([' ', '\t', '>', '<']).unwrap_or(rest.len()),
    };
    let (host, rest) = rest.split_at(end);
    let address = Address::new(local, Host::parse(host, repertoire)?);
    Ok((ReversePath::Address(address), rest))
}

impl From<Address> for ForwardPath {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<Address> for ReversePath {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<ForwardPath> for ReversePath {
    fn from(path: ForwardPath) -> Self {
        match path {
            ForwardPath::Local(local) => Self::Local(local),
            ForwardPath::Address(address) => Self::Address(address),
        }
    }
}

impl TryFrom<ReversePath> for ForwardPath {
    type Error = ParseError;

    fn try_from(path: ReversePath) -> Result<Self, ParseError> {
        match path {
            ReversePath::Null => Err(ParseError::Empty),
            ReversePath::Local(local) => Ok(Self::Local(local)),
            ReversePath::Address(address) => Ok(Self::Address(address)),
        }
    }
}

/// Without angle brackets, as logs and replies have it between their own.
impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => local.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Without angle brackets; [`ReversePath::Null`] is the empty text.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Local(local) => local.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}
