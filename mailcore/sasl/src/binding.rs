//! Channel bindings (RFC 5056): what ties a SCRAM exchange to the TLS connection below it. They are got
//! from the TLS library by the driver; nothing is computed here.

use std::fmt;

/// A channel binding type by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binding {
    /// Keying material exported from the TLS connection (RFC 9266); the one to have with TLS 1.3.
    TlsExporter,
    /// The hash of the server's certificate (RFC 5929 §4).
    TlsServerEndPoint,
    /// The first Finished message of a TLS ≤ 1.2 handshake (RFC 5929 §3).
    TlsUnique,
}

impl Binding {
    const ALL: [Self; 3] = [Self::TlsExporter, Self::TlsServerEndPoint, Self::TlsUnique];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
            Self::TlsUnique => "tls-unique",
        }
    }

    /// The type of this name; names are compared octet by octet (RFC 5056 §7).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|binding| binding.name() == name)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bindings that one connection has. Without TLS there are none: [`Bindings::default`].
///
/// A binding is no password, but whoever knows it may relay an exchange, so it is not shown by `Debug`.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Bindings {
    /// The 32 octets that the exporter gives for the label `EXPORTER-Channel-Binding` and no value
    /// (RFC 9266 §2). Only to be set where the connection is TLS 1.3, or 1.2 with an extended master secret.
    pub tls_exporter: Option<Vec<u8>>,
    /// The hash of the served certificate, by the hash function of its signature, but SHA-256 in place of
    /// MD5 and SHA-1 (RFC 5929 §4.1).
    pub tls_server_end_point: Option<Vec<u8>>,
    /// The first Finished message (RFC 5929 §3.1). Never to be set with TLS 1.3 (RFC 9266 §3).
    pub tls_unique: Option<Vec<u8>>,
}

impl Bindings {
    /// The value of this type, where the connection has one.
    pub fn value(&self, binding: Binding) -> Option<&[u8]> {
        let value = match binding {
            Binding::TlsExporter => &self.tls_exporter,
            Binding::TlsServerEndPoint => &self.tls_server_end_point,
            Binding::TlsUnique => &self.tls_unique,
        };
        value.as_deref()
    }

    /// Whether there is any, so that the -PLUS mechanisms can be offered.
    pub fn any(&self) -> bool {
        self.best().is_some()
    }

    /// The one that a client should use: the exporter, else the certificate, else the Finished message.
    pub fn best(&self) -> Option<Binding> {
        Binding::ALL
            .into_iter()
            .find(|binding| self.value(*binding).is_some())
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = Binding::ALL
            .into_iter()
            .filter(|binding| self.value(*binding).is_some());
        f.debug_list().entries(present).finish()
    }
}
