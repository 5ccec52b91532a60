//! What a server is to be, said piece by piece. Opens nothing: what was said is tried in `start`.

use super::Protocol;
use crate::auth::Gate;
use crate::metrics::Metrics;
use crate::net::auth_server::DirectoryServer;
use crate::net::listen::{Address, Limits, Listener};
use crate::net::tls::{self, Certificate};
use crate::queue::Setup;
use crate::reception::Reception;
use mailcore_store::mailbox::MailStore;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where certificates come from.
#[derive(Debug, Clone)]
pub(super) enum Identity {
    Files(tls::Sources),
    Given(Certificate),
}

/// A server before it is started.
#[derive(Debug)]
pub struct Builder {
    pub(super) hostname: String,
    pub(super) reception: Option<Arc<dyn Reception>>,
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) store: Option<Arc<dyn MailStore>>,
    pub(super) directory: Option<DirectoryServer>,
    pub(super) queue: Option<Setup>,
    pub(super) identity: Option<Identity>,
    pub(super) limits: Limits,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) greeting: Option<String>,
    pub(super) size_limit: Option<u64>,
    pub(super) places: Vec<(Protocol, Place)>,
}

/// Where a listener comes from.
#[derive(Debug)]
pub(super) enum Place {
    At(Address),
    Bound(Listener),
}

impl Builder {
    pub(super) fn new(hostname: String) -> Self {
        Self {
            hostname,
            reception: None,
            gate: None,
            store: None,
            directory: None,
            queue: None,
            identity: None,
            limits: Limits::default(),
            metrics: None,
            greeting: None,
            size_limit: None,
            places: Vec::new(),
        }
    }

    /// Who decides what mail is taken.
    #[must_use]
    pub fn reception(self, reception: impl Reception + 'static) -> Self {
        Self {
            reception: Some(Arc::new(reception)),
            ..self
        }
    }

    /// Where clients log in. SMTP offers AUTH with it, IMAP and POP3 need it.
    #[must_use]
    pub fn gate(self, gate: Arc<Gate>) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }

    /// The mailboxes that IMAP and POP3 serve.
    #[must_use]
    pub fn mailboxes(self, store: Arc<dyn MailStore>) -> Self {
        Self {
            store: Some(store),
            ..self
        }
    }

    /// The directory of users that one listener serves to other programs ([`Protocol::Userdb`]).
    #[must_use]
    pub fn directory(self, directory: DirectoryServer) -> Self {
        Self {
            directory: Some(directory),
            ..self
        }
    }

    /// A queue, which is run for as long as the server does. Mail gets into it by a reception:
    /// [`Desk::with_queue`](crate::reception::Desk::with_queue).
    #[must_use]
    pub fn queue(self, setup: Setup) -> Self {
        Self {
            queue: Some(setup),
            ..self
        }
    }

    /// A certificate from files, which [`Server::reload`](super::Server::reload) reads again.
    #[must_use]
    pub fn certificate_files(self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            identity: Some(Identity::Files(tls::Sources::one(chain, key))),
            ..self
        }
    }

    /// A certificate at hand.
    #[must_use]
    pub fn certificate(self, certificate: Certificate) -> Self {
        Self {
            identity: Some(Identity::Given(certificate)),
            ..self
        }
    }

    /// How many connections there may be, in all and of one address.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where sessions, mail and deliveries are counted; nowhere by default. Logins are counted by the gate, if it is told to
    /// ([`auth::Options::metrics`](crate::auth::Options)).
    #[must_use]
    pub fn metrics(self, metrics: Arc<Metrics>) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// What IMAP and POP3 greet with (Dovecot: login_greeting).
    #[must_use]
    pub fn greeting(self, text: impl Into<String>) -> Self {
        Self {
            greeting: Some(text.into()),
            ..self
        }
    }

    /// Octets of a message that SMTP takes; 10,240,000 by default.
    #[must_use]
    pub fn size_limit(self, octets: u64) -> Self {
        Self {
            size_limit: Some(octets),
            ..self
        }
    }

    /// Serves SMTP there.
    #[must_use]
    pub fn smtp(self, address: SocketAddr) -> Self {
        self.listen(Protocol::Smtp, Address::Tcp(address))
    }

    /// Serves IMAP there.
    #[must_use]
    pub fn imap(self, address: SocketAddr) -> Self {
        self.listen(Protocol::Imap, Address::Tcp(address))
    }

    /// Serves POP3 there.
    #[must_use]
    pub fn pop3(self, address: SocketAddr) -> Self {
        self.listen(Protocol::Pop3, Address::Tcp(address))
    }

    /// Serves a protocol there.
    #[must_use]
    pub fn listen(mut self, protocol: Protocol, address: Address) -> Self {
        self.places.push((protocol, Place::At(address)));
        self
    }

    /// Serves a protocol on a socket that listens already.
    #[must_use]
    pub fn listen_on(mut self, protocol: Protocol, listener: Listener) -> Self {
        self.places.push((protocol, Place::Bound(listener)));
        self
    }
}
