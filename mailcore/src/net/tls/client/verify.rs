//! What a server's certificate is worth: to rustls while the handshake runs, to the log afterwards.

use super::names::Pattern;
use crate::net::tls::provider;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::verify_server_cert_signed_by_trust_anchor,
};
use std::fmt;
use std::io;
use std::sync::Arc;
use webpki::EndEntityCert;

/// What a server's certificate is worth, in the log's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// There is none.
    Anonymous,
    /// Nobody whom we believe vouches for it.
    Untrusted,
    /// Somebody whom we believe vouches for it; its names were not asked for.
    Trusted,
    /// It is trusted, and for a name that it has to be for.
    Verified,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Untrusted => "Untrusted",
            Self::Trusted => "Trusted",
            Self::Verified => "Verified",
        })
    }
}

/// Why a handshake failed, where it was for the certificate, in Postfix's words (RFC 3463: 4.7.5); nothing where it was
/// for something else.
pub fn refusal(error: &io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref()? {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some("Server certificate not verified"),
        Error::InvalidCertificate(_) => Some("Server certificate not trusted"),
        _ => None,
    }
}

/// Judges certificates: by the roots, and by names where there are demands.
#[derive(Debug)]
pub(super) struct Judge {
    roots: Arc<RootCertStore>,
    /// The names that will do, where the server has to show who it is.
    demanded: Option<Vec<Pattern>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    pub(super) fn new(roots: Arc<RootCertStore>, demanded: Option<Vec<Pattern>>) -> Self {
        Self {
            roots,
            demanded,
            algorithms: provider().signature_verification_algorithms,
        }
    }

    pub(super) fn standing(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Standing {
        let Some((own, others)) = chain.split_first() else {
            return Standing::Anonymous;
        };
        if uncheckable(own) || self.trust(own, others, now).is_err() {
            return Standing::Untrusted;
        }
        match self.matches(own) {
            true => Standing::Verified,
            false => Standing::Trusted,
        }
    }

    fn trust(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(own)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, others, now, algorithms)
    }

    /// Whether it is for a name that it has to be for.
    fn matches(&self, own: &CertificateDer<'_>) -> bool {
        let Ok(own) = EndEntityCert::try_from(own) else {
            return false;
        };
        let demanded = self.demanded.iter().flatten();
        demanded.into_iter().any(|pattern| pattern.is_for(&own))
    }

    /// A handshake whose signature does not hold goes on only if nobody has to show who he is and the signature is
    /// beyond us anyhow; such a certificate is never more than [`Standing::Untrusted`].
    fn signed(
        &self,
        result: Result<HandshakeSignatureValid, Error>,
        certificate: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match result {
            Err(_) if self.demanded.is_none() && uncheckable(certificate) => {
                Ok(HandshakeSignatureValid::assertion())
            }
            result => result,
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.demanded.is_some() {
            self.trust(own, others, now)?;
            if !self.matches(own) {
                return Err(CertificateError::NotValidForName.into());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let result = verify_tls12_signature(message, certificate, signature, &self.algorithms);
        self.signed(result, certificate)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let result = verify_tls13_signature(message, certificate, signature, &self.algorithms);
        self.signed(result, certificate)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// rsaEncryption, 1.2.840.113549.1.1.1, as encoded in DER.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// Octets of an RSA key of 2048 bits in DER, with its algorithm.
const RSA_2048: usize = 294;

/// Whether a certificate's signatures cannot be checked here: it is of a form before X.509 version 3, or its RSA key
/// is shorter than 2048 bits.
fn uncheckable(certificate: &CertificateDer<'_>) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else {
        return true;
    };
    let key = certificate.subject_public_key_info();
    key.len() < RSA_2048 && key.windows(RSA.len()).any(|octets| octets == RSA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;

    /// A self-signed certificate of an RSA key of 1024 bits, for mx.example.org.
    const OLD: &[u8] = b"\
-----BEGIN CERTIFICATE-----
MIICJTCCAY6gAwIBAgIUZ29soAzG1VRUNOEfSW1+53B6ZNkwDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLb2xkLmV4YW1wbGUwIBcNMjYxMTIwMTQwMDM4WhgPMjEy
NjEwMjcxNDAwMzhaMBYxFDASBgNVBAMMC29sZC5leGFtcGxlMIGfMA0GCSqGSIb3
DQEBAQUAA4GNADCBiQKBgQDF6MVBXWJ8J2rvSBMxUQzH7329cKOuh5FP/DxL1Hcw
oRljO/VREAMeB9Y6vW8gZ7rz8w0C2Ovjp0/abN4kOs5BAJmQr27/CkoKEfbW5Opb
09u+4T/QIm3suHDDjXH/nLpw0zsdCvT3NqIqtuyFcFKjnfnGt3jtk3yrsQLIPJFC
pQIDAQABo24wbDAdBgNVHQ4EFgQUld0tdeIPpHIPYYIJ3JCwqEVKxZEwHwYDVR0j
BBgwFoAUld0tdeIPpHIPYYIJ3JCwqEVKxZEwDwYDVR0TAQH/BAUwAwEB/zAZBgNV
HREEEjAQgg5teC5leGFtcGxlLm9yZzANBgkqhkiG9w0BAQsFAAOBgQApJFqYT5q6
fNj1X6OvgOV42SYhEwBnzyugRSRjAEi5myIYmbjLqg13DdoAO3teNTwnnkZUDCjr
SzdKrN1E5YapWmuXtLmggGaLP1ND+wTFj5azMRGWuZSOE9s3MfI6WHVYe57lM+Nx
2yvdwLD7t+3y0qRisRymAWLEY5nyujxSpg==
-----END CERTIFICATE-----";

    #[test]
    fn only_a_key_that_is_too_old_for_us_goes_unchecked() {
        let old = CertificateDer::from_pem_slice(OLD).unwrap();
        assert!(uncheckable(&old));
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["mx.example.org".into()]).unwrap();
        let today = params.self_signed(&key).unwrap();
        assert!(!uncheckable(today.der()));
        assert!(uncheckable(&CertificateDer::from(&b"no certificate"[..])));
    }

    #[test]
    fn an_old_key_is_worth_nothing_even_as_its_own_root() {
        let old = CertificateDer::from_pem_slice(OLD).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(old.clone()).unwrap();
        let judge = Judge::new(Arc::new(roots), None);
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(2_000_000_000));
        assert_eq!(judge.standing(&[old], now), Standing::Untrusted);
        assert_eq!(judge.standing(&[], now), Standing::Anonymous);
    }
}
