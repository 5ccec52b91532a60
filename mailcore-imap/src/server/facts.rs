//! What is known of the connection and of who uses it, for whoever answers questions.

use mailcore_base::login::TlsFacts;
use std::net::IpAddr;

/// The facts of one connection. The driver fills in what it knows; the session adds who logged in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The client's address, where there is one.
    pub peer: Option<IpAddr>,
    /// The address that the client connected to.
    pub local: Option<IpAddr>,
    /// The TLS layer, once there is one.
    pub tls: Option<TlsFacts>,
    /// Nobody can listen: TLS, a Unix socket, both ends on one host, or a trusted network. Plaintext logins
    /// are taken where this is so.
    pub secured: bool,
    /// Who has logged in, by the canonical name.
    pub login: Option<String>,
    /// What the client said of itself (RFC 2971), at most 30 fields.
    pub client: Vec<(String, Option<String>)>,
}
