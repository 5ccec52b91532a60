//! The server: listeners, what they serve, and how they stop. Puts rooms together and decides nothing.

use crate::auth::Gate;
use crate::net::imap_server::ImapServer;
use crate::net::listen::{
    Address, Arrival, Attendant, Limits, Listener, Refused, Turnstile, listen,
};
use crate::net::pop3_server::Pop3Server;
use crate::net::smtp_server::SmtpServer;
use crate::net::tls::{self, Certificate, TlsError};
use crate::net::{Peer, Route, Stream};
use crate::reception::{Reception, Role};
use crate::shutdown::Shutdown;
use mailcore_base::address::{Domain, Repertoire};
use mailcore_smtp::server::StartTls;
use mailcore_store::mailbox::MailStore;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take for the handshake of a TLS port.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// SMTP from other servers (25).
    Smtp,
    /// Submission with STARTTLS (587).
    Submission,
    /// Submission under TLS from the start (465).
    Submissions,
    /// LMTP (24, or a Unix socket).
    Lmtp,
    /// IMAP with STARTTLS (143).
    Imap,
    /// IMAP under TLS from the start (993).
    Imaps,
    /// POP3 with STLS (110).
    Pop3,
    /// POP3 under TLS from the start (995).
    Pop3s,
}

impl Protocol {
    /// Whether TLS stands before the first word.
    fn implicit_tls(self) -> bool {
        matches!(self, Self::Submissions | Self::Imaps | Self::Pop3s)
    }

    fn takes_mail(self) -> bool {
        matches!(
            self,
            Self::Smtp | Self::Submission | Self::Submissions | Self::Lmtp
        )
    }

    /// The ALPN name.
    fn alpn(self) -> &'static str {
        match self {
            Self::Smtp | Self::Submission | Self::Submissions => "smtp",
            Self::Lmtp => "lmtp",
            Self::Imap | Self::Imaps => "imap",
            Self::Pop3 | Self::Pop3s => "pop3",
        }
    }
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The host name is no domain name.
    #[error("`{0}` is no host name")]
    Hostname(String),
    /// A listener takes mail and nobody decides about it.
    #[error("{0:?} needs a reception")]
    NoReception(Protocol),
    /// A listener serves mailboxes and there are no logins or no mail store.
    #[error("{0:?} needs a gate for logins and a mail store")]
    NoMailboxes(Protocol),
    /// A listener is under TLS and there is no certificate.
    #[error("{0:?} needs a certificate")]
    NoCertificate(Protocol),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
}

/// Where certificates come from.
#[derive(Debug, Clone)]
enum Identity {
    Files(tls::Sources),
    Given(Certificate),
}

/// A server before it is started.
#[derive(Debug)]
pub struct Builder {
    hostname: String,
    reception: Option<Arc<dyn Reception>>,
    gate: Option<Arc<Gate>>,
    store: Option<Arc<dyn MailStore>>,
    identity: Option<Identity>,
    limits: Limits,
    greeting: Option<String>,
    size_limit: Option<u64>,
    places: Vec<(Protocol, Place)>,
}

#[derive(Debug)]
enum Place {
    At(Address),
    Bound(Listener),
}

/// A mail server.
///
/// ```
/// # use mailcore::{Server, reception::{Message, Reception, Verdict, Visit}};
/// # use mailcore::base::envelope::{Envelope, Recipient};
/// #[derive(Debug)]
/// struct Printer;
///
/// #[mailcore::async_trait]
/// impl Reception for Printer {
///     async fn recipient(&self, _: &Visit, _: &Envelope, _: &Recipient) -> Verdict {
///         Verdict::Accept
///     }
///     async fn message(&self, _: &Visit, message: Message) -> Verdict {
///         println!("{}", String::from_utf8_lossy(&message.content));
///         Verdict::Accept
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let server = Server::builder("mail.example.test").reception(Printer).smtp("127.0.0.1:0".parse()?).start()?;
/// println!("listening on {}", server.address(mailcore::Protocol::Smtp).unwrap());
/// server.stop(std::time::Duration::from_secs(1)).await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Server {
    shutdown: Shutdown,
    addresses: Vec<(Protocol, Peer)>,
    tls: Vec<(Protocol, Arc<tls::Service>)>,
}

impl Server {
    /// Begins to build the server `hostname`.
    pub fn builder(hostname: impl Into<String>) -> Builder {
        Builder {
            hostname: hostname.into(),
            reception: None,
            gate: None,
            store: None,
            identity: None,
            limits: Limits::default(),
            greeting: None,
            size_limit: None,
            places: Vec::new(),
        }
    }

    /// The TCP address of the first listener of a protocol, with the port that was taken.
    pub fn address(&self, protocol: Protocol) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|(of, peer)| match peer {
            Peer::Tcp(address) if *of == protocol => Some(*address),
            _ => None,
        })
    }

    /// How many sessions run.
    pub fn sessions(&self) -> usize {
        self.shutdown.open()
    }

    /// Reads certificates again; connections that stand keep what they have. Touches files.
    ///
    /// # Errors
    /// The first that cannot be used: it stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.tls
            .iter()
            .try_for_each(|(_, service)| service.reload())
    }

    /// Stops: nobody new is let in, every session is told and has `patience` to finish. Returns how many had
    /// to be cut off.
    pub async fn stop(self, patience: Duration) -> usize {
        self.shutdown.drain(patience).await
    }
}

/// A server that is dropped goes down: sessions are told, and nobody waits for them.
impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

impl Builder {
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

    /// A certificate from files, which [`Server::reload`] reads again.
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

    /// Starts, within a tokio runtime. Every listener answers once this returns.
    ///
    /// # Errors
    /// [`StartError`]; nothing then listens.
    pub fn start(mut self) -> Result<Server, StartError> {
        let hostname = Domain::parse(&self.hostname, Repertoire::Utf8)
            .map_err(|_| StartError::Hostname(self.hostname.clone()))?;
        let turnstile = Turnstile::new(self.limits.clone());
        let shutdown = Shutdown::new();
        let mut ready = Vec::new();
        let mut tls: Vec<(Protocol, Arc<tls::Service>)> = Vec::new();
        for (protocol, place) in std::mem::take(&mut self.places) {
            let secured = self.secure(protocol, &mut tls)?;
            let service = self.service(protocol, &hostname, secured.is_some())?;
            let listener = bind(place)?;
            let counter = Counter {
                protocol,
                service: Arc::new(service),
                tls: secured,
            };
            ready.push((listener, Arc::new(counter)));
        }
        let mut addresses = Vec::new();
        for (listener, counter) in ready {
            let address = listener.address().unwrap_or(Peer::Unknown);
            addresses.push((counter.protocol, address));
            tokio::spawn(listen(
                listener,
                Arc::clone(&turnstile),
                None,
                counter,
                shutdown.clone(),
            ));
        }
        Ok(Server {
            shutdown,
            addresses,
            tls,
        })
    }

    /// The TLS of a protocol, which its listeners share: tickets of one service are worthless on another.
    fn secure(
        &self,
        protocol: Protocol,
        known: &mut Vec<(Protocol, Arc<tls::Service>)>,
    ) -> Result<Option<Arc<tls::Service>>, StartError> {
        let Some(identity) = &self.identity else {
            return if protocol.implicit_tls() {
                Err(StartError::NoCertificate(protocol))
            } else {
                Ok(None)
            };
        };
        if let Some((_, service)) = known.iter().find(|(of, _)| of.alpn() == protocol.alpn()) {
            return Ok(Some(Arc::clone(service)));
        }
        let options = tls::Options::for_protocol(protocol.alpn());
        let service = match identity {
            Identity::Files(sources) => tls::Service::open(sources.clone(), options)?,
            Identity::Given(certificate) => tls::Service::with(certificate, options)?,
        };
        known.push((protocol, Arc::clone(&service)));
        Ok(Some(service))
    }

    fn service(
        &self,
        protocol: Protocol,
        hostname: &Domain,
        tls: bool,
    ) -> Result<Service, StartError> {
        if protocol.takes_mail() {
            let reception = self
                .reception
                .clone()
                .ok_or(StartError::NoReception(protocol))?;
            return Ok(Service::Smtp(
                self.smtp_server(protocol, hostname, tls, reception),
            ));
        }
        let (gate, store) = match (&self.gate, &self.store) {
            (Some(gate), Some(store)) => (Arc::clone(gate), Arc::clone(store)),
            _ => return Err(StartError::NoMailboxes(protocol)),
        };
        Ok(match protocol {
            Protocol::Imap | Protocol::Imaps => {
                let mut options = mailcore_imap::server::Options::default();
                if let Some(greeting) = &self.greeting {
                    options.greeting.clone_from(greeting);
                }
                Service::Imap(ImapServer::new(options, gate, store))
            }
            _ => {
                let mut options = mailcore_imap::pop3::Options::default();
                if let Some(greeting) = &self.greeting {
                    options.greeting.clone_from(greeting);
                }
                Service::Pop3(Pop3Server::new(options, gate, store))
            }
        })
    }

    fn smtp_server(
        &self,
        protocol: Protocol,
        hostname: &Domain,
        tls: bool,
        reception: Arc<dyn Reception>,
    ) -> SmtpServer {
        let role = match protocol {
            Protocol::Lmtp => Role::Lmtp,
            Protocol::Smtp => Role::Transfer,
            _ => Role::Submission,
        };
        let mut options = match role {
            Role::Lmtp => mailcore_smtp::server::Options::lmtp(hostname.clone()),
            _ => mailcore_smtp::server::Options::smtp(hostname.clone()),
        };
        options.starttls = match (tls, role) {
            (false, _) => StartTls::Off,
            (true, Role::Submission) => StartTls::Required,
            (true, _) => StartTls::Offered,
        };
        if let (Some(limit), Role::Transfer | Role::Submission) = (self.size_limit, role) {
            options.size_limit = Some(limit);
        }
        SmtpServer::new(role, options, reception, self.gate.clone())
    }
}

fn bind(place: Place) -> Result<Listener, StartError> {
    match place {
        Place::Bound(listener) => Ok(listener),
        Place::At(address) => Listener::bind(&address).map_err(|source| {
            let address = match &address {
                Address::Tcp(address) => address.to_string(),
                Address::Unix { path, .. } => path.display().to_string(),
            };
            StartError::Listen { address, source }
        }),
    }
}

/// What stands behind a listener.
#[derive(Debug)]
enum Service {
    Smtp(SmtpServer),
    Imap(ImapServer),
    Pop3(Pop3Server),
}

/// One listener's side of the house.
#[derive(Debug)]
struct Counter {
    protocol: Protocol,
    service: Arc<Service>,
    tls: Option<Arc<tls::Service>>,
}

impl Attendant for Counter {
    fn receive(&self, arrival: Arrival) -> impl Future<Output = ()> + Send + 'static {
        let tls = self.tls.clone();
        let service = Arc::clone(&self.service);
        let implicit = self.protocol.implicit_tls();
        async move {
            let Arrival {
                socket,
                route,
                bell,
                ..
            } = arrival;
            let mut stream = match tls {
                Some(tls) => Stream::new(socket, tls::Side::Serve(tls)),
                None => Stream::plain(socket),
            };
            if implicit {
                let secured = tokio::select! {
                    secured = tokio::time::timeout(HANDSHAKE, stream.secure()) => secured,
                    // A shutdown, or somebody who ends it: nothing can be said before TLS stands.
                    _ = bell.hear() => return,
                };
                match secured {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        return tracing::info!(peer = %route.peer, %error, "no TLS handshake");
                    }
                    Err(_) => {
                        return tracing::info!(peer = %route.peer, "the TLS handshake took too long");
                    }
                }
            }
            match &*service {
                Service::Smtp(server) => server.serve(stream, &route, bell).await,
                Service::Imap(server) => server.serve(stream, &route, bell).await,
                Service::Pop3(server) => server.serve(stream, &route, bell).await,
            }
        }
    }

    fn refuse(&self, refused: Refused, route: &Route) -> Vec<u8> {
        // Under TLS nothing can be said before the handshake.
        if self.protocol.implicit_tls() {
            return Vec::new();
        }
        match self.protocol {
            Protocol::Imap => {
                b"* BYE Maximum number of connections from user+IP exceeded\r\n".to_vec()
            }
            Protocol::Pop3 => {
                b"-ERR [IN-USE] Maximum number of connections from user+IP exceeded\r\n".to_vec()
            }
            _ => {
                let client = crate::log::Client::at(route.peer.ip());
                match refused {
                    Refused::Address => {
                        format!("421 4.7.0 Error: too many connections from {client}\r\n")
                            .into_bytes()
                    }
                    _ => b"421 4.3.2 All server ports are busy\r\n".to_vec(),
                }
            }
        }
    }
}
