//! What is known of a connection. It outlives RSET, and most of it dies with STARTTLS.

use super::options::LineEnds;
use mailcore_base::{envelope::Text, login::TlsFacts};
use std::{fmt, net::IpAddr};

/// The other end, as the driver and its resolver know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Peer {
    /// Its address; `None` on a Unix socket.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// Its verified name.
    pub name: Option<Text>,
    /// The name that its address resolves to, verified or not.
    pub reverse_name: Option<Text>,
    /// The address it connected to.
    pub local_address: Option<IpAddr>,
    /// The port it connected to.
    pub local_port: Option<u16>,
}

/// `name[address]`, as logs and replies show a client.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or("unknown"))?;
        match self.address {
            Some(address) => write!(f, "[{address}]"),
            None => f.write_str("[unknown]"),
        }
    }
}

/// What a peer may do that others may not. Strangers may do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Trust {
    /// XCLIENT: speak for a client of its own.
    pub xclient: bool,
    /// XFORWARD: tell of its client, for logs.
    pub xforward: bool,
    /// Send ahead where others must wait.
    pub pipelining: bool,
    /// Line ends in content, where they are not as the listener's options say.
    pub line_ends: Option<LineEnds>,
}

/// What HELO, EHLO or LHLO said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeted {
    /// The name, as one safe line; nobody has checked it.
    pub name: Text,
    /// Whether it was EHLO or LHLO.
    pub extended: bool,
}

/// Who has logged in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The user's canonical name.
    pub name: Text,
    /// The mechanism, upper case.
    pub mechanism: Text,
}

/// What a trusted proxy says of the client it speaks for (XCLIENT), or a filter of the client the message
/// came from (XFORWARD). `None` where it did not say, or did not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// NAME
    pub name: Option<Text>,
    /// REVERSE_NAME
    pub reverse_name: Option<Text>,
    /// ADDR
    pub address: Option<IpAddr>,
    /// PORT
    pub port: Option<u16>,
    /// PROTO: `SMTP` or `ESMTP`
    pub protocol: Option<Text>,
    /// HELO
    pub hello: Option<Text>,
    /// LOGIN (XCLIENT only)
    pub login: Option<Text>,
    /// DESTADDR (XCLIENT only)
    pub local_address: Option<IpAddr>,
    /// DESTPORT (XCLIENT only)
    pub local_port: Option<u16>,
    /// IDENT (XFORWARD only): the queue id over there
    pub ident: Option<Text>,
    /// SOURCE (XFORWARD only): `LOCAL` or `REMOTE`
    pub source: Option<Text>,
}

impl Claimed {
    /// This, and what was claimed before where this says nothing.
    pub(super) fn over(self, before: Self) -> Self {
        Self {
            name: self.name.or(before.name),
            reverse_name: self.reverse_name.or(before.reverse_name),
            address: self.address.or(before.address),
            port: self.port.or(before.port),
            protocol: self.protocol.or(before.protocol),
            hello: self.hello.or(before.hello),
            login: self.login.or(before.login),
            local_address: self.local_address.or(before.local_address),
            local_port: self.local_port.or(before.local_port),
            ident: self.ident.or(before.ident),
            source: self.source.or(before.source),
        }
    }
}

/// All that is known of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The other end.
    pub peer: Peer,
    /// What it may do.
    pub trust: Trust,
    /// What it calls itself. Forgotten at STARTTLS.
    pub hello: Option<Greeted>,
    /// The TLS layer, once it stands.
    pub tls: Option<TlsFacts>,
    /// Who has logged in. Forgotten at STARTTLS.
    pub login: Option<LoggedIn>,
    /// What XFORWARD said for the message to come. Forgotten with the transaction.
    pub forwarded: Option<Box<Claimed>>,
}
