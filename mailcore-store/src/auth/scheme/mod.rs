//! Password schemes: how a password is kept, in Dovecot's notation `{SCHEME}text`, and how one is checked
//! against what is kept. Everything here computes on the spot; who must not wait takes a
//! [`Hasher`](super::Hasher).
//!
//! What an entry may cost is bounded when it is read, so that no entry can stall a check: SHA-crypt up to
//! 1,000,000 rounds, bcrypt up to cost 16, Argon2 up to 256 MiB and 1 GiB passed over, SCRAM up to 1,000,000
//! iterations. A password is at most [`MAX_PASSWORD`] octets and has no NUL; any other is wrong.

mod argon2;
mod bcrypt;
mod coding;
mod digest;
mod plain;
mod scram;
mod sha_crypt;
mod stored;
#[cfg(test)]
mod tests;

pub(super) use scram::salt_for;
pub use stored::Stored;

use mailcore_base::login::Secret;
use stored::Form;

/// The longest password that is looked at, in octets. The work of SHA-crypt grows with the length's square.
pub const MAX_PASSWORD: usize = 1024;

/// The longest stored form that is read, in octets; what is read is not written longer either.
pub const MAX_STORED: usize = 4096;

/// A way to keep passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PasswordScheme {
    /// The password itself (`PLAIN`, `CLEARTEXT`, `CLEAR`).
    Plain,
    /// MD5 in hexadecimal (`PLAIN-MD5`).
    PlainMd5,
    /// MD5 in base64 (`LDAP-MD5`).
    LdapMd5,
    /// Salted MD5 (`SMD5`).
    Smd5,
    /// SHA-1 (`SHA`, `SHA1`).
    Sha,
    /// Salted SHA-1 (`SSHA`).
    Ssha,
    /// SHA-256.
    Sha256,
    /// Salted SHA-256.
    Ssha256,
    /// SHA-512.
    Sha512,
    /// Salted SHA-512.
    Ssha512,
    /// `$5$` of crypt(3).
    Sha256Crypt,
    /// `$6$` of crypt(3).
    Sha512Crypt,
    /// bcrypt: `$2a$`, `$2b$`, `$2y$` of crypt(3).
    BlfCrypt,
    /// Argon2i (RFC 9106).
    Argon2i,
    /// Argon2id (RFC 9106).
    Argon2id,
    /// The keys of SCRAM-SHA-1 (RFC 5802 §3).
    ScramSha1,
    /// The keys of SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
}

/// Every scheme with the names it goes by, the one that is written first.
const NAMES: &[(PasswordScheme, &[&str])] = &[
    (PasswordScheme::Plain, &["PLAIN", "CLEARTEXT", "CLEAR"]),
    (PasswordScheme::PlainMd5, &["PLAIN-MD5"]),
    (PasswordScheme::LdapMd5, &["LDAP-MD5"]),
    (PasswordScheme::Smd5, &["SMD5"]),
    (PasswordScheme::Sha, &["SHA", "SHA1"]),
    (PasswordScheme::Ssha, &["SSHA"]),
    (PasswordScheme::Sha256, &["SHA256"]),
    (PasswordScheme::Ssha256, &["SSHA256"]),
    (PasswordScheme::Sha512, &["SHA512"]),
    (PasswordScheme::Ssha512, &["SSHA512"]),
    (PasswordScheme::Sha256Crypt, &["SHA256-CRYPT"]),
    (PasswordScheme::Sha512Crypt, &["SHA512-CRYPT"]),
    (PasswordScheme::BlfCrypt, &["BLF-CRYPT"]),
    (PasswordScheme::Argon2i, &["ARGON2I"]),
    (PasswordScheme::Argon2id, &["ARGON2ID"]),
    (PasswordScheme::ScramSha1, &["SCRAM-SHA-1"]),
    (PasswordScheme::ScramSha256, &["SCRAM-SHA-256"]),
];

impl PasswordScheme {
    /// All schemes there are.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(scheme, _)| *scheme)
    }

    /// The scheme of this name, in any case of letters.
    pub fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(scheme, _)| *scheme)
    }

    /// The name that is written.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(scheme, _)| *scheme == self)
            .map_or("", |(_, names)| names[0])
    }

    /// How many random octets [`hash`](Self::hash) wants as its salt.
    pub fn salt_len(self) -> usize {
        match self {
            Self::Plain | Self::PlainMd5 | Self::LdapMd5 => 0,
            Self::Sha | Self::Sha256 | Self::Sha512 => 0,
            Self::Smd5 | Self::Ssha | Self::Ssha256 | Self::Ssha512 => 8,
            Self::Sha256Crypt | Self::Sha512Crypt => 12,
            Self::BlfCrypt | Self::Argon2i | Self::Argon2id => 16,
            Self::ScramSha1 | Self::ScramSha256 => 16,
        }
    }

    /// Makes the form of `password` that may be kept. `salt` is [`salt_len`](Self::salt_len) random octets,
    /// never used before. `cost` is the rounds of SHA-crypt (default 5,000), the exponent of bcrypt (10), the
    /// passes of Argon2 (3 over 64 MiB; Argon2i 4 over 32 MiB), the iterations of SCRAM (4,096); the others
    /// ignore it, for they have none.
    ///
    /// # Errors
    /// For a password that could never be checked, a salt of another length, or a cost beyond the limits.
    pub fn hash(
        self,
        password: &Secret,
        salt: &[u8],
        cost: Option<u32>,
    ) -> Result<Stored, SchemeError> {
        let password = admissible(password).ok_or(SchemeError::Password)?;
        if salt.len() != self.salt_len() {
            return Err(SchemeError::Salt(self.salt_len()));
        }
        Ok(Stored(match self {
            Self::Plain => Form::Plain(plain::Plain::hash(password)),
            Self::PlainMd5
            | Self::LdapMd5
            | Self::Smd5
            | Self::Sha
            | Self::Ssha
            | Self::Sha256
            | Self::Ssha256
            | Self::Sha512
            | Self::Ssha512 => Form::Digest(digest::Digest::hash(self, password, salt)),
            Self::Sha256Crypt | Self::Sha512Crypt => {
                Form::ShaCrypt(sha_crypt::ShaCrypt::hash(self, password, salt, cost)?)
            }
            Self::BlfCrypt => Form::Bcrypt(bcrypt::Bcrypt::hash(password, salt, cost)?),
            Self::Argon2i | Self::Argon2id => {
                Form::Argon2(argon2::Argon2::hash(self, password, salt, cost)?)
            }
            Self::ScramSha1 | Self::ScramSha256 => {
                Form::Scram(scram::Scram::hash(self, password, salt, cost)?)
            }
        }))
    }
}

/// Why a stored password cannot be used, or one cannot be made. Never quotes what is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// No scheme of this name is known.
    #[error("unknown password scheme {}", .0.escape_debug())]
    Unknown(String),
    /// No scheme is named, and the text is no known form of crypt(3).
    #[error("no password scheme is named, and this is no known crypt form")]
    Unnamed,
    /// The text is not in the scheme's form.
    #[error("password data is not valid for scheme {0}")]
    Malformed(&'static str),
    /// The text is longer than [`MAX_STORED`].
    #[error("password data is too long")]
    TooLong,
    /// A check would cost more than is allowed.
    #[error("{0} is out of its limits")]
    Cost(&'static str),
    /// The password is too long or holds a NUL.
    #[error("the password is longer than {MAX_PASSWORD} octets or holds a NUL")]
    Password,
    /// The salt has another length than the scheme wants.
    #[error("the salt must have {0} octets")]
    Salt(usize),
}

/// The password's octets, where it is one that any scheme takes. NUL ends a password in crypt(3), so that a
/// longer one would pass for a shorter.
fn admissible(password: &Secret) -> Option<&[u8]> {
    let octets = password.expose();
    (octets.len() <= MAX_PASSWORD && memchr::memchr(0, octets).is_none()).then_some(octets)
}
