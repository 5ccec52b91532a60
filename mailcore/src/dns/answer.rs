//! What a look-up gives: records, their absence, or neither.

use std::net::IpAddr;
use std::time::Duration;

/// The answer to a look-up: some records, or the knowledge that there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    found: Result<Vec<T>, Absent>,
    authenticated: bool,
    ttl: Duration,
}

/// Why there are no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Absent {
    /// There is no such name (NXDOMAIN).
    NoName,
    /// The name is there and has no records of this kind (NODATA).
    NoRecords,
}

impl<T> Answer<T> {
    /// These records; without any, [`Absent::NoRecords`]. Not vouched for, and good for no time at all.
    pub fn of(records: Vec<T>) -> Self {
        let empty = records.is_empty();
        Self {
            found: if empty {
                Err(Absent::NoRecords)
            } else {
                Ok(records)
            },
            authenticated: false,
            ttl: Duration::ZERO,
        }
    }

    /// No records.
    pub fn absent(why: Absent) -> Self {
        Self {
            found: Err(why),
            authenticated: false,
            ttl: Duration::ZERO,
        }
    }

    /// How long the answer is good for.
    pub fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// Whether DNSSEC vouches for the answer.
    pub fn vouched(self, authenticated: bool) -> Self {
        Self {
            authenticated,
            ..self
        }
    }

    /// The records; none where they are absent.
    pub fn records(&self) -> &[T] {
        self.found.as_deref().unwrap_or_default()
    }

    /// The records, or why there are none; there is at least one.
    pub fn into_found(self) -> Result<Vec<T>, Absent> {
        self.found
    }

    /// Why there are no records.
    pub fn why_absent(&self) -> Option<Absent> {
        self.found.as_ref().err().copied()
    }

    /// Whether DNSSEC vouches for the answer and for every alias on the way to it.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// How long the answer is good for.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// A server failed or refused, or none could be reached.
    #[error("{0}")]
    Failed(String),
    /// No server answered in time.
    #[error("no answer in time")]
    TimedOut,
    /// DNSSEC proves that the answer is not what the zone's owner published.
    #[error("the answer is forged or its signatures are broken")]
    Bogus,
    /// A name that DNS cannot carry: an empty label, too long, not in ASCII.
    #[error("not a name that can be looked up")]
    BadName,
}

impl DnsError {
    /// Whether another time there may be an answer. Everything is, but a name that cannot be asked for: what a
    /// server says of itself (REFUSED, FORMERR) is no word about the name.
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::BadName)
    }
}

/// A mail exchanger (MX record).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// The lower, the sooner it is tried.
    pub preference: u16,
    /// The host as DNS gives it, without the dot at the end: not judged, it may be an address or nonsense. Empty
    /// for the root, which says that the domain takes no mail (RFC 7505 §3).
    pub host: String,
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4, records of type A.
    V4,
    /// IPv6, records of type AAAA.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// The type of its records: `A` or `AAAA`.
    pub fn record(self) -> &'static str {
        match self {
            Self::V4 => "A",
            Self::V6 => "AAAA",
        }
    }
}

/// An address of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The port that stands for SMTP's 25 at this host, where the network is a closed one whose [`Zone`](super::Zone)
    /// says so. DNS never says it.
    pub port: Option<u16>,
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self { ip, port: None }
    }
}

/// A certificate that DNS vouches for (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// Certificate usage: 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE.
    pub usage: u8,
    /// What is compared: 0 the certificate, 1 its public key.
    pub selector: u8,
    /// How: 0 as it is, 1 by SHA-256, 2 by SHA-512.
    pub matching: u8,
    /// What it is compared with.
    pub data: Vec<u8>,
}
