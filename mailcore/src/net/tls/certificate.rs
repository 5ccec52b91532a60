//! Certificates with their keys, from PEM. Never shows a key.

use super::provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<TlsError>,
    },
    /// Not PEM, or PEM without what is wanted.
    #[error("no {wanted} in PEM found ({source})")]
    Pem {
        /// What is wanted.
        wanted: &'static str,
        /// What the reader says.
        source: rustls::pki_types::pem::Error,
    },
    /// A service without any certificate.
    #[error("no certificate")]
    Missing,
    /// rustls refuses it: the key is not the certificate's, or of an unknown kind.
    #[error(transparent)]
    Refused(#[from] rustls::Error),
    /// A certificate could not be made.
    #[cfg(feature = "self-signed")]
    #[error("certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// A certificate chain with its private key.
#[derive(Clone)]
pub struct Certificate(Arc<CertifiedKey>);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("chain", &self.0.cert.len())
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a chain, leaf first, and its key from PEM; both may stand in one text.
    ///
    /// # Errors
    /// When either is missing or malformed, or they do not belong together.
    pub fn parse(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = parse_chain(chain)?;
        let key = parse_key(key)?;
        Ok(Self(Arc::new(CertifiedKey::from_der(
            chain,
            key,
            &provider(),
        )?)))
    }

    /// Reads a chain and its key from files.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); the error names the file.
    pub fn open(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let parsed = parse_chain(&read(chain)?).map_err(|error| at(chain, error))?;
        let secret = parse_key(&read(key)?).map_err(|error| at(key, error))?;
        let certified = CertifiedKey::from_der(parsed, secret, &provider())
            .map_err(|error| at(chain, error.into()))?;
        Ok(Self(Arc::new(certified)))
    }

    /// The chain in DER, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.0
    }
}

pub(super) fn parse_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let missing = |source| TlsError::Pem {
        wanted: "certificate",
        source,
    };
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(missing)?;
    if chain.is_empty() {
        return Err(missing(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn parse_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|source| TlsError::Pem {
        wanted: "private key",
        source,
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn at(path: &Path, error: TlsError) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        source: Box::new(error),
    }
}
