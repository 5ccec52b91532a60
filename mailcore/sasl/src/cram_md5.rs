//! The arithmetic of CRAM-MD5 (RFC 2195) and the challenge that it shares with APOP. The exchanges are in
//! `server::cram_md5` and `client::cram_md5`.

use crate::{Nonce, Secret};
use hmac::{Hmac, KeyInit, Mac, digest::common::Key};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

/// `<nonce.timestamp@hostname>`: the form of a message identifier (RFC 2195 §2, RFC 1939 §7).
pub(crate) fn challenge(nonce: &Nonce, timestamp: u64, hostname: &str) -> String {
    format!("<{}.{timestamp}@{hostname}>", nonce.as_str())
}

/// HMAC-MD5 of the challenge, keyed with the password (RFC 2195 §2).
pub(crate) fn digest(challenge: &[u8], password: &Secret) -> [u8; 16] {
    let password = password.expose();
    let mut key = Zeroizing::new([0_u8; 64]);
    // RFC 2104 §2: a key longer than a block is hashed first.
    if let Some(start) = key.get_mut(..password.len()) {
        start.copy_from_slice(password);
    } else {
        for (to, from) in key.iter_mut().zip(Md5::digest(password)) {
            *to = from;
        }
    }
    let mut mac = Hmac::<Md5>::new(&Key::<Hmac<Md5>>::from(*key));
    mac.update(challenge);
    mac.finalize().into_bytes().into()
}

/// Sixteen octets as 32 lower-case hexadecimal digits.
pub(crate) fn hex(octets: [u8; 16]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The inverse of [`hex`], taking both cases.
pub(crate) fn parse_hex(digits: &[u8]) -> Option<[u8; 16]> {
    let mut octets = [0_u8; 16];
    if digits.len() != 32 {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            *octet = *octet << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_2195_holds() {
        let nonce = Nonce::from_text("1896").unwrap();
        let challenge = challenge(&nonce, 697_170_952, "postoffice.reston.mci.net");
        assert_eq!(challenge, "<1896.697170952@postoffice.reston.mci.net>");
        let digest = digest(challenge.as_bytes(), &Secret::new("tanstaaftanstaaf"));
        assert_eq!(hex(digest), "b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(parse_hex(b"B913A602C7EDA7A495B4E6E7334D3890"), Some(digest));
    }

    #[test]
    fn a_password_longer_than_a_block_is_hashed_first() {
        // RFC 2202 §2, test case 6
        let digest = digest(
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            &Secret::new([0xAA; 80]),
        );
        assert_eq!(hex(digest), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    #[test]
    fn wrong_hexadecimal_is_nothing() {
        assert_eq!(parse_hex(b"b913"), None);
        assert_eq!(parse_hex(b"b913a602c7eda7a495b4e6e7334d389g"), None);
    }
}
