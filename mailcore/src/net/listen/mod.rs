//! From a listening socket to sessions: accepts, counts, believes a trusted balancer's PROXY header, and gives
//! each connection a task of its own. Knows no protocol: what a session says, and what a refused peer is
//! told, is the caller's.

mod bind;
pub mod proxy;
mod turnstile;

pub use bind::{Address, Listener};
pub use turnstile::{Limits, Pass, Refused, Turnstile};

use crate::net::{Bell, Network, Route, Socket};
use crate::shutdown::Shutdown;
use proxy::Header;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Whose PROXY header is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancers {
    /// A connection from these must begin with a header; from anybody else a header is junk like any other.
    pub trusted: Vec<Network>,
    /// How long the header may take.
    pub patience: Duration,
}

impl Balancers {
    /// Believes these, and waits 5 s for their header (Postfix's `smtpd_upstream_proxy_timeout`).
    pub fn new(trusted: Vec<Network>) -> Self {
        Self {
            trusted,
            patience: Duration::from_secs(5),
        }
    }

    fn trust(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.trusted.iter().any(|network| network.contains(peer)))
    }
}

/// A connection that was let in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// The connection.
    pub socket: Socket,
    /// Whom it comes from.
    pub route: Route,
    /// The bell of its session; a shutdown will ring it.
    pub bell: Bell,
}

/// What is done with connections; written by each protocol's driver.
pub trait Attendant: Send + Sync + 'static {
    /// A session, in a task of its own until it returns. A panic in it costs this session alone.
    fn receive(&self, arrival: Arrival) -> impl Future<Output = ()> + Send + 'static;

    /// What a peer is told that was not let in, sent as far as it goes at once; nothing by default. Whether the log
    /// speaks of it is decided here too.
    fn refuse(&self, refused: Refused, route: &Route) -> Vec<u8> {
        let _ = (refused, route);
        Vec::new()
    }
}

/// Accepts at `listener` until a shutdown begins; then it closes, and its sessions go on to their end.
pub async fn listen<R: Attendant>(
    listener: Listener,
    turnstile: Arc<Turnstile>,
    balancers: Option<Balancers>,
    attendant: Arc<R>,
    shutdown: Shutdown,
) {
    let balancers = balancers.map(Arc::new);
    loop {
        let socket = tokio::select! {
            biased;
            () = shutdown.requested() => return,
            socket = listener.accept() => socket,
        };
        // A peer that is gone already has no address.
        let Ok(route) = socket.route() else { continue };
        let pass = match turnstile.enter() {
            Ok(pass) => pass,
            Err(refused) => {
                turn_away(&socket, &attendant.refuse(refused, &route), refused, &route);
                continue;
            }
        };
        let door = Door {
            pass,
            balancers: balancers.clone(),
            attendant: Arc::clone(&attendant),
        };
        let bell = Bell::new();
        let arrival = Arrival {
            socket,
            route,
            bell: bell.clone(),
        };
        shutdown.spawn(bell, door.admit(arrival));
    }
}

/// The way in for one connection.
struct Door<R> {
    pass: Pass,
    balancers: Option<Arc<Balancers>>,
    attendant: Arc<R>,
}

impl<R: Attendant> Door<R> {
    async fn admit(self, mut arrival: Arrival) {
        if let Some(balancers) = &self.balancers
            && balancers.trust(arrival.route.peer.ip())
        {
            let header = tokio::time::timeout(balancers.patience, proxy::read(&mut arrival.socket));
            match header.await {
                Ok(Ok(Header::Route(route))) => arrival.route = route,
                Ok(Ok(Header::Own)) => {}
                Ok(Err(error)) => {
                    let peer = &arrival.route.peer;
                    tracing::warn!(%peer, %error, "no PROXY header from a trusted balancer");
                    return;
                }
                Err(_) => {
                    let peer = &arrival.route.peer;
                    tracing::warn!(%peer, "PROXY header from a trusted balancer took too long");
                    return;
                }
            }
        }
        let named = match arrival.route.peer.ip() {
            Some(peer) => self.pass.name(peer),
            None => Ok(self.pass),
        };
        match named {
            Ok(_pass) => self.attendant.receive(arrival).await,
            Err(refused) => {
                let words = self.attendant.refuse(refused, &arrival.route);
                turn_away(&arrival.socket, &words, refused, &arrival.route);
            }
        }
    }
}

fn turn_away(socket: &Socket, words: &[u8], refused: Refused, route: &Route) {
    tracing::debug!(peer = %route.peer, "connection refused: {refused}");
    if !words.is_empty() {
        // As far as it goes: nobody waits for a peer that was not let in.
        let _ = match socket {
            Socket::Tcp(tcp) => tcp.try_write(words),
            Socket::Unix(unix) => unix.try_write(words),
            // No listener gives one.
            Socket::Pipe(_) => Ok(0),
        };
    }
}
