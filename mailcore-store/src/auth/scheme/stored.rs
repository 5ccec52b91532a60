//! A stored password, whatever its scheme: read, written, checked. Each scheme's own file does the work.

use super::coding::Coding;
use super::{MAX_STORED, PasswordScheme, SchemeError, admissible};
use super::{argon2, bcrypt, digest, plain, scram, sha_crypt};
use crate::auth::{Credential, Scheme};
use mailcore_base::login::Secret;
use std::fmt;
use zeroize::Zeroizing;

/// A password as it is kept. It shows its scheme only.
#[derive(Clone)]
pub struct Stored(pub(super) Form);

#[derive(Clone)]
pub(super) enum Form {
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
    /// Where the scheme is unknown, the text not in its form, a check too costly, or the text longer than
    /// [`MAX_STORED`], as it stands or as it would be written.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        if text.len() > MAX_STORED {
            return Err(SchemeError::TooLong);
        }
        let stored = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, data)) => Self::parse_as(name, data)?,
            None => Self::parse_crypt(text, SchemeError::Unnamed)?,
        };
        // What is written has padding and the scheme's name, a third more at most: it must be read again.
        if text.len() > MAX_STORED / 2 {
            let mut written = Zeroizing::new(String::with_capacity(2 * MAX_STORED));
            stored.write_to(&mut written);
            if written.len() > MAX_STORED {
                return Err(SchemeError::TooLong);
            }
        }
        Ok(stored)
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

    /// The stored form of SCRAM keys that came from somewhere else; `None` for anything but keys of `scheme`.
    pub fn of_keys(scheme: Scheme, keys: &Credential) -> Option<Self> {
        scram::Scram::of_keys(scheme, keys).map(|form| Self(Form::Scram(form)))
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
            (Form::Plain(form), _) => {
                scram::Scram::derive(scheme, form.expose(), salt).map(|keys| keys.credential())
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
