//! Fresh material for one exchange. Nothing random is made here: the caller brings it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A value that was never used before, as printable ASCII without a comma (RFC 5802 §5.1 "r").
///
/// It makes the challenges of SCRAM, CRAM-MD5 and APOP unique. It cannot be copied, so that no second
/// exchange is started with it by accident.
#[derive(Debug)]
pub struct Nonce(String);

impl Nonce {
    /// From 18 octets of a cryptographic random source: 24 characters.
    pub fn from_random(octets: [u8; 18]) -> Self {
        Self(STANDARD.encode(octets))
    }

    /// From given text of 1 to 128 printable characters without a comma, or `None` where it is not that.
    /// Meant for tests with known vectors and for callers with an own source of uniqueness.
    pub fn from_text(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len()) && is_printable(text);
        fits.then(|| Self(text.to_owned()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5802 §7: `printable = %x21-2B / %x2D-7E`.
pub(crate) fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x21..=0x2B | 0x2D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_printable_and_has_no_comma() {
        assert_eq!(Nonce::from_random([0xFF; 18]).as_str().len(), 24);
        assert!(is_printable(Nonce::from_random([0xFB; 18]).as_str()));
        assert!(Nonce::from_text("a,b").is_none());
        assert!(Nonce::from_text("").is_none());
        assert!(Nonce::from_text("a b").is_none());
        assert!(Nonce::from_text(&"x".repeat(129)).is_none());
    }
}
