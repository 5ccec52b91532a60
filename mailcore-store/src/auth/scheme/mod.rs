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
#[cfg(test)]
mod tests;

pub(super) use scram::salt_for;

use super::{Credential, Scheme};
use coding::Coding;
use mailcore_base::login::Secret;
use std::fmt;

/// The longest password that is looked at, in octets. The work of SHA-crypt grows with the length's square.
pub const MAX_PASSWORD: usize = 1024;

/// The longest stored form that is read, in octets.
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
    #[error("unknown password scheme {0}")]
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

/// A password as it is kept. It shows its scheme only.
#[derive(Clone)]
pub struct Stored(Form);

#[derive(Clone)]
enum Form {
    Plain(plain::Plain),
    Digest(digest::Digest),
    ShaCrypt(sha_crypt::ShaCrypt),
    Bcrypt(bcrypt::Bcrypt),
    Argon2(argon2::Argon2),
    Scram(scram::Scram),
}

impl Stored {
    /// Reads `{SCHEME}text`, `{SCHEME.b64}text`, `{SCHEME.hex}text`, or one of crypt(3)'s and Argon2's own
    /// forms without a scheme (`$5$`, `$6$`, `$2y$`, `$argon2id$` …).
    ///
    /// # Errors
    /// Where the scheme is unknown, the text not in its form, or a check too costly.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        if text.len() > MAX_STORED {
            return Err(SchemeError::TooLong);
        }
        match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, data)) => Self::parse_as(name, data),
            None => Self::parse_crypt(text, SchemeError::Unnamed),
        }
    }

    /// The text that [`parse`](Self::parse) reads, without `:`, blanks and line ends, so that it fits in a
    /// field of a passwd-file. It is as secret as the password of a guessable user.
    pub fn write_to(&self, out: &mut String) {
        match &self.0 {
            Form::Plain(form) => form.write_to(out),
            Form::Digest(form) => form.write_to(out),
            Form::ShaCrypt(form) => form.write_to(out),
            Form::Bcrypt(form) => form.write_to(out),
            Form::Argon2(form) => form.write_to(out),
            Form::Scram(form) => form.write_to(out),
        }
    }

    /// Which scheme it is.
    pub fn scheme(&self) -> PasswordScheme {
        match &self.0 {
            Form::Plain(_) => PasswordScheme::Plain,
            Form::Digest(form) => form.scheme(),
            Form::ShaCrypt(form) => form.scheme(),
            Form::Bcrypt(_) => PasswordScheme::BlfCrypt,
            Form::Argon2(form) => form.scheme(),
            Form::Scram(form) => form.scheme(),
        }
    }

    /// Whether `password` is the one. What is compared is compared in constant time. Costly for schemes that
    /// are: milliseconds to seconds.
    pub fn verify(&self, password: &Secret) -> bool {
        let Some(password) = admissible(password) else {
            return false;
        };
        match &self.0 {
            Form::Plain(form) => form.verify(password),
            Form::Digest(form) => form.verify(password),
            Form::ShaCrypt(form) => form.verify(password),
            Form::Bcrypt(form) => form.verify(password),
            Form::Argon2(form) => form.verify(password),
            Form::Scram(form) => form.verify(password),
        }
    }

    /// Whether a check takes so long that it belongs off the event loop.
    pub fn is_costly(&self) -> bool {
        !matches!(self.0, Form::Plain(_) | Form::Digest(_))
    }

    /// Entries of the same effort take about the same time to check.
    pub(crate) fn effort(&self) -> (PasswordScheme, u64) {
        let cost = match &self.0 {
            Form::Plain(_) | Form::Digest(_) => 0,
            Form::ShaCrypt(form) => u64::from(form.rounds()),
            Form::Bcrypt(form) => u64::from(form.cost()),
            Form::Argon2(form) => form.passed_over(),
            Form::Scram(form) => u64::from(form.iterations()),
        };
        (self.scheme(), cost)
    }

    /// Whether [`credential`](Self::credential) has something for `scheme`.
    pub fn serves(&self, scheme: Scheme) -> bool {
        match &self.0 {
            Form::Plain(_) => true,
            Form::Scram(form) => form.serves(scheme),
            _ => false,
        }
    }

    /// What a challenge mechanism works with. Keys of SCRAM are derived from a password that is kept as it
    /// is, with `salt` and 4,096 iterations (RFC 7677 §4); that is costly.
    pub fn credential(&self, scheme: Scheme, salt: &[u8]) -> Option<Credential> {
        match (&self.0, scheme) {
            (Form::Plain(form), Scheme::Plain) => Some(Credential::Plain(form.secret())),
            (Form::Plain(form), Scheme::ScramSha1 | Scheme::ScramSha256) => {
                Some(scram::Scram::derive(scheme, form.expose(), salt).credential())
            }
            (Form::Scram(form), _) if form.serves(scheme) => Some(form.credential()),
            _ => None,
        }
    }

    fn parse_as(name: &str, data: &str) -> Result<Self, SchemeError> {
        let (base, coding) = Coding::of(name);
        let unknown = || SchemeError::Unknown(name.chars().take(40).collect());
        if base.eq_ignore_ascii_case("CRYPT") {
            return Self::parse_crypt(
                &coding.text(data, "CRYPT")?,
                SchemeError::Malformed("CRYPT"),
            );
        }
        let scheme = PasswordScheme::named(base).ok_or_else(unknown)?;
        let text = || coding.text(data, scheme.name());
        Ok(Self(match scheme {
            PasswordScheme::Plain => Form::Plain(plain::Plain::parse(data, coding)?),
            PasswordScheme::PlainMd5
            | PasswordScheme::LdapMd5
            | PasswordScheme::Smd5
            | PasswordScheme::Sha
            | PasswordScheme::Ssha
            | PasswordScheme::Sha256
            | PasswordScheme::Ssha256
            | PasswordScheme::Sha512
            | PasswordScheme::Ssha512 => Form::Digest(digest::Digest::parse(scheme, data, coding)?),
            // The text says which of these forms it is; the scheme's name does not matter to crypt(3).
            PasswordScheme::Sha256Crypt
            | PasswordScheme::Sha512Crypt
            | PasswordScheme::BlfCrypt
            | PasswordScheme::Argon2i
            | PasswordScheme::Argon2id => {
                return Self::parse_crypt(&text()?, SchemeError::Malformed(scheme.name()));
            }
            PasswordScheme::ScramSha1 | PasswordScheme::ScramSha256 => {
                Form::Scram(scram::Scram::parse(scheme, &text()?)?)
            }
        }))
    }

    fn parse_crypt(text: &str, otherwise: SchemeError) -> Result<Self, SchemeError> {
        let form = match text.get(..3) {
            Some("$5$" | "$6$") => Form::ShaCrypt(sha_crypt::ShaCrypt::parse(text)?),
            Some("$2a" | "$2b" | "$2y") => Form::Bcrypt(bcrypt::Bcrypt::parse(text)?),
            Some("$ar") => Form::Argon2(argon2::Argon2::parse(text)?),
            _ => return Err(otherwise),
        };
        Ok(Self(form))
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({})", self.scheme().name())
    }
}

/// The password's octets, where it is one that any scheme takes. NUL ends a password in crypt(3), so that a
/// longer one would pass for a shorter.
fn admissible(password: &Secret) -> Option<&[u8]> {
    let octets = password.expose();
    (octets.len() <= MAX_PASSWORD && memchr::memchr(0, octets).is_none()).then_some(octets)
}
