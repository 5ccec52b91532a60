//! A self-signed certificate for a server that was given none. Touches no file: the caller keeps the PEM.

use super::certificate::TlsError;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A self-signed certificate and its key, in PEM.
#[derive(Clone)]
pub struct SelfSigned {
    /// The certificate; may be shown to everybody.
    pub certificate: String,
    /// The private key; to be stored for the server's eyes only.
    pub key: String,
}

impl std::fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SelfSigned")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Makes an ECDSA P-256 certificate for `names`, host names or IP addresses; the first one is its subject.
/// It is valid for ten years, from yesterday on, since clocks differ; the clock is read.
///
/// # Errors
/// [`TlsError::Missing`] without a name; when a name cannot stand in a certificate.
pub fn self_signed(names: &[String]) -> Result<SelfSigned, TlsError> {
    let subject = names.first().ok_or(TlsError::Missing)?;
    let mut params = rcgen::CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, subject.as_str());
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + 3652 * DAY).into();
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}
