//! The next hop of an address: which way its mail goes, and where to on that way.

use mailcore_base::address::{Address, Domain, Host};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The name of a transport, as Postfix's master.cf has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportName(Cow<'static, str>);

impl TransportName {
    /// To other servers.
    pub const SMTP: Self = Self(Cow::Borrowed("smtp"));
    /// To other servers, for domains that we are a relay of.
    pub const RELAY: Self = Self(Cow::Borrowed("relay"));
    /// Into the mailboxes here.
    pub const VIRTUAL: Self = Self(Cow::Borrowed("virtual"));
    /// To a server that speaks LMTP (RFC 2033).
    pub const LMTP: Self = Self(Cow::Borrowed("lmtp"));
    /// Nowhere: the mail goes back, and the next hop says why.
    pub const ERROR: Self = Self(Cow::Borrowed("error"));
    /// Nowhere for now: the mail is deferred, and the next hop says why.
    pub const RETRY: Self = Self(Cow::Borrowed("retry"));
    /// Nowhere: the mail is thrown away, and the next hop says why.
    pub const DISCARD: Self = Self(Cow::Borrowed("discard"));

    /// A transport of another name.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the mail for an address goes next. Recipients of equal hops may share a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Next {
    /// Which way.
    pub transport: TransportName,
    /// Where to on that way: a domain, `[host]:port`, or whatever else the transport understands.
    pub nexthop: Arc<str>,
}

impl Next {
    /// That way, to there.
    #[must_use]
    pub fn new(transport: TransportName, nexthop: impl Into<Arc<str>>) -> Self {
        Self {
            transport,
            nexthop: nexthop.into(),
        }
    }

    /// That way, to the address's own host.
    pub(super) fn to_host_of(transport: TransportName, address: &Address) -> Self {
        match address.host() {
            Host::Domain(domain) => Self::new(transport, folded(domain)),
            Host::Literal(literal) => Self::new(transport, literal.to_string()),
        }
    }
}

/// A domain as it is compared and looked up.
pub(super) fn folded(domain: &Domain) -> String {
    domain.as_ascii().to_ascii_lowercase()
}
