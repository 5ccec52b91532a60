//! A connection that is read line by line and literal by literal out of one large buffer.

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Room for what was received and not yet looked at. Of sessions that idle there are thousands.
const ROOM: usize = 256 * 1024;
const FIRST: usize = 4 * 1024;
/// Longer nobody is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whom to believe under TLS, and under which name.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// Believes whoever shows this certificate as `name`. Each session makes a whole handshake: none is resumed.
    pub fn only(certificate: &Path, name: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for found in CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)? {
            let found = found.map_err(io::Error::other)?;
            roots.add(found).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            name: ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
        })
    }
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    room: Vec<u8>,
    from: usize,
    until: usize,
}

impl Connection {
    pub fn open(address: SocketAddr, trust: Option<&Trust>) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let stream = match trust {
            None => Stream::Plain(socket),
            Some(trust) => {
                let client = ClientConnection::new(trust.config.clone(), trust.name.clone());
                let client = client.map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(client, socket)))
            }
        };
        Ok(Self {
            stream,
            room: vec![0; FIRST],
            from: 0,
            until: 0,
        })
    }

    pub fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(octets),
            Stream::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    /// How long the next octets are waited for.
    pub fn wait(&mut self, patience: Duration) -> io::Result<()> {
        match &self.stream {
            Stream::Plain(socket) => socket.set_read_timeout(Some(patience)),
            Stream::Tls(stream) => stream.sock.set_read_timeout(Some(patience)),
        }
    }

    /// Receives more, behind what is there.
    fn fill(&mut self) -> io::Result<()> {
        if self.from > 0 {
            self.room.copy_within(self.from..self.until, 0);
            self.until -= self.from;
            self.from = 0;
        }
        if self.until == self.room.len() {
            if self.room.len() >= 16 * ROOM {
                return Err(io::Error::other("a line without an end"));
            }
            self.room.resize((self.room.len() * 8).max(ROOM), 0);
        }
        let free = &mut self.room[self.until..];
        let n = match &mut self.stream {
            Stream::Plain(socket) => socket.read(free)?,
            Stream::Tls(stream) => stream.read(free)?,
        };
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.until += n;
        Ok(())
    }

    /// The next line, with its end.
    pub fn line(&mut self) -> io::Result<&[u8]> {
        let mut seen = 0;
        loop {
            let there = &self.room[self.from..self.until];
            if let Some(at) = memchr::memchr(b'\n', &there[seen..]) {
                let from = self.from;
                self.from += seen + at + 1;
                return Ok(&self.room[from..self.from]);
            }
            seen = there.len();
            self.fill()?;
        }
    }

    /// Passes over so many octets.
    pub fn skip(&mut self, mut octets: usize) -> io::Result<()> {
        loop {
            let there = (self.until - self.from).min(octets);
            self.from += there;
            octets -= there;
            if octets == 0 {
                return Ok(());
            }
            if self.room.len() < ROOM {
                self.room.resize(ROOM, 0);
            }
            self.fill()?;
        }
    }

    /// Passes over everything up to and with `end`; how many octets that was.
    pub fn skip_to(&mut self, end: &[u8]) -> io::Result<usize> {
        let mut passed = 0;
        loop {
            let there = &self.room[self.from..self.until];
            if let Some(at) = memchr::memmem::find(there, end) {
                self.from += at + end.len();
                return Ok(passed + at + end.len());
            }
            let over = there.len().saturating_sub(end.len() - 1);
            self.from += over;
            passed += over;
            if self.room.len() < ROOM {
                self.room.resize(ROOM, 0);
            }
            self.fill()?;
        }
    }
}
