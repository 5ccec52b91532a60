//! Fixed records in DNS's place: for tests, and for networks without DNS.
//!
//! A zone is read once, from a subset of the form that name servers use (RFC 1035 §5.1). It asks nobody: a name that
//! it does not hold does not exist.
//!
//! ```text
//! $ORIGIN example.org.           ; what names without a dot at the end are relative to; else the root
//! $TTL 1h
//! @     MX    10 mx              ; types: A AAAA CNAME MX NS PTR TLSA TXT
//! mx    A     127.0.0.1
//!       AAAA  ::1                ; a blank at the front: the name of the line before
//! mx    PORT  12025              ; ours: at this host, 12025 stands for SMTP's port 25
//! slow  FAIL  TIMEOUT            ; ours: look-ups fail, by SERVFAIL, TIMEOUT, REFUSED or BOGUS,
//! half  FAIL  SERVFAIL AAAA      ;       all or those of one type; at once, nothing is waited for
//! none  MX    0 .                ; takes no mail (RFC 7505)
//! $DNSSEC on                     ; ours: DNSSEC vouches for what follows
//! _25._tcp.mx TLSA 3 1 1 ( 8d02536c887482bc34ff54e41d2ba659
//!                          bf85b341a0a20afadb5813dcfbcf286d )
//! ```
//!
//! `PORT` is for closed networks where port 25 is not to be had, such as several servers on one address. It holds
//! where port 25 would be used, never where a destination names a port itself.

mod file;
mod parse;
mod spelling;
mod token;

pub use file::ZoneFile;

use super::{Absent, Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa};
use super::{can_be_asked, plain, reverse_name};
use crate::log::Clean;
use async_trait::async_trait;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The longest zone file, in octets.
const LONGEST: u64 = 64 * 1024 * 1024;
/// The longest chain of aliases that is followed.
const ALIASES: usize = 8;

/// Fixed records. The default one is empty: no name exists.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    owners: HashMap<String, Owner>,
}

/// What stands at one name.
#[derive(Debug, Clone, Default)]
struct Owner {
    records: Vec<Record>,
    alias: Option<(String, bool)>,
    failures: Vec<(Option<Kind>, DnsError)>,
    port: Option<u16>,
}

#[derive(Debug, Clone)]
struct Record {
    data: Data,
    ttl: Duration,
    vouched: bool,
}

#[derive(Debug, Clone)]
enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx(Exchange),
    Ns(String),
    Ptr(String),
    Tlsa(Tlsa),
    Txt(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    A,
    Aaaa,
    Mx,
    Ns,
    Ptr,
    Tlsa,
    Txt,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "MX" => Self::Mx,
            "NS" => Self::Ns,
            "PTR" => Self::Ptr,
            "TLSA" => Self::Tlsa,
            "TXT" => Self::Txt,
            _ => return None,
        })
    }
}

/// What is wrong with a zone.
#[derive(Debug)]
pub struct ZoneError {
    file: Option<PathBuf>,
    /// From 1; zero where it is the whole file.
    line: usize,
    what: String,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:", file.display())?,
            None => f.write_str("zone:")?,
        }
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        // Words of the file are in it, and the log has it.
        write!(f, " {}", Clean(&self.what))
    }
}

impl std::error::Error for ZoneError {}

impl Zone {
    /// Reads a zone file of at most 64 MiB. Touches the file: call it where blocking is allowed.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense; with file and line.
    pub fn open(path: &Path) -> Result<Self, ZoneError> {
        let wrong = |line, what| ZoneError {
            file: Some(path.to_owned()),
            line,
            what,
        };
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
        match read {
            Ok(n) if n as u64 > LONGEST => Err(wrong(0, "too long for a zone".to_owned())),
            Ok(_) => parse::parse(&text).map_err(|(line, what)| wrong(line, what)),
            Err(error) => Err(wrong(0, error.to_string())),
        }
    }

    /// Looks `name` up, through aliases; `port` is that of the first name on the way that has one.
    fn find<T>(
        &self,
        name: &str,
        kind: Kind,
        read: impl Fn(&Data, Option<u16>) -> Option<T>,
    ) -> Result<Answer<T>, DnsError> {
        if !can_be_asked(name) {
            return Err(DnsError::BadName);
        }
        let mut name = plain(name);
        let mut vouched = true;
        let mut port = None;
        for _ in 0..=ALIASES {
            let Some(owner) = self.owners.get(&name) else {
                return Ok(Answer::absent(Absent::NoName));
            };
            let failure = |(only, _): &&(Option<Kind>, DnsError)| only.is_none_or(|it| it == kind);
            if let Some((_, error)) = owner.failures.iter().find(failure) {
                return Err(error.clone());
            }
            port = port.or(owner.port);
            if let Some((target, signed)) = &owner.alias {
                vouched &= signed;
                name.clone_from(target);
                continue;
            }
            let mut records = Vec::new();
            let mut ttl: Option<Duration> = None;
            for record in &owner.records {
                if let Some(value) = read(&record.data, port) {
                    records.push(value);
                    vouched &= record.vouched;
                    ttl = Some(ttl.map_or(record.ttl, |ttl| ttl.min(record.ttl)));
                }
            }
            let vouched = vouched && !records.is_empty();
            return Ok(Answer::of(records)
                .vouched(vouched)
                .with_ttl(ttl.unwrap_or_default()));
        }
        Err(DnsError::Failed("too many aliases (CNAME)".to_owned()))
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        parse::parse(text).map_err(|(line, what)| ZoneError {
            file: None,
            line,
            what,
        })
    }
}

#[async_trait]
impl Resolve for Zone {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        self.find(domain, Kind::Mx, |data, _| match data {
            Data::Mx(mx) => Some(mx.clone()),
            _ => None,
        })
    }

    async fn addresses(&self, host: &str, family: Family) -> Result<Answer<Address>, DnsError> {
        let kind = match family {
            Family::V4 => Kind::A,
            Family::V6 => Kind::Aaaa,
        };
        self.find(host, kind, |data, port| {
            let ip = match (data, family) {
                (Data::A(v4), Family::V4) => IpAddr::V4(*v4),
                (Data::Aaaa(v6), Family::V6) => IpAddr::V6(*v6),
                _ => return None,
            };
            Some(Address { ip, port })
        })
    }

    async fn txt(&self, name: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        self.find(name, Kind::Txt, |data, _| match data {
            Data::Txt(text) => Some(text.clone()),
            _ => None,
        })
    }

    async fn ptr(&self, address: IpAddr) -> Result<Answer<String>, DnsError> {
        self.find(&reverse_name(address), Kind::Ptr, |data, _| match data {
            Data::Ptr(name) => Some(name.clone()),
            _ => None,
        })
    }

    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsError> {
        self.find(name, Kind::Tlsa, |data, _| match data {
            Data::Tlsa(tlsa) => Some(tlsa.clone()),
            _ => None,
        })
    }

    async fn ns(&self, domain: &str) -> Result<Answer<String>, DnsError> {
        self.find(domain, Kind::Ns, |data, _| match data {
            Data::Ns(name) => Some(name.clone()),
            _ => None,
        })
    }
}
