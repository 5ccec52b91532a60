//! The load driver: clients that ask and take the whole answer, and spend as little of the processor as they can. They
//! check that the answer is the one that was to come, and keep nothing of it.

mod connection;
mod imap;
mod lmtp;
mod pop3;

pub use connection::{Connection, Trust};
pub use imap::Imap;
pub use lmtp::Lmtp;
pub use pop3::Pop3;

use std::net::SocketAddr;

/// Whether a session is under TLS, from its first octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    Plain,
    Tls,
}

/// Where a service is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Place {
    pub address: SocketAddr,
    pub trust: Option<Trust>,
}

impl Place {
    pub fn connect(&self) -> std::io::Result<Connection> {
        Connection::open(self.address, self.trust.as_ref())
    }
}
