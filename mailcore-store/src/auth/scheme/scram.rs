//! `SCRAM-SHA-1` and `SCRAM-SHA-256`: the keys of RFC 5802 §3, written `iterations,salt,StoredKey,ServerKey`
//! with the last three in base64.

use super::coding::{BASE64, from_base64};
use super::{PasswordScheme, SchemeError};
use crate::auth::{Credential, Scheme};
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use mailcore_base::login::Secret;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The most iterations that a stored form may ask for: a second or two.
const MAX_ITERATIONS: u32 = 1_000_000;
/// RFC 7677 §4: at least 4096.
const DEFAULT_ITERATIONS: u32 = 4096;
const OUT_OF_LIMITS: SchemeError = SchemeError::Cost("the number of SCRAM iterations");

/// The hash that a mechanism is made with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
}

#[derive(Clone)]
pub(super) struct Scram {
    hash: Hash,
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Secret,
    server_key: Secret,
}

impl Scram {
    pub(super) fn parse(scheme: PasswordScheme, text: &str) -> Result<Self, SchemeError> {
        let malformed = || SchemeError::Malformed(scheme.name());
        let hash = Hash::of(scheme);
        let mut parts = text.split(',');
        let iterations = parts
            .next()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(malformed)?;
        let mut octets = || parts.next().and_then(from_base64).ok_or_else(malformed);
        let (salt, stored_key, server_key) = (octets()?, octets()?, octets()?);
        let whole = stored_key.len() == hash.len() && server_key.len() == hash.len();
        if parts.next().is_some() || salt.is_empty() || !whole {
            return Err(malformed());
        }
        Ok(Self {
            hash,
            iterations: bounded(iterations)?,
            salt,
            stored_key: Secret::new(stored_key),
            server_key: Secret::new(server_key),
        })
    }

    pub(super) fn of_keys(scheme: Scheme, keys: &Credential) -> Option<Self> {
        let hash = Hash::asked(scheme)?;
        let Credential::Scram {
            salt,
            iterations,
            stored_key,
            server_key,
        } = keys
        else {
            return None;
        };
        let whole = [stored_key, server_key].map(|key| key.expose().len()) == [hash.len(); 2];
        Some(Self {
            hash,
            iterations: bounded(*iterations).ok().filter(|_| whole)?,
            salt: salt.clone(),
            stored_key: stored_key.clone(),
            server_key: server_key.clone(),
        })
    }

    pub(super) fn hash(
        scheme: PasswordScheme,
        password: &[u8],
        salt: &[u8],
        cost: Option<u32>,
    ) -> Result<Self, SchemeError> {
        let iterations = bounded(cost.unwrap_or(DEFAULT_ITERATIONS))?;
        let prepared = prepare(password);
        Ok(Self::keys(Hash::of(scheme), &prepared, salt, iterations))
    }

    /// The keys for a mechanism from the password itself.
    pub(super) fn derive(scheme: Scheme, password: &[u8], salt: &[u8]) -> Option<Self> {
        let hash = Hash::asked(scheme)?;
        Some(Self::keys(
            hash,
            &prepare(password),
            salt,
            DEFAULT_ITERATIONS,
        ))
    }

    pub(super) fn write_to(&self, out: &mut String) {
        out.push_str(&format!("{{{}}}{}", self.scheme().name(), self.iterations));
        for octets in [
            &self.salt[..],
            self.stored_key.expose(),
            self.server_key.expose(),
        ] {
            out.push(',');
            BASE64.encode_string(octets, out);
        }
    }

    pub(super) fn scheme(&self) -> PasswordScheme {
        match self.hash {
            Hash::Sha1 => PasswordScheme::ScramSha1,
            Hash::Sha256 => PasswordScheme::ScramSha256,
        }
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(super) fn serves(&self, scheme: Scheme) -> bool {
        Hash::asked(scheme) == Some(self.hash)
    }

    pub(super) fn credential(&self) -> Credential {
        Credential::Scram {
            salt: self.salt.clone(),
            iterations: self.iterations,
            stored_key: self.stored_key.clone(),
            server_key: self.server_key.clone(),
        }
    }

    /// Keys that were made without preparation (some tools do) are recognised too.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let prepared = prepare(password);
        let is_key_of = |password: &[u8]| {
            let key = Self::keys(self.hash, password, &self.salt, self.iterations);
            bool::from(key.stored_key.expose().ct_eq(self.stored_key.expose()))
        };
        is_key_of(&prepared) || (prepared[..] != *password && is_key_of(password))
    }

    fn keys(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let mut salted = Zeroizing::new([0_u8; 32]);
        let salted = &mut salted[..hash.len()];
        match hash {
            Hash::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, iterations, salted),
            Hash::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, iterations, salted),
        }
        // RFC 5802 §3: ClientKey, StoredKey and ServerKey.
        let client_key = Zeroizing::new(hash.mac(salted, b"Client Key"));
        Self {
            hash,
            iterations,
            salt: salt.to_vec(),
            stored_key: Secret::new(hash.digest(&client_key)),
            server_key: Secret::new(hash.mac(salted, b"Server Key")),
        }
    }
}

impl Hash {
    fn of(scheme: PasswordScheme) -> Self {
        match scheme {
            PasswordScheme::ScramSha1 => Self::Sha1,
            _ => Self::Sha256,
        }
    }

    fn asked(scheme: Scheme) -> Option<Self> {
        match scheme {
            Scheme::Plain => None,
            Scheme::ScramSha1 => Some(Self::Sha1),
            Scheme::ScramSha256 => Some(Self::Sha256),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn mac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, octets),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, octets),
        }
    }
}

/// HMAC takes keys of any length, so there is always a result.
fn mac<M: Mac + KeyInit>(key: &[u8], octets: &[u8]) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key)
        .map(|mac| mac.chain_update(octets).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// A salt for keys that are derived ever again: always the same for one user, and unknown to others.
pub(in crate::auth) fn salt_for(seed: &[u8], scheme: Scheme, name: &str) -> Vec<u8> {
    let mut salt = Hash::Sha256.mac(seed, format!("{scheme:?} {name}").as_bytes());
    salt.truncate(16);
    salt
}

/// SASLprep (RFC 5802 §2.2, RFC 4013); a password that it forbids is taken as it is.
fn prepare(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let prepared = std::str::from_utf8(password)
        .ok()
        .and_then(|text| stringprep::saslprep(text).ok())
        .map(Cow::into_owned)
        .map(String::into_bytes);
    Zeroizing::new(prepared.unwrap_or_else(|| password.to_vec()))
}

fn bounded(iterations: u32) -> Result<u32, SchemeError> {
    if (1..=MAX_ITERATIONS).contains(&iterations) {
        Ok(iterations)
    } else {
        Err(OUT_OF_LIMITS)
    }
}
