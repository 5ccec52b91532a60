//! TLS towards other servers: how much of it a destination asks for, whom we believe, and what came of it.
//!
//! Up to [`Level::Encrypt`] nobody is verified, so nobody is refused either: any certificate will do, and what it is
//! worth is told to the log only. From [`Level::Verify`] on a handshake fails unless the certificate is good, so
//! that nothing can be sent by a caller who forgot to look. Nothing here decides what follows a failure, such as
//! trying without TLS.
//!
//! A session is resumed where the same server is met again under the same demands, and nowhere else.

mod names;
mod roots;
mod verify;

pub use names::Pattern;
pub use roots::Roots;
pub use verify::{Standing, refusal};

use super::{Side, TlsError, Version, provider};
use crate::net::connect::{Place, Target};
use crate::net::{Stream, Transport};
use mailcore_base::address::Domain;
use mailcore_base::login::TlsFacts;
use rustls::client::Resumption;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use verify::Judge;

/// How many demands are remembered with their sessions; with more of them, all are forgotten.
const MOST_DEMANDS: usize = 256;
/// How many servers' sessions are remembered: without any demand, and for each demand.
const SESSIONS: (usize, usize) = (4096, 32);

/// How much TLS a destination asks for (Postfix: smtp_tls_security_level).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// None at all.
    None,
    /// TLS where the server offers it, with whatever certificate.
    May,
    /// TLS always, with whatever certificate.
    Encrypt,
    /// TLS with a certificate that we trust, for the mail exchanger's name as DNS gave it.
    Verify,
    /// TLS with a certificate that we trust, for a name that no forged DNS answer can have changed.
    Secure,
}

impl Level {
    /// Reads `none`, `may`, `encrypt`, `verify` or `secure`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "may" => Self::May,
            "encrypt" => Self::Encrypt,
            "verify" => Self::Verify,
            "secure" => Self::Secure,
            _ => return None,
        })
    }

    /// Whether nothing may be sent without TLS.
    pub fn requires_tls(self) -> bool {
        self >= Self::Encrypt
    }

    /// Whether the server has to show who it is.
    pub fn verifies(self) -> bool {
        self >= Self::Verify
    }
}

/// A name that a certificate may be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The mail exchanger's host name.
    Hostname,
    /// The next hop: the domain that the mail goes to, or the host that routing named.
    Nexthop,
    /// Any name below the next hop.
    DotNexthop,
    /// This one.
    Is(Pattern),
}

/// What is asked of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How much TLS.
    pub level: Level,
    /// The names that its certificate may be for, where the level verifies: any one of them.
    pub accepted: Vec<Accepted>,
    /// The name that is asked for in the handshake (SNI); the host's own without one. None is ever asked for where a
    /// host is known by its address alone.
    pub server_name: Option<Domain>,
    /// The oldest version of TLS that is spoken.
    pub oldest: Version,
}

impl Policy {
    /// What a level asks for where nothing else is said: [`Level::Verify`] wants the host's name (Postfix:
    /// smtp_tls_verify_cert_match), [`Level::Secure`] the next hop or a name below it (smtp_tls_secure_cert_match).
    pub fn new(level: Level) -> Self {
        let accepted = match level {
            Level::Verify => vec![Accepted::Hostname],
            Level::Secure => vec![Accepted::Nexthop, Accepted::DotNexthop],
            Level::None | Level::May | Level::Encrypt => Vec::new(),
        };
        Self {
            level,
            accepted,
            server_name: None,
            oldest: Version::default(),
        }
    }

    /// The names that will do for a server; none where the level does not verify.
    fn patterns(&self, host: &str, nexthop: &str) -> Option<Vec<Pattern>> {
        let pattern = |accepted: &Accepted| match accepted {
            Accepted::Hostname => Pattern::exactly(host),
            Accepted::Nexthop => Pattern::exactly(nexthop),
            Accepted::DotNexthop => Pattern::below(nexthop),
            Accepted::Is(pattern) => pattern.clone(),
        };
        let verifies = self.level.verifies();
        verifies.then(|| self.accepted.iter().map(pattern).collect())
    }
}

/// Our side of TLS towards all servers: whom we believe, and the sessions that can be resumed.
pub struct Client {
    roots: Arc<RootCertStore>,
    known: Mutex<HashMap<Demand, Known>>,
}

/// What a configuration depends on.
type Demand = (Option<Vec<Pattern>>, Version);

#[derive(Clone)]
struct Known {
    judge: Arc<Judge>,
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Believes these roots. May touch files: call it where blocking is allowed.
    ///
    /// # Errors
    /// When a file of roots that was named cannot be used. Roots that the system does not have are no error.
    pub fn open(roots: &Roots) -> Result<Self, TlsError> {
        Ok(Self {
            roots: Arc::new(roots.open()?),
            known: Mutex::default(),
        })
    }

    /// TLS towards `target`, where mail for `nexthop` goes; both by name, without brackets or port.
    ///
    /// # Errors
    /// When rustls refuses the configuration.
    pub fn towards(
        &self,
        target: &Target,
        nexthop: &str,
        policy: &Policy,
    ) -> Result<Towards, TlsError> {
        let demand = (policy.patterns(&target.name, nexthop), policy.oldest);
        let known = self.known(demand)?;
        let name = match &policy.server_name {
            Some(name) => server_name(name.as_ascii(), &target.place),
            None => server_name(&target.name, &target.place),
        };
        Ok(Towards {
            judge: known.judge,
            side: Side::Connect(known.config, name),
        })
    }

    fn known(&self, demand: Demand) -> Result<Known, TlsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&demand) {
            return Ok(known.clone());
        }
        let made = self.make(&demand)?;
        if known.len() >= MOST_DEMANDS {
            known.clear();
        }
        known.insert(demand, made.clone());
        Ok(made)
    }

    fn make(&self, (patterns, oldest): &Demand) -> Result<Known, TlsError> {
        let versions: &[_] = match oldest {
            Version::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            Version::Tls13 => &[&rustls::version::TLS13],
        };
        let sessions = if patterns.is_some() {
            SESSIONS.1
        } else {
            SESSIONS.0
        };
        let judge = Arc::new(Judge::new(Arc::clone(&self.roots), patterns.clone()));
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<_>)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(sessions);
        Ok(Known {
            judge,
            config: Arc::new(config),
        })
    }
}

/// The name for the handshake. An address stands for no name: none is sent then (RFC 6066 §3).
fn server_name(name: &str, place: &Place) -> ServerName<'static> {
    let ip = match place {
        Place::Tcp(at) => at.ip(),
        Place::Unix(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    let name = ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned());
    name.unwrap_or_else(|_| ServerName::IpAddress(ip.into()))
}

/// TLS towards one server.
#[derive(Debug, Clone)]
pub struct Towards {
    judge: Arc<Judge>,
    side: Side,
}

impl Towards {
    /// Our side of the handshake, for [`connect`](crate::net::connect::connect) or [`Stream::new`].
    pub fn side(&self) -> Side {
        self.side.clone()
    }

    /// What the server's certificate is worth; nothing without TLS.
    pub fn standing<S: Transport>(&self, stream: &Stream<S>) -> Option<Standing> {
        let chain = stream.peer_certificates();
        stream
            .secured()
            .then(|| self.judge.standing(chain, UnixTime::now()))
    }
}

/// The line for the log: `Verified TLS connection established to mx.example.org[192.0.2.1]:25: TLSv1.3 with cipher …`
#[derive(Debug, Clone, Copy)]
pub struct Established<'a> {
    /// What the certificate is worth.
    pub standing: Standing,
    /// The server.
    pub target: &'a Target,
    /// What TLS is like.
    pub facts: &'a TlsFacts,
}

impl fmt::Display for Established<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TlsFacts {
            version,
            cipher,
            bits,
            ..
        } = self.facts;
        write!(
            f,
            "{} TLS connection established to {}: {version} with cipher {cipher} ({bits}/{bits} bits)",
            self.standing, self.target
        )
    }
}
