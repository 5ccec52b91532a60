//! Credentials for users that do not exist. Nobody can log in with them; they only look right.

use crate::{Hash, ScramCredential, USUAL_ITERATIONS};
use std::fmt;
use zeroize::Zeroizing;

/// What the salts of unknown users are made of (RFC 5802 §9 leaves it open; without it the first answer of a
/// server tells which users there are).
///
/// The secret must stay the same from one exchange to the next, and over restarts, for a salt that changes
/// gives the unknown user away. Iterations and salt length must be those of the real credentials.
#[derive(Clone)]
pub struct Decoy {
    secret: Zeroizing<[u8; 32]>,
    iterations: u32,
    salt_length: usize,
}

impl Decoy {
    /// With [`USUAL_ITERATIONS`] and a salt of 16 octets. The secret is random and the server's own.
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            secret: Zeroizing::new(secret),
            iterations: USUAL_ITERATIONS,
            salt_length: 16,
        }
    }

    /// Looks like credentials of this many iterations (at least 1) and a salt of this length (1 to 32
    /// octets; others are brought into that range).
    #[must_use]
    pub fn like(self, iterations: u32, salt_length: usize) -> Self {
        let (iterations, salt_length) = (iterations.max(1), salt_length.clamp(1, 32));
        Self {
            iterations,
            salt_length,
            ..self
        }
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The same salt each time the same name is tried with the same hash.
    pub(super) fn salt(&self, hash: Hash, name: &str) -> Vec<u8> {
        let mut salt = self.octets("salt", hash, name);
        salt.truncate(self.salt_length);
        salt
    }

    pub(super) fn credential(&self, hash: Hash, name: &str) -> ScramCredential {
        let key = |purpose| {
            let mut key = self.octets(purpose, hash, name);
            key.truncate(hash.len());
            key
        };
        ScramCredential {
            hash,
            iterations: self.iterations,
            salt: self.salt(hash, name),
            stored_key: key("stored key"),
            server_key: key("server key"),
        }
    }

    /// 32 octets that nobody can tell from random ones without the secret.
    fn octets(&self, purpose: &str, hash: Hash, name: &str) -> Vec<u8> {
        let parts = [purpose.as_bytes(), &[hash.len() as u8], name.as_bytes()];
        Hash::Sha256.hmac(self.secret.as_slice(), &parts).to_vec()
    }
}

impl fmt::Debug for Decoy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoy")
            .field("iterations", &self.iterations)
            .field("salt_length", &self.salt_length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_is_steady_and_each_name_and_hash_has_its_own() {
        let decoy = Decoy::new([9; 32]);
        let one = decoy.credential(Hash::Sha256, "nobody");
        assert_eq!(one, Decoy::new([9; 32]).credential(Hash::Sha256, "nobody"));
        assert!(one.is_sound() && decoy.credential(Hash::Sha1, "nobody").is_sound());
        assert_eq!((one.salt.len(), one.iterations), (16, 4_096));
        assert_ne!(one.salt, decoy.salt(Hash::Sha256, "noone"));
        assert_ne!(one.salt, decoy.salt(Hash::Sha1, "nobody"));
        assert_ne!(one.salt, Decoy::new([8; 32]).salt(Hash::Sha256, "nobody"));
        assert_eq!(
            decoy
                .like(10_000, 99)
                .credential(Hash::Sha1, "x")
                .salt
                .len(),
            32
        );
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(
            format!("{:?}", Decoy::new([9; 32])),
            "Decoy { iterations: 4096, salt_length: 16, .. }"
        );
    }
}
