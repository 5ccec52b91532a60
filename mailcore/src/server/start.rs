//! From what was said of a server to one that answers: TLS, the protocols' drivers, the listeners. What comes
//! in is the counter's.

use super::builder::{Builder, Identity, Place};
use super::counter::{Counter, Service};
use super::{Protocol, Server, StartError, renewal};
use crate::metrics::Metrics;
use crate::net::Peer;
use crate::net::auth_server::AuthServer;
use crate::net::imap_server::ImapServer;
use crate::net::listen::{Address, Listener, Turnstile, listen};
use crate::net::pop3_server::Pop3Server;
use crate::net::smtp_server::SmtpServer;
use crate::net::tls;
use crate::queue::{Runner, Setup};
use crate::reception::{Reception, Role};
use crate::shutdown::Shutdown;
use mailcore_base::address::{Domain, Repertoire};
use mailcore_smtp::server::StartTls;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a queue rests whose runner has panicked.
const AFTER_PANIC: Duration = Duration::from_secs(10);

impl Builder {
    /// Starts, within a tokio runtime. Every listener answers once this returns.
    ///
    /// # Errors
    /// [`StartError`]; nothing then listens.
    pub fn start(mut self) -> Result<Server, StartError> {
        let hostname = Domain::parse(&self.hostname, Repertoire::Utf8)
            .map_err(|_| StartError::Hostname(self.hostname.clone()))?;
        let turnstile = Turnstile::new(self.limits.clone());
        let limits = Arc::new(self.limits.clone());
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
                limits: Arc::clone(&limits),
                sessions: self
                    .metrics
                    .as_ref()
                    .map(|metrics| Arc::clone(metrics.sessions(protocol))),
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
        let runner = self
            .queue
            .map(|setup| tokio::spawn(run_queue(setup, self.metrics.clone(), shutdown.clone())));
        let services = tls.iter().map(|(_, service)| Arc::clone(service));
        tokio::spawn(renewal::watch(services.collect(), shutdown.clone()));
        Ok(Server {
            shutdown,
            addresses,
            tls,
            runner,
        })
    }

    /// The TLS of a protocol, which its listeners share: tickets of one service are worthless on another.
    fn secure(
        &self,
        protocol: Protocol,
        known: &mut Vec<(Protocol, Arc<tls::Service>)>,
    ) -> Result<Option<Arc<tls::Service>>, StartError> {
        if !protocol.knows_tls() {
            return Ok(None);
        }
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
        &mut self,
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
        match (protocol, &self.gate) {
            (Protocol::Auth, Some(gate)) => {
                return Ok(Service::Auth(AuthServer::new(Arc::clone(gate))));
            }
            (Protocol::Auth, None) => return Err(StartError::NoGate(protocol)),
            (Protocol::Userdb, _) => {
                let directory = self.directory.take();
                return directory
                    .map(Service::Userdb)
                    .ok_or(StartError::NoDirectory(protocol));
            }
            _ => {}
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
                Service::Imap(ImapServer::new(options, gate, store).counting(self.metrics.clone()))
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
        SmtpServer::new(role, options, reception, self.gate.clone()).counting(self.metrics.clone())
    }
}

/// Runs the queue until the server goes down. A runner that panics is a fault of ours, and no reason to leave mail lying:
/// another takes its place, which gets what was in hand once the claims have run out.
async fn run_queue(setup: Setup, metrics: Option<Arc<Metrics>>, shutdown: Shutdown) {
    loop {
        let runner = Runner::new(setup.clone()).counting(metrics.clone());
        let stop = shutdown.clone();
        let mut running = JoinSet::new();
        running.spawn(async move { runner.run(stop.requested()).await });
        match running.join_next().await {
            Some(Err(error)) if error.is_panic() => tracing::error!("the queue's runner panicked"),
            _ => return,
        }
        tokio::select! {
            () = tokio::time::sleep(AFTER_PANIC) => {}
            () = shutdown.requested() => return,
        }
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
