//! A secret in memory: wiped when dropped, compared in constant time, never shown. It does not say what the
//! secret is for.

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A password or a token.
///
/// There is no `PartialEq`: a comparison that ends early tells its caller's peer how much was right. Use
/// [`Secret::matches`].
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the octets; they are wiped when the secret is dropped.
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(octets.into()))
    }

    /// The octets themselves, to be handed to a verifier and to nothing that writes a log.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both hold the same octets, in a time that depends on their lengths alone.
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("tiger")), "Secret(..)");
    }

    #[test]
    fn a_secret_matches_itself_alone() {
        let secret = Secret::new("tiger");
        assert!(secret.matches(b"tiger"));
        assert!(!secret.matches(b"tigeR"));
        assert!(!secret.matches(b"tige"));
    }
}
