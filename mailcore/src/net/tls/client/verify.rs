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
    use rustls::pki_types::SubjectPublicKeyInfoDer;
    use rustls::pki_types::pem::PemObject;

    /// An RSA key of 1024 bits.
    const OLD: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDF6MVBXWJ8J2rvSBMxUQzH7329
cKOuh5FP/DxL1HcwoRljO/VREAMeB9Y6vW8gZ7rz8w0C2Ovjp0/abN4kOs5BAJmQ
r27/CkoKEfbW5Opb09u+4T/QIm3suHDDjXH/nLpw0zsdCvT3NqIqtuyFcFKjnfnG
t3jtk3yrsQLIPJFCpQIDAQAB
-----END PUBLIC KEY-----";

    /// That key, as an issuer sees it: without its algorithm, which is 22 octets in DER.
    struct Old(Vec<u8>);

    impl Old {
        fn new() -> Self {
            let key = SubjectPublicKeyInfoDer::from_pem_slice(OLD.as_bytes()).unwrap();
            Self(key[22..].to_vec())
        }
    }

    impl rcgen::PublicKeyData for Old {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }

        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            &rcgen::PKCS_RSA_SHA256
        }
    }

    fn params() -> rcgen::CertificateParams {
        rcgen::CertificateParams::new(vec!["mx.example.org".into()]).unwrap()
    }

    #[test]
    fn a_key_that_is_too_old_for_us_is_worth_nothing_whoever_vouches_for_it() {
        let issuer = rcgen::KeyPair::generate().unwrap();
        let mut root = params();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let mut roots = RootCertStore::empty();
        let root_itself = root.self_signed(&issuer).unwrap();
        roots.add(root_itself.der().clone()).unwrap();
        let issuer = rcgen::Issuer::new(root, issuer);
        let old = params().signed_by(&Old::new(), &issuer).unwrap();
        let today = rcgen::KeyPair::generate().unwrap();
        let today = params().signed_by(&today, &issuer).unwrap();
        let judge = Judge::new(Arc::new(roots), None);
        let standing = |chain: &[CertificateDer<'_>]| judge.standing(chain, UnixTime::now());
        assert_eq!(standing(&[today.der().clone()]), Standing::Trusted);
        assert_eq!(standing(&[old.der().clone()]), Standing::Untrusted);
        let junk = CertificateDer::from(&b"no certificate"[..]);
        assert_eq!(standing(&[junk]), Standing::Untrusted);
        assert_eq!(standing(&[]), Standing::Anonymous);
    }
}
