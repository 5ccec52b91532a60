//! Why a server cannot start.

use super::Protocol;
use crate::net::tls::TlsError;
use std::io;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The host name is no domain name.
    #[error("`{0}` is no host name")]
    Hostname(String),
    /// A listener takes mail and nobody decides about it.
    #[error("{0:?} needs a reception")]
    NoReception(Protocol),
    /// A listener serves mailboxes and there are no logins or no mail store.
    #[error("{0:?} needs a gate for logins and a mail store")]
    NoMailboxes(Protocol),
    /// A listener serves logins and there are none.
    #[error("{0:?} needs a gate for logins")]
    NoGate(Protocol),
    /// A listener serves a directory of users and there is none.
    #[error("{0:?} needs a directory of users")]
    NoDirectory(Protocol),
    /// A listener is under TLS and there is no certificate.
    #[error("{0:?} needs a certificate")]
    NoCertificate(Protocol),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
}
