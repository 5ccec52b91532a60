//! From a listening socket to sessions: accepts, counts, believes a trusted balancer's PROXY header, and gives
//! each connection a task of its own. Knows no protocol: what a session says, and what a refused peer is
//! told, is the caller's.

mod bind;
mod gate;
mod proxy;

pub use bind::{Address, Listener};
pub use gate::{Gate, Limits, Pass, Refused};

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
pub struct Visit {
    /// The connection.
    pub socket: Socket,
    /// Whom it comes from.
    pub route: Route,
    /// The bell of its session; a shutdown will ring it.
    pub bell: Bell,
}

/// What is done with connections; written by each protocol's driver.
pub trait Reception: Send + Sync + 'static {
    /// A session, in a task of its own until it returns. A panic in it costs this session alone.
    fn receive(&self, visit: Visit) -> impl Future<Output = ()> + Send + 'static;

    /// What a peer is told that was not let in, sent as far as it goes at once; nothing by default.
    fn refuse(&self, refused: Refused, route: &Route) -> Vec<u8> {
        let _ = (refused, route);
        Vec::new()
    }
}

/// Accepts at `listener` until a shutdown begins; then it closes, and its sessions go on to their end.
pub async fn listen<R: Reception>(
    listener: Listener,
    gate: Arc<Gate>,
    balancers: Option<Balancers>,
    reception: Arc<R>,
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
        let pass = match gate.enter() {
            Ok(pass) => pass,
            Err(refused) => {
                turn_away(&socket, &reception.refuse(refused, &route), refused, &route);
                continue;
            }
        };
        let door = Door {
            pass,
            balancers: balancers.clone(),
            reception: Arc::clone(&reception),
        };
        let bell = Bell::new();
        let visit = Visit {
            socket,
            route,
            bell: bell.clone(),
        };
        shutdown.spawn(bell, door.admit(visit));
    }
}

/// The way in for one connection.
struct Door<R> {
    pass: Pass,
    balancers: Option<Arc<Balancers>>,
    reception: Arc<R>,
}

impl<R: Reception> Door<R> {
    async fn admit(self, mut visit: Visit) {
        if let Some(balancers) = &self.balancers
            && balancers.trust(visit.route.peer.ip())
        {
            let header = tokio::time::timeout(balancers.patience, proxy::read(&mut visit.socket));
            match header.await {
                Ok(Ok(Header::Route(route))) => visit.route = route,
                Ok(Ok(Header::Own)) => {}
                Ok(Err(error)) => {
                    let peer = &visit.route.peer;
                    tracing::warn!(%peer, %error, "no PROXY header from a trusted balancer");
                    return;
                }
                Err(_) => {
                    let peer = &visit.route.peer;
                    tracing::warn!(%peer, "PROXY header from a trusted balancer took too long");
                    return;
                }
            }
        }
        let named = match visit.route.peer.ip() {
            Some(peer) => self.pass.name(peer),
            None => Ok(self.pass),
        };
        match named {
            Ok(_pass) => self.reception.receive(visit).await,
            Err(refused) => {
                let words = self.reception.refuse(refused, &visit.route);
                turn_away(&visit.socket, &words, refused, &visit.route);
            }
        }
    }
}

fn turn_away(socket: &Socket, words: &[u8], refused: Refused, route: &Route) {
    tracing::info!(peer = %route.peer, "connection refused: {refused}");
    if !words.is_empty() {
        // As far as it goes: nobody waits for a peer that was not let in.
        let _ = match socket {
            Socket::Tcp(tcp) => tcp.try_write(words),
            Socket::Unix(unix) => unix.try_write(words),
        };
    }
}
