//! What a server keeps of a SCRAM user: enough to verify, not enough to log in. Where it is kept is the
//! store's business.

use super::Hash;
use crate::{Secret, Unprepared, prepare_stored};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::{self, Write};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The fewest iterations a client accepts from a server (RFC 5802 §5.1, RFC 7677 §4): with fewer, a false
/// server would get a proof from which the password is guessed cheaply.
pub const FEWEST_ITERATIONS: u32 = 4_096;

/// The most iterations a client accepts: a hostile server may not make it compute for minutes. At this
/// figure a modern core is busy for less than a second.
pub const MOST_ITERATIONS: u32 = 1_000_000;

/// The iterations of newly made credentials where nothing else is asked for.
pub const USUAL_ITERATIONS: u32 = 4_096;

/// The longest textual form that is read, in octets.
const LONGEST_TEXT: usize = 1_024;

/// The keys of one user for one hash (RFC 5802 §3).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ScramCredential {
    /// The hash that all of it was made with.
    #[zeroize(skip)]
    pub hash: Hash,
    /// How often the password was stretched; at least 1.
    pub iterations: u32,
    /// The salt, never empty.
    pub salt: Vec<u8>,
    /// `H(ClientKey)`: verifies the client's proof.
    pub stored_key: Vec<u8>,
    /// `ServerKey`: makes the server's own proof.
    pub server_key: Vec<u8>,
}

/// Text that is no stored credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a SCRAM credential (iterations,salt,stored key,server key)")]
pub struct BadCredential;

impl ScramCredential {
    /// Makes the keys from a password, which is prepared first (RFC 5802 §3: `Normalize(password)`).
    ///
    /// `salt` is random, 16 octets as a rule; `iterations` of 0 counts as 1. It takes about a millisecond
    /// for each 4,096 iterations: not to be run where others wait.
    pub fn derive(
        hash: Hash,
        password: &Secret,
        salt: &[u8],
        iterations: u32,
    ) -> Result<Self, Unprepared> {
        let iterations = iterations.max(1);
        let salted = salted_password(hash, password, salt, iterations)?;
        Ok(Self {
            hash,
            iterations,
            salt: salt.to_vec(),
            stored_key: hash.digest(&client_key(hash, &salted)).to_vec(),
            server_key: server_key(hash, &salted).to_vec(),
        })
    }

    /// Reads `iterations,salt,stored key,server key`, the last three in base64: what stands behind
    /// `{SCRAM-SHA-1}` or `{SCRAM-SHA-256}` in a password file.
    pub fn parse(hash: Hash, text: &str) -> Result<Self, BadCredential> {
        let mut parts = text.split(',');
        let mut next = || {
            parts
                .next()
                .filter(|_| text.len() <= LONGEST_TEXT)
                .ok_or(BadCredential)
        };
        let iterations = parse_iterations(next()?).ok_or(BadCredential)?;
        let salt = decode(next()?)?;
        let credential = Self {
            hash,
            iterations,
            salt,
            stored_key: decode(next()?)?,
            server_key: decode(next()?)?,
        };
        let whole = parts.next().is_none() && !credential.salt.is_empty();
        if whole && credential.is_sound() {
            Ok(credential)
        } else {
            Err(BadCredential)
        }
    }

    /// Emits the form that [`ScramCredential::parse`] reads, without the scheme in braces. Whoever has it can
    /// play the server to this user, and guess at the password.
    pub fn write_to(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", self.iterations);
        for part in [&self.salt, &self.stored_key, &self.server_key] {
            out.push(',');
            STANDARD.encode_string(part, out);
        }
    }

    /// Whether both keys have the length of the hash.
    pub(crate) fn is_sound(&self) -> bool {
        self.stored_key.len() == self.hash.len() && self.server_key.len() == self.hash.len()
    }
}

impl PartialEq for ScramCredential {
    /// Compares the keys in constant time.
    fn eq(&self, other: &Self) -> bool {
        let same =
            self.stored_key.ct_eq(&other.stored_key) & self.server_key.ct_eq(&other.server_key);
        let open = |it: &Self| (it.hash, it.iterations);
        bool::from(same) && open(self) == open(other) && self.salt == other.salt
    }
}

impl Eq for ScramCredential {}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// RFC 5802 §7: `posit-number = %x31-39 *DIGIT`, bounded by 32 bits.
pub(super) fn parse_iterations(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// `SaltedPassword := Hi(Normalize(password), salt, i)` (RFC 5802 §3).
pub(crate) fn salted_password(
    hash: Hash,
    password: &Secret,
    salt: &[u8],
    iterations: u32,
) -> Result<Zeroizing<Vec<u8>>, Unprepared> {
    let text = std::str::from_utf8(password.expose()).map_err(|_| Unprepared::NotText)?;
    let normal = prepare_stored(text)?;
    Ok(hash.stretch(normal.as_bytes(), salt, iterations))
}

/// `ClientKey := HMAC(SaltedPassword, "Client Key")`.
pub(crate) fn client_key(hash: Hash, salted: &[u8]) -> Zeroizing<Vec<u8>> {
    hash.hmac(salted, &[b"Client Key"])
}

/// `ServerKey := HMAC(SaltedPassword, "Server Key")`.
pub(crate) fn server_key(hash: Hash, salted: &[u8]) -> Zeroizing<Vec<u8>> {
    hash.hmac(salted, &[b"Server Key"])
}

fn decode(text: &str) -> Result<Vec<u8>, BadCredential> {
    STANDARD.decode(text).map_err(|_| BadCredential)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_secret_is_shown() {
        let credential =
            ScramCredential::derive(Hash::Sha1, &Secret::new("pencil"), b"salt", 1).unwrap();
        assert_eq!(
            format!("{credential:?}"),
            "ScramCredential { hash: Sha1, iterations: 1, .. }"
        );
    }

    #[test]
    fn what_is_not_a_credential_is_refused() {
        let key = STANDARD.encode([7; 32]);
        let good = format!("4096,c2FsdA==,{key},{key}");
        assert!(ScramCredential::parse(Hash::Sha256, &good).is_ok());
        assert!(
            ScramCredential::parse(Hash::Sha1, &good).is_err(),
            "keys of another hash"
        );
        let wrong = [
            String::new(),
            format!("0,c2FsdA==,{key},{key}"),
            format!("+1,c2FsdA==,{key},{key}"),
            format!("99999999999,c2FsdA==,{key},{key}"),
            format!("4096,,{key},{key}"),
            format!("4096,c2FsdA,{key},{key}"),
            format!("4096,c2FsdA==,{key}"),
            format!("{good},"),
            format!("4096,{},{key},{key}", STANDARD.encode([1; 900])),
        ];
        for text in wrong {
            assert_eq!(
                ScramCredential::parse(Hash::Sha256, &text),
                Err(BadCredential),
                "{text}"
            );
        }
    }

    #[test]
    fn no_keys_are_made_of_a_password_that_nobody_could_type_alike() {
        let derive = |password: &[u8]| {
            ScramCredential::derive(Hash::Sha1, &Secret::new(password), b"salt", 1).err()
        };
        assert_eq!(derive(b""), Some(Unprepared::Empty));
        assert_eq!(derive(b"\xFF"), Some(Unprepared::NotText));
        assert_eq!(derive(b"a\0b"), Some(Unprepared::Prohibited));
    }

    proptest! {
        #[test]
        fn a_credential_parses_to_what_was_written(
            password in "[ -~]{1,20}",
            salt in proptest::collection::vec(any::<u8>(), 1..40),
            iterations in 1_u32..50,
        ) {
            for hash in [Hash::Sha1, Hash::Sha256] {
                let made = ScramCredential::derive(hash, &Secret::new(password.as_str()), &salt, iterations).unwrap();
                let mut text = String::new();
                made.write_to(&mut text);
                prop_assert_eq!(ScramCredential::parse(hash, &text), Ok(made));
            }
        }
    }
}
