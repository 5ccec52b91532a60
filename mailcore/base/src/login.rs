//! Who wants in: the facts of a login, whatever protocol it comes by. Nothing here decides.

use std::fmt;
use std::net::IpAddr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The service that a user logs in to, by the names that configuration and logs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Service {
    /// Mail transfer and submission.
    Smtp,
    /// Local mail transfer.
    Lmtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// Sieve script management.
    ManageSieve,
}

impl Service {
    /// The lower-case name, as in `%s` of Dovecot's settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::ManageSieve => "sieve",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a connection's TLS layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsFacts {
    /// Protocol version in OpenSSL's spelling, as logs show it: `TLSv1.3`.
    pub version: String,
    /// Cipher suite in OpenSSL's spelling: `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Strength of the cipher in bits.
    pub bits: u16,
    /// The server name that the client asked for.
    pub server_name: Option<String>,
    /// Subject common name of a verified client certificate (for SASL EXTERNAL).
    pub client_name: Option<String>,
    /// `tls-server-end-point` channel binding (RFC 5929 §4): the hash of the certificate that was served.
    pub end_point: Option<Vec<u8>>,
    /// `tls-exporter` channel binding (RFC 9266).
    pub exporter: Option<Vec<u8>>,
}

/// A login as it is asked for: all that a backend may decide by, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The authentication identity, as the client gave it (after the mechanism's own preparation).
    pub name: String,
    /// The service.
    pub service: Service,
    /// The client's address, where there is one.
    pub peer: Option<IpAddr>,
    /// The address that the client connected to.
    pub local: Option<IpAddr>,
    /// Whether the connection is secured by TLS, or cannot be listened to (a Unix socket, the same host).
    pub secured: bool,
    /// The SASL mechanism, or an empty string where none was used (LOGIN, USER/PASS, a delivery).
    pub mechanism: String,
}

impl Login {
    /// A login of `name` to `service`, from nowhere in particular.
    pub fn new(name: impl Into<String>, service: Service) -> Self {
        Self {
            name: name.into(),
            service,
            peer: None,
            local: None,
            secured: false,
            mechanism: String::new(),
        }
    }
}

/// A password or token: wiped when dropped, never shown, and without `==`, which would tell by its time.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves, for a verifier and for nothing that writes a log. Compare them with
    /// [`matches`](Self::matches) only.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are the same bytes, in a time that depends on their lengths alone.
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("tiger")), "Secret(..)");
    }

    #[test]
    fn a_secret_matches_itself_alone() {
        let secret = Secret::new("tiger");
        assert!(secret.matches(b"tiger"));
        assert!(!secret.matches(b"tigeR"));
        assert!(!secret.matches(b"tige"));
    }
}
