//! How mail is handed to other servers.

use crate::deliver::hosts::{self, NextHop};
use crate::net::connect;
use crate::net::tls::client::{Level, Policy};
use mailcore_base::address::Domain;
use mailcore_smtp::client::{self, Flavour};
use std::sync::Arc;
use std::time::Duration;

/// How mail is handed to other servers. The defaults are Postfix's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The program that the log names: `postfix/smtp`, `postfix/relay/smtp`, `postfix/lmtp`.
    pub program: Arc<str>,
    /// How servers are found.
    pub hosts: hosts::Options,
    /// A next hop that is our own choice and not the recipients' (Postfix: relayhost): a mistake in it is ours, so mail that
    /// finds no server there is deferred, never returned.
    pub relay_host: Option<NextHop>,
    /// How connections are made.
    pub connect: connect::Options,
    /// The protocol. Its `tls` and `login` are not looked at: they follow from the policy and the credentials.
    pub session: client::Options,
    /// The TLS that a destination has to offer, where nothing else is said of it: where it is offered for SMTP, none
    /// for LMTP.
    pub tls: Policy,
    /// TLS from the first octet on, rather than by STARTTLS (Postfix: smtp_tls_wrappermode); no.
    pub implicit_tls: bool,
    /// The age from which on a message goes in the clear, where TLS may be and its handshake fails (Postfix:
    /// minimal_backoff_time, which makes it the second attempt); 300 s.
    pub plain_after: Duration,
    /// Connections that are kept for further messages.
    pub cache: CacheOptions,
}

/// How connections are kept for further messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Whether one is kept only where messages follow on one another (Postfix: smtp_connection_cache_on_demand); yes.
    pub on_demand: bool,
    /// How long one may rest between two messages (Postfix: smtp_connection_cache_time_limit); 2 s, and zero to keep
    /// none.
    pub rest: Duration,
    /// How old one may be that takes another message (Postfix: smtp_connection_reuse_time_limit); 300 s.
    pub age: Duration,
    /// How many messages one takes (Postfix: smtp_connection_reuse_count_limit); any number, which is zero.
    pub messages: u64,
    /// How many rest at once, of all destinations; 128.
    pub most: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            on_demand: true,
            rest: Duration::from_secs(2),
            age: Duration::from_secs(300),
            messages: 0,
            most: 128,
        }
    }
}

impl Options {
    /// For SMTP.
    pub fn smtp(hostname: Domain) -> Self {
        Self {
            program: "postfix/smtp".into(),
            hosts: hosts::Options::smtp(hostname.as_ascii()),
            relay_host: None,
            connect: connect::Options::default(),
            session: client::Options::smtp(hostname),
            tls: Policy::new(Level::May),
            implicit_tls: false,
            plain_after: Duration::from_secs(300),
            cache: CacheOptions::default(),
        }
    }

    /// For LMTP: to whatever next hop it is, and without TLS.
    pub fn lmtp(hostname: Domain) -> Self {
        Self {
            program: "postfix/lmtp".into(),
            hosts: hosts::Options::lmtp(hostname.as_ascii()),
            session: client::Options::lmtp(hostname.clone()),
            tls: Policy::new(Level::None),
            ..Self::smtp(hostname)
        }
    }

    /// SMTP or LMTP.
    pub fn flavour(&self) -> Flavour {
        self.session.flavour
    }
}
