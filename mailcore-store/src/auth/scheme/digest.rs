//! Plain and salted digests (`SHA256`, `SSHA256` …): quick, hence weak against a thief; for what exists.

use super::coding::{BASE64, Coding, from_base64, from_hex, write_hex};
use super::{PasswordScheme, SchemeError};
use base64::Engine as _;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq;

#[derive(Clone)]
pub(super) struct Digest {
    scheme: PasswordScheme,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Digest {
    pub(super) fn parse(
        scheme: PasswordScheme,
        data: &str,
        coding: Coding,
    ) -> Result<Self, SchemeError> {
        let malformed = SchemeError::Malformed(scheme.name());
        let len = len(scheme);
        let octets = match coding {
            Coding::Base64 => from_base64(data),
            Coding::Hex => from_hex(data),
            Coding::Own if scheme == PasswordScheme::PlainMd5 => from_hex(data),
            // Without a salt the length tells hexadecimal digits from base64.
            Coding::Own if !is_salted(scheme) && data.len() == 2 * len => from_hex(data),
            Coding::Own => from_base64(data),
        };
        let Some((digest, salt)) = octets.as_deref().and_then(|all| all.split_at_checked(len))
        else {
            return Err(malformed);
        };
        if salt.is_empty() == is_salted(scheme) {
            return Err(malformed);
        }
        Ok(Self {
            scheme,
            digest: digest.to_vec(),
            salt: salt.to_vec(),
        })
    }

    pub(super) fn hash(scheme: PasswordScheme, password: &[u8], salt: &[u8]) -> Self {
        Self {
            scheme,
            digest: digest(scheme, password, salt),
            salt: salt.to_vec(),
        }
    }

    pub(super) fn write_to(&self, out: &mut String) {
        out.push('{');
        out.push_str(self.scheme.name());
        out.push('}');
        if self.scheme == PasswordScheme::PlainMd5 {
            write_hex(&self.digest, out);
        } else {
            BASE64.encode_string([&self.digest[..], &self.salt[..]].concat(), out);
        }
    }

    pub(super) fn scheme(&self) -> PasswordScheme {
        self.scheme
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        digest(self.scheme, password, &self.salt)
            .ct_eq(&self.digest)
            .into()
    }
}

fn is_salted(scheme: PasswordScheme) -> bool {
    scheme.salt_len() > 0
}

/// The digest's own length in octets.
fn len(scheme: PasswordScheme) -> usize {
    match scheme {
        PasswordScheme::PlainMd5 | PasswordScheme::LdapMd5 | PasswordScheme::Smd5 => 16,
        PasswordScheme::Sha | PasswordScheme::Ssha => 20,
        PasswordScheme::Sha256 | PasswordScheme::Ssha256 => 32,
        _ => 64,
    }
}

fn digest(scheme: PasswordScheme, password: &[u8], salt: &[u8]) -> Vec<u8> {
    let octets = [password, salt].concat();
    match len(scheme) {
        16 => Md5::digest(octets).to_vec(),
        20 => Sha1::digest(octets).to_vec(),
        32 => Sha256::digest(octets).to_vec(),
        _ => Sha512::digest(octets).to_vec(),
    }
}
