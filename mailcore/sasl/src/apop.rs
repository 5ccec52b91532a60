//! APOP (RFC 1939 §7): POP3's own challenge and response. It is no SASL mechanism, but its needs are those
//! of CRAM-MD5: a nonce in the greeting and the password itself. The command is read by the POP3 machine.

use crate::{Nonce, Secret, cram_md5};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The timestamp for the greeting, angle brackets included. `timestamp` is in seconds since 1970.
pub fn timestamp(nonce: &Nonce, timestamp: u64, hostname: &str) -> String {
    cram_md5::challenge(nonce, timestamp, hostname)
}

/// The digest that a client sends: 32 lower-case hexadecimal digits.
pub fn digest(timestamp: &str, password: &Secret) -> String {
    cram_md5::hex(md5(timestamp, password))
}

/// Whether the digest that a client sent belongs to this password. Ask for an unknown user too, with any
/// password, and throw the answer away, so that both take the same time.
pub fn verify(timestamp: &str, password: &Secret, digest: &[u8]) -> bool {
    let expected = md5(timestamp, password);
    cram_md5::parse_hex(digest).is_some_and(|digest| digest.ct_eq(&expected).into())
}

fn md5(timestamp: &str, password: &Secret) -> [u8; 16] {
    Md5::new()
        .chain_update(timestamp)
        .chain_update(password.expose())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1939_holds() {
        let nonce = Nonce::from_text("1896").unwrap();
        let stamp = timestamp(&nonce, 697_170_952, "dbc.mtview.ca.us");
        assert_eq!(stamp, "<1896.697170952@dbc.mtview.ca.us>");
        let password = Secret::new("tanstaaf");
        assert_eq!(
            digest(&stamp, &password),
            "c4c9334bac560ecc979e58001b3e22fb"
        );
        assert!(verify(
            &stamp,
            &password,
            b"c4c9334bac560ecc979e58001b3e22fb"
        ));
    }

    #[test]
    fn a_wrong_digest_password_or_timestamp_is_refused() {
        let password = Secret::new("tanstaaf");
        let right = digest("<1@x>", &password);
        assert!(verify("<1@x>", &password, right.as_bytes()));
        assert!(!verify("<2@x>", &password, right.as_bytes()));
        assert!(!verify("<1@x>", &Secret::new("tanstaag"), right.as_bytes()));
        assert!(!verify("<1@x>", &password, &right.as_bytes()[1..]));
        assert!(!verify("<1@x>", &password, b""));
    }
}
