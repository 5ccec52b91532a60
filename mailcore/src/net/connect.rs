//! Connections that we open: to an address or a Unix socket, in bounded time.
//!
//! It tries one target once; which ones there are, in what order, and what a failure means for mail is
//! [`crate::deliver::hosts`]'s and the caller's. The operating system makes them, or whoever is in its place ([`Dial`]).

use super::socket::canonical;
use super::tls::Side;
use super::{Socket, Stream};
use async_trait::async_trait;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpSocket, UnixStream};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// An internet address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A server to connect to. Shown as the log shows it: `mx.example.org[192.0.2.1]:25`, `mail.example.org[private/lmtp]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its host name, or the address in its place; our own for a Unix socket.
    pub name: String,
    /// Where it listens.
    pub place: Place,
    /// Whether DNSSEC vouches for every look-up that led here.
    pub vouched: bool,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(at) => write!(f, "{}[{}]:{}", self.name, at.ip(), at.port()),
            Place::Unix(path) => write!(f, "{}[{}]", self.name, path.display()),
        }
    }
}

/// How to connect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long a connection may take to stand; 30 s.
    pub timeout: Duration,
    /// The address that connections to IPv4 come from, where the system is not to choose.
    pub bind_v4: Option<Ipv4Addr>,
    /// The address that connections to IPv6 come from, where the system is not to choose.
    pub bind_v6: Option<Ipv6Addr>,
    /// Who makes the connections; [`System`].
    pub dial: Arc<dyn Dial>,
}

/// Makes connections: the operating system, or a proxy or a network in memory in its place.
#[async_trait]
pub trait Dial: Send + Sync + fmt::Debug {
    /// Connects to `place`, from the addresses that `options` names where it can choose. The caller bounds the time: a
    /// future that is dropped gives up.
    ///
    /// # Errors
    /// When no connection stands. The kind of the error and its text are for the log alone.
    async fn dial(&self, place: &Place, options: &Options) -> io::Result<Socket>;
}

/// The operating system's connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

#[async_trait]
impl Dial for System {
    async fn dial(&self, place: &Place, options: &Options) -> io::Result<Socket> {
        open(place, options).await
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            bind_v4: None,
            bind_v6: None,
            dial: Arc::new(System),
        }
    }
}

/// No connection: `connect to mx.example.org[192.0.2.1]:25: Connection refused`. It may stand another time
/// (RFC 3463: 4.4.1).
#[derive(Debug, thiserror::Error)]
#[error("connect to {target}: {}", words(.source))]
pub struct ConnectError {
    target: String,
    source: io::Error,
}

/// Connects to `target`; with a `side`, TLS can be put on what it gives.
///
/// # Errors
/// When no connection stands in time, or not from the address that it is to come from.
pub async fn connect(
    target: &Target,
    side: Option<Side>,
    options: &Options,
) -> Result<Stream<Socket>, ConnectError> {
    let failed = |source| ConnectError {
        target: target.to_string(),
        source,
    };
    let dialled = options.dial.dial(&target.place, options);
    let socket = tokio::time::timeout(options.timeout, dialled).await;
    let socket = socket
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(failed)?;
    Ok(match side {
        Some(side) => Stream::new(socket, side),
        None => Stream::plain(socket),
    })
}

async fn open(place: &Place, options: &Options) -> io::Result<Socket> {
    let at = match place {
        Place::Unix(path) => return UnixStream::connect(path).await.map(Socket::Unix),
        Place::Tcp(at) => canonical(*at),
    };
    let (socket, from) = match at.ip() {
        IpAddr::V4(_) => (TcpSocket::new_v4()?, options.bind_v4.map(IpAddr::V4)),
        IpAddr::V6(_) => (TcpSocket::new_v6()?, options.bind_v6.map(IpAddr::V6)),
    };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let tcp = socket.connect(at).await?;
    // A machine writes what it has in one piece; waiting for more only costs time.
    tcp.set_nodelay(true)?;
    Ok(Socket::Tcp(tcp))
}

/// What the system says, without the number of the error.
pub(crate) fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::TimedOut {
        return "Connection timed out".to_owned();
    }
    let mut text = error.to_string();
    if let Some(at) = text.find(" (os error ") {
        text.truncate(at);
    }
    text
}

/// The addresses of this host's interfaces.
///
/// # Errors
/// When the system does not tell.
pub fn own_addresses() -> io::Result<Vec<IpAddr>> {
    let ip = |interface: nix::ifaddrs::InterfaceAddress| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    };
    Ok(nix::ifaddrs::getifaddrs()?.filter_map(ip).collect())
}
