//! Whom we believe about others' names.

use crate::net::tls::TlsError;
use crate::net::tls::certificate::{at, parse_chain, read};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;

/// The authorities that we believe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Roots {
    /// Nobody: no certificate is trusted (Postfix's default).
    #[default]
    Nobody,
    /// Those of the system.
    System,
    /// Those in a file of PEM (Postfix: smtp_tls_CAfile), and no others.
    File(PathBuf),
    /// These and no others.
    These(Vec<CertificateDer<'static>>),
}

impl Roots {
    pub(super) fn open(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Nobody => {}
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                // A root that rustls cannot read is one that can vouch for nobody.
                let (added, _) = store.add_parsable_certificates(found.certs);
                if added == 0 {
                    let errors = found.errors;
                    tracing::warn!(
                        ?errors,
                        "the system has no roots: no certificate is trusted"
                    );
                }
            }
            Self::File(path) => {
                let chain = read(path).and_then(|pem| parse_chain(&pem));
                for root in chain.map_err(|error| at(path, error))? {
                    store.add(root).map_err(|error| at(path, error.into()))?;
                }
            }
            Self::These(roots) => {
                for root in roots {
                    store.add(root.clone())?;
                }
            }
        }
        Ok(store)
    }
}
