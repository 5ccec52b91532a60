//! Which servers a message may be handed to, in which order: from a next hop to targets.
//!
//! ```text
//!  NextHop ─► mail exchangers ─► addresses ─► cut at ourselves ─► order, limit ─► Targets ─► Round
//! ```
//!
//! It asks [`Resolve`] and nothing else; it opens no connection. What cannot be looked up for now is
//! [temporary](Unreachable): no mail is returned because DNS is down, not even where only one of several hosts could
//! not be looked up.

mod exchangers;
mod find;
mod myself;
mod nexthop;
mod order;
mod unreachable;

pub(crate) use exchangers::Known;
pub use exchangers::{ExchangerOptions, Exchangers};
pub use myself::Myself;
pub use nexthop::{HopError, Host, NextHop};
pub use unreachable::Unreachable;

use crate::dns::{Family, Resolve};
use crate::net::connect::Target;
use std::iter::FusedIterator;
use std::sync::Arc;

/// How servers are found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Our host name, which stands for a Unix socket's in the log.
    pub hostname: String,
    /// The protocol's port: 25 for SMTP, 24 for LMTP.
    pub port: u16,
    /// Whether a domain's mail exchangers are asked for, and whether we look out for ourselves among them; for SMTP
    /// they are, for LMTP a domain is a host.
    pub exchangers: bool,
    /// The families of addresses that are used; both. None of them is both, too.
    pub only: Option<Family>,
    /// The family that is tried first among equals; neither.
    pub prefer: Option<Family>,
    /// How many addresses a message may try (Postfix: smtp_mx_address_limit); 5, and zero for any number.
    pub addresses: usize,
    /// How many servers that greeted a message may try (Postfix: smtp_mx_session_limit); 2, and zero for any number.
    pub sessions: usize,
    /// Who we are.
    pub myself: Myself,
}

impl Options {
    /// As SMTP finds servers.
    pub fn smtp(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            port: 25,
            exchangers: true,
            only: None,
            prefer: None,
            addresses: 5,
            sessions: 2,
            myself: Myself::default(),
        }
    }

    /// As LMTP finds servers: at port 24, and without mail exchangers.
    pub fn lmtp(hostname: impl Into<String>) -> Self {
        Self {
            port: 24,
            exchangers: false,
            ..Self::smtp(hostname)
        }
    }
}

/// Finds servers.
#[derive(Debug, Clone)]
pub struct Hosts {
    resolver: Arc<dyn Resolve>,
    options: Options,
}

impl Hosts {
    /// Finds them by this resolver.
    pub fn new(resolver: Arc<dyn Resolve>, options: Options) -> Self {
        Self { resolver, options }
    }

    /// The servers for a next hop; `seed` decides the order of equals.
    ///
    /// # Errors
    /// When there is none, or none for now.
    pub async fn find(&self, hop: &NextHop, seed: u64) -> Result<Targets, Unreachable> {
        let list = find::find(&*self.resolver, &self.options, hop, seed).await?;
        Ok(Targets {
            list,
            sessions: self.options.sessions,
        })
    }
}

/// Servers in the order in which they are tried; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    list: Vec<Target>,
    sessions: usize,
}

impl Targets {
    /// All of them.
    pub fn all(&self) -> &[Target] {
        &self.list
    }

    /// One message's way through them.
    pub fn round(&self) -> Round<'_> {
        let any = self.sessions == 0;
        Round {
            rest: self.list.iter(),
            sessions: if any { usize::MAX } else { self.sessions },
        }
    }
}

/// One message's way through its servers, which ends after the last of them or after so many sessions.
#[derive(Debug, Clone)]
pub struct Round<'t> {
    rest: std::slice::Iter<'t, Target>,
    sessions: usize,
}

impl Round<'_> {
    /// The server that came last has greeted: this was a session.
    pub fn greeted(&mut self) {
        self.sessions = self.sessions.saturating_sub(1);
    }
}

impl<'t> Iterator for Round<'t> {
    type Item = &'t Target;

    fn next(&mut self) -> Option<&'t Target> {
        if self.sessions == 0 {
            return None;
        }
        self.rest.next()
    }
}

impl FusedIterator for Round<'_> {}
