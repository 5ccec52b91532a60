//! `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate, by the hash that its own
//! signature uses. Reads just as much DER as that needs, and never fails but by knowing nothing.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// SHA-1 and MD5 count as SHA-256 (RFC 5929 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Object identifiers of signature algorithms, as encoded in DER, with their hashes.
const SIGNATURES: &[(&[u8], Hash)] = &[
    // 1.2.840.113549.1.1.*: RSA with MD5, SHA-1, SHA-256, SHA-384, SHA-512, SHA-224
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", Hash::Sha256),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", Hash::Sha256),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", Hash::Sha256),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", Hash::Sha384),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", Hash::Sha512),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", Hash::Sha224),
    // 1.2.840.10045.4.*: ECDSA with SHA-1, SHA-224, SHA-256, SHA-384, SHA-512
    (b"\x2a\x86\x48\xce\x3d\x04\x01", Hash::Sha256),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", Hash::Sha224),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", Hash::Sha256),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", Hash::Sha384),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", Hash::Sha512),
];

/// RSASSA-PSS, whose hash stands in its parameters.
const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

/// 2.16.840.1.101.3.4.2.*
const HASHES: &[(&[u8], Hash)] = &[
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", Hash::Sha256),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", Hash::Sha384),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", Hash::Sha512),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x04", Hash::Sha224),
];

/// The binding for a certificate in DER; nothing where the RFC leaves it undefined (Ed25519) or the hash is
/// not known.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match hash(certificate)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm { OID, parameters }, signature } (RFC 5280 §4.1)
fn hash(certificate: &[u8]) -> Option<Hash> {
    let (_, certificate, _) = element(certificate)?;
    let (_, _, behind) = element(certificate)?;
    let (_, algorithm, _) = element(behind)?;
    let (_, oid, parameters) = element(algorithm)?;
    if oid == PSS {
        return pss(parameters);
    }
    find(SIGNATURES, oid)
}

/// RSASSA-PSS-params ::= SEQUENCE { [0] HashAlgorithm DEFAULT sha1, … } (RFC 4055 §3.1)
fn pss(parameters: &[u8]) -> Option<Hash> {
    let (_, fields, _) = element(parameters)?;
    match element(fields) {
        Some((0xa0, algorithm, _)) => {
            let (_, algorithm, _) = element(algorithm)?;
            let (_, oid, _) = element(algorithm)?;
            find(HASHES, oid)
        }
        _ => Some(Hash::Sha256),
    }
}

fn find(among: &[(&[u8], Hash)], oid: &[u8]) -> Option<Hash> {
    among
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, hash)| *hash)
}

/// Splits the first element off: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (octets, rest) = rest.split_at_checked(count)?;
        let length = octets
            .iter()
            .fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
        (length, rest)
    };
    let (contents, behind) = rest.split_at_checked(length)?;
    Some((tag, contents, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_certificates_own_signature() {
        for (algorithm, hash) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(Hash::Sha256)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(Hash::Sha384)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let certificate = rcgen::CertificateParams::new(vec!["a.example".into()])
                .unwrap()
                .self_signed(&key)
                .unwrap();
            assert_eq!(super::hash(certificate.der()), hash);
        }
    }

    #[test]
    fn pss_names_its_hash_in_its_parameters() {
        let sha512 = b"\x30\x0f\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03";
        assert_eq!(pss(sha512), Some(Hash::Sha512));
        assert_eq!(pss(b"\x30\x00"), Some(Hash::Sha256));
    }

    #[test]
    fn cut_and_wild_bytes_give_nothing() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["a.example".into()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let der = certificate.der().as_ref();
        for cut in 0..der.len() {
            assert_eq!(end_point(&der[..cut]), None);
        }
        assert_eq!(end_point(&[0xff; 64]), None);
    }
}
