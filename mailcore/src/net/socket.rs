//! A plain connection: TCP, Unix, or one that somebody brought. Nothing here knows a protocol.

use super::stream::Transport;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection that is none of the operating system's: a pipe in memory, a tunnel.
pub trait Pipe: Transport + Sync + std::fmt::Debug {}
impl<P: Transport + Sync + std::fmt::Debug> Pipe for P {}

/// A TCP or a Unix connection, or another.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
    /// What somebody brought.
    Pipe(Box<dyn Pipe>),
}

impl Socket {
    /// Where the connection comes from and which address it came to. Addresses of IPv4 mapped into IPv6 are
    /// told as IPv4.
    ///
    /// # Errors
    /// When the connection is already gone.
    pub fn route(&self) -> io::Result<Route> {
        Ok(match self {
            Self::Tcp(tcp) => Route {
                peer: Peer::Tcp(canonical(tcp.peer_addr()?)),
                local: Peer::Tcp(canonical(tcp.local_addr()?)),
            },
            Self::Unix(unix) => Route {
                peer: Peer::Unix(None),
                local: Peer::Unix(unix.local_addr()?.as_pathname().map(PathBuf::from)),
            },
            Self::Pipe(_) => Route::UNKNOWN,
        })
    }
}

pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// An internet address.
    Tcp(SocketAddr),
    /// A process on this host; a path where the socket has one.
    Unix(Option<PathBuf>),
    /// Not known: a load balancer's own connection, or a stream that an embedder brought.
    Unknown,
}

impl Peer {
    /// The internet address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) | Self::Unknown => None,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => path.display().fmt(f),
            Self::Unix(None) => f.write_str("local"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Both ends of a connection, as the PROXY header told them where one was trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The other end.
    pub peer: Peer,
    /// This end.
    pub local: Peer,
}

impl Route {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        peer: Peer::Unknown,
        local: Peer::Unknown,
    };

    /// Both ends have the same address, or are on this host by their nature: nobody can listen in between
    /// (Dovecot's rule for plaintext logins).
    pub fn same_host(&self) -> bool {
        match (&self.peer, &self.local) {
            (Peer::Tcp(peer), Peer::Tcp(local)) => peer.ip() == local.ip(),
            (Peer::Unix(_), _) => true,
            _ => false,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
            Self::Pipe(pipe) => Pin::new(&mut **pipe).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
            Self::Pipe(pipe) => Pin::new(&mut **pipe).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Self::Pipe(pipe) => Pin::new(&mut **pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Self::Pipe(pipe) => Pin::new(&mut **pipe).poll_shutdown(cx),
        }
    }
}
