//! What is known of the connection and of who uses it, for whoever answers questions.

use mailcore_base::login::TlsFacts;
use std::net::IpAddr;

/// The facts of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The client's address, where there is one.
    pub peer: Option<IpAddr>,
    /// The address that the client connected to.
    pub local: Option<IpAddr>,
    /// The TLS layer, once there is one.
    pub tls: Option<TlsFacts>,
    /// Nobody can listen: TLS, a Unix socket, both ends on one host, or a trusted network. Passwords are taken
    /// as they are where this is so.
    pub secured: bool,
    /// Who has logged in, by the canonical name.
    pub login: Option<String>,
    /// The client understands UTF-8 in headers (RFC 6856 §2). To one that does not, a message that has any
    /// may be refused with [`Failed::Utf8`](super::Failed::Utf8).
    pub utf8: bool,
}
