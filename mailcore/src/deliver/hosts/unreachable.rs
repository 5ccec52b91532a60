//! Why there is no server to hand a message to, in Postfix's words with the status of RFC 3463.

use crate::deliver::Fate;
use crate::dns::{Absent, DnsError};
use std::fmt;

/// No server for a next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    permanent: bool,
    about: (u16, u16),
    text: String,
}

impl Unreachable {
    /// Whether it is so for good, and the message is to be returned.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// What becomes of each recipient.
    pub fn fate(&self) -> Fate {
        match self.permanent {
            true => Fate::failed(self.about, self.text.as_str()),
            false => Fate::deferred(self.about, self.text.as_str()),
        }
    }

    fn new(permanent: bool, about: (u16, u16), text: String) -> Self {
        Self {
            permanent,
            about,
            text,
        }
    }

    /// The look-up of records of type `kind` gave no answer.
    pub(super) fn unknown(name: &str, kind: &str, error: &DnsError) -> Self {
        tracing::debug!(%name, %kind, %error, "no answer from DNS");
        if error.is_temporary() {
            return Self::new(
                false,
                (4, 3),
                not_found(name, kind, "Host not found, try again"),
            );
        }
        let text = format!("Name service error for {name}: invalid host or domain name");
        Self::new(true, (4, 4), text)
    }

    /// There are no records of type `kind`.
    pub(super) fn absent(name: &str, kind: &str, why: Absent) -> Self {
        let why = match why {
            Absent::NoName => "Host not found",
            Absent::NoRecords => "Host found but no data record of requested type",
        };
        Self::new(true, (4, 4), not_found(name, kind, why))
    }

    /// Not one of the domain's mail exchangers has a name that a host can have.
    pub(super) fn malformed(domain: &str) -> Self {
        let text = format!(
            "Name service error for name={domain} type=MX: Malformed or unexpected name server reply"
        );
        Self::new(true, (4, 4), text)
    }

    // RFC 7505 §4.2: 5.1.10, recipient address has a null MX.
    pub(super) fn takes_no_mail(domain: &str) -> Self {
        let text = format!("Domain {domain} does not accept mail (nullMX)");
        Self::new(true, (1, 10), text)
    }

    /// The best server for it is ourselves.
    pub(super) fn ourselves(name: &str) -> Self {
        Self::new(
            true,
            (4, 6),
            format!("mail for {name} loops back to myself"),
        )
    }

    /// We are a server for it, there are better ones, and none of those can be found.
    pub(super) fn no_primary(domain: &str) -> Self {
        Self::new(
            false,
            (4, 4),
            format!("unable to find primary relay for {domain}"),
        )
    }

    /// Of two reasons the one that says less: what may yet change never becomes final.
    pub(super) fn or(self, other: Self) -> Self {
        if self.permanent && !other.permanent {
            other
        } else {
            self
        }
    }
}

fn not_found(name: &str, kind: &str, why: &str) -> String {
    format!("Host or domain name not found. Name service error for name={name} type={kind}: {why}")
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Unreachable {}
