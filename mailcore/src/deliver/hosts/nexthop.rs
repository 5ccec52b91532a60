//! Where mail is to go next, as routing names it.

use mailcore_base::address::Domain;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// Where to go next. `unix:` paths aside, a port that is not given is the protocol's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NextHop {
    /// `example.org`, `example.org:587`: the domain's mail exchangers.
    Domain(Domain, Option<u16>),
    /// `[mx.example.org]`, `[192.0.2.1]:2525`, `[IPv6:2001:db8::1]`, `inet:mx.example.org:24`: that host itself.
    Host(Host, Option<u16>),
    /// `unix:/run/lmtp`: a Unix socket.
    Unix(PathBuf),
}

/// A host: by name or by address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// By name.
    Name(Domain),
    /// By address.
    Ip(IpAddr),
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HopError {
    /// Neither a name nor an address.
    #[error("valid hostname or network address required in server description: {0}")]
    Host(String),
    /// A bracket that nothing closes.
    #[error("missing \"]\" in server description: {0}")]
    Bracket(String),
    /// A port that is neither a number of 1 to 65535 nor the name of a mail service.
    #[error("unknown service: {0}/tcp")]
    Service(String),
}

impl NextHop {
    /// Reads a next hop, without the name of a transport.
    ///
    /// # Errors
    /// [`HopError`], in Postfix's words.
    pub fn parse(text: &str) -> Result<Self, HopError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        if let Some(inet) = text.strip_prefix("inet:") {
            return Ok(match Self::parse_inet(inet)? {
                Self::Domain(name, port) => Self::Host(Host::Name(name), port),
                other => other,
            });
        }
        Self::parse_inet(text)
    }

    fn parse_inet(text: &str) -> Result<Self, HopError> {
        let Some(bracketed) = text.strip_prefix('[') else {
            let (host, port) = match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(service(port)?)),
                None => (text, None),
            };
            return Ok(match parse_host(host, text)? {
                Host::Name(name) => Self::Domain(name, port),
                ip => Self::Host(ip, port),
            });
        };
        let (host, behind) = bracketed
            .split_once(']')
            .ok_or_else(|| HopError::Bracket(text.to_owned()))?;
        let port = match behind.strip_prefix(':') {
            Some(port) => Some(service(port)?),
            None if behind.is_empty() => None,
            None => return Err(HopError::Host(text.to_owned())),
        };
        Ok(Self::Host(parse_host(host, text)?, port))
    }
}

/// A name, an IPv4 address, or an IPv6 address with or without its tag (RFC 5321 §4.1.3).
fn parse_host(host: &str, whole: &str) -> Result<Host, HopError> {
    let tagged = host
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("ipv6:"))
        .and_then(|_| host.get(5..));
    if let Some(v6) = tagged.and_then(|v6| v6.parse::<Ipv6Addr>().ok()) {
        return Ok(Host::Ip(IpAddr::V6(v6)));
    }
    if let Ok(ip) = host.parse() {
        return Ok(Host::Ip(ip));
    }
    let name = host.parse().map_err(|_| HopError::Host(whole.to_owned()))?;
    Ok(Host::Name(name))
}

/// A port, by number or by the name of a mail service (as services(5) has them).
fn service(text: &str) -> Result<u16, HopError> {
    let known = match text.to_ascii_lowercase().as_str() {
        "smtp" | "mail" => Some(25),
        "lmtp" => Some(24),
        "submission" => Some(587),
        "submissions" | "smtps" | "urd" => Some(465),
        number if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
        _ => None,
    };
    known
        .filter(|port| *port != 0)
        .ok_or_else(|| HopError::Service(text.to_owned()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_ascii()),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self {
            Self::Unix(path) => return write!(f, "unix:{}", path.display()),
            Self::Domain(name, port) => {
                f.write_str(name.as_ascii())?;
                port
            }
            Self::Host(Host::Ip(IpAddr::V6(v6)), port) => {
                write!(f, "[IPv6:{v6}]")?;
                port
            }
            Self::Host(host, port) => {
                write!(f, "[{host}]")?;
                port
            }
        };
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back_alike() {
        for (text, shown) in [
            ("Example.ORG", "example.org"),
            ("example.org:submission", "example.org:587"),
            ("[mx.example.org]", "[mx.example.org]"),
            ("[mx.example.org]:2525", "[mx.example.org]:2525"),
            ("[192.0.2.1]:25", "[192.0.2.1]:25"),
            ("192.0.2.1", "[192.0.2.1]"),
            ("127.0.0.1:2525", "[127.0.0.1]:2525"),
            ("[IPv6:2001:db8::1]:24", "[IPv6:2001:db8::1]:24"),
            ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("inet:lmtp.example.org:lmtp", "[lmtp.example.org]:24"),
            ("inet:[127.0.0.1]", "[127.0.0.1]"),
            ("unix:private/dovecot-lmtp", "unix:private/dovecot-lmtp"),
            ("localhost:1025", "localhost:1025"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            let hop = NextHop::parse(text).unwrap();
            assert_eq!(hop.to_string(), shown, "{text}");
            assert_eq!(NextHop::parse(shown), Ok(hop), "{text}");
        }
    }

    #[test]
    fn what_names_no_place_is_refused_in_the_known_words() {
        for (text, words) in [
            ("[foo", "missing \"]\" in server description: [foo"),
            ("foo.test:nosuch", "unknown service: nosuch/tcp"),
            ("foo.test:0", "unknown service: 0/tcp"),
            ("foo.test:65536", "unknown service: 65536/tcp"),
            (
                "bad!x.test",
                "valid hostname or network address required in server description: bad!x.test",
            ),
            (
                "[a]b",
                "valid hostname or network address required in server description: [a]b",
            ),
            (
                "",
                "valid hostname or network address required in server description: ",
            ),
        ] {
            assert_eq!(NextHop::parse(text).unwrap_err().to_string(), words);
        }
    }
}
