//! Listening sockets: bound here or injected, TCP or Unix. Accepting never fails and never spins.

use crate::net::socket::canonical;
use crate::net::{Peer, Socket};
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Connections that may wait for us to accept them.
const BACKLOG: u32 = 1024;
/// The first and the longest pause when no connection can be accepted for want of something.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An internet address and a port; port zero takes a free one. `[::]` is IPv6 alone.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix {
        /// Where; a socket that a dead server has left there is replaced.
        path: PathBuf,
        /// Its permissions, such as 0o660.
        mode: u32,
        /// Its owner and group, where they are to be others than ours.
        owner: (Option<u32>, Option<u32>),
    },
}

/// A listening socket. A Unix socket that was bound here is removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Listening,
    bound: Option<PathBuf>,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens at `address`; within a tokio runtime.
    ///
    /// # Errors
    /// When the address is taken or not ours to take.
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Self {
                socket: Listening::Tcp(bind_tcp(*address)?),
                bound: None,
            }),
            Address::Unix { path, mode, owner } => {
                let mut listener = Self::from_unix(bind_unix(path, *mode, *owner)?)?;
                listener.bound = Some(path.clone());
                Ok(listener)
            }
        }
    }

    /// Takes over a TCP socket that listens already; within a tokio runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn from_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            socket: Listening::Tcp(TcpListener::from_std(listener)?),
            bound: None,
        })
    }

    /// Takes over a Unix socket that listens already; within a tokio runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn from_unix(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            socket: Listening::Unix(UnixListener::from_std(listener)?),
            bound: None,
        })
    }

    /// Where it listens, with the port that was taken.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<Peer> {
        Ok(match &self.socket {
            Listening::Tcp(tcp) => Peer::Tcp(canonical(tcp.local_addr()?)),
            Listening::Unix(unix) => {
                Peer::Unix(unix.local_addr()?.as_pathname().map(Path::to_owned))
            }
        })
    }

    /// The next connection. When descriptors or memory have run out it says so once and tries again after a
    /// pause: the peers wait in the backlog. May be dropped.
    pub async fn accept(&self) -> Socket {
        let mut pause = None;
        loop {
            match self.accept_once().await {
                Ok(socket) => {
                    prepare(&socket);
                    return socket;
                }
                // The peer left before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    if pause.is_none() {
                        tracing::warn!(%error, "connections cannot be accepted for now");
                    }
                    let length = pause.unwrap_or(PAUSE.0);
                    tokio::time::sleep(length).await;
                    pause = Some((length * 2).min(PAUSE.1));
                }
            }
        }
    }

    async fn accept_once(&self) -> io::Result<Socket> {
        Ok(match &self.socket {
            Listening::Tcp(tcp) => Socket::Tcp(tcp.accept().await?.0),
            Listening::Unix(unix) => Socket::Unix(unix.accept().await?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.bound {
            // Best effort: whoever binds next replaces it.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Listens on a Unix socket, of exactly this mode and owner from the first connection on, whatever the process's umask.
/// A socket that a dead server has left at the path is replaced; one where somebody listens is not.
///
/// # Errors
/// When the path is taken or not ours to take, or the owner not ours to give.
pub fn bind_unix(
    path: &Path,
    mode: u32,
    owner: (Option<u32>, Option<u32>),
) -> io::Result<std::os::unix::net::UnixListener> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let address = SocketAddrUnix::new(path)?;
    match rustix::net::bind(&socket, &address) {
        Err(rustix::io::Errno::ADDRINUSE) if left_behind(path)? => {
            std::fs::remove_file(path)?;
            rustix::net::bind(&socket, &address)?;
        }
        bound => bound?,
    }
    // Before anybody can connect: a socket that does not listen yet refuses everybody.
    let dressed = std::fs::set_permissions(path, Permissions::from_mode(mode))
        .and_then(|()| match owner {
            (None, None) => Ok(()),
            (user, group) => std::os::unix::fs::chown(path, user, group),
        })
        .and_then(|()| Ok(rustix::net::listen(&socket, BACKLOG as i32)?));
    if let Err(error) = dressed {
        // Best effort: whoever binds next replaces it.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(socket.into())
}

/// A socket at which nobody listens. One that does not let us in has somebody behind it.
fn left_behind(path: &Path) -> io::Result<bool> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let refused = std::os::unix::net::UnixStream::connect(path).err();
    Ok(refused.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

/// What helps but is not needed: answers leave at once, dead peers are noticed some day.
fn prepare(socket: &Socket) {
    if let Socket::Tcp(tcp) = socket {
        let _ = tcp.set_nodelay(true);
        let _ = rustix::net::sockopt::set_socket_keepalive(tcp, true);
    }
}
