//! The functions of RFC 5802 §2.2 over the two hashes. What they are applied to is told elsewhere.

use hmac::{EagerHash, Hmac, KeyInit, Mac, digest::common::Key};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1: 20 octets. Its weakness to collisions is none here (RFC 7677 §4), yet SHA-256 is to be had.
    Sha1,
    /// SHA-256: 32 octets.
    Sha256,
}

impl Hash {
    /// The length of its output in octets.
    #[expect(clippy::len_without_is_empty, reason = "a hash is never empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// `H(str)`.
    pub(crate) fn digest(self, octets: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
        })
    }

    /// `HMAC(key, str)`, where `str` is all parts one after another.
    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha1 => hmac::<Sha1>(key, parts),
            Self::Sha256 => hmac::<Sha256>(key, parts),
        }
    }

    /// `Hi(str, salt, i)`: PBKDF2 with one block of output. This is the costly one.
    pub(crate) fn stretch(
        self,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Zeroizing<Vec<u8>> {
        let mut salted = Zeroizing::new(vec![0; self.len()]);
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut salted),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted),
        }
        salted
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        })
    }
}

/// Goes by the key of one block, which cannot fail, and not by the slice of any length, which might.
fn hmac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut block = Key::<Hmac<D>>::default();
    // RFC 2104 §2: a key longer than a block is hashed first.
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => block
            .iter_mut()
            .zip(D::digest(key))
            .for_each(|(to, from)| *to = from),
    }
    let mut mac = Hmac::<D>::new(&block);
    zeroize::Zeroize::zeroize(block.as_mut_slice());
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn known_hmacs_come_out_for_short_and_long_keys() {
        // RFC 4231 §4.3 and §4.7, RFC 2202 §3 test case 2
        assert_eq!(
            hex(&Hash::Sha256.hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&Hash::Sha256.hmac(&[0xAA; 131], &[long])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(
            hex(&Hash::Sha1.hmac(b"Jefe", &[b"what do ya want for nothing?"])),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }
}
