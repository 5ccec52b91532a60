//! Users and their passwords. Which mechanism asked, and what the peer is told, is known elsewhere.

#[cfg(feature = "schemes")]
mod book;
#[cfg(feature = "schemes")]
mod entry;
#[cfg(feature = "schemes")]
mod hasher;
#[cfg(feature = "schemes")]
mod memory;
#[cfg(feature = "schemes")]
mod nets;
#[cfg(all(feature = "schemes", feature = "files"))]
mod passwd_file;
mod roll;
#[cfg(feature = "schemes")]
pub mod scheme;

#[cfg(feature = "schemes")]
pub use entry::{Entry, Password};
#[cfg(feature = "schemes")]
pub use hasher::{Hasher, HasherLimits, Load};
#[cfg(feature = "schemes")]
pub use memory::MemoryUsers;
#[cfg(feature = "schemes")]
pub use nets::Nets;
#[cfg(all(feature = "schemes", feature = "files"))]
pub use passwd_file::{NameForm, PasswdFile, PasswdFileOptions};
pub use roll::{Enrolled, Roll};
#[cfg(feature = "schemes")]
pub use scheme::{PasswordScheme, SchemeError, Stored};

use crate::Result;
use async_trait::async_trait;
use mailcore_base::login::{Login, Secret};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

/// Further fields of a user or of a password entry by name (`allow_nets`, `nologin`, `host` …).
pub type Fields = BTreeMap<String, String>;

/// What a password backend says of a login with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The password is right. `name` is the user's canonical name.
    Granted {
        /// The canonical name, which users, mailboxes and logs go by.
        name: String,
        /// Further fields of the entry.
        fields: Fields,
    },
    /// There is such a user, and the password is wrong.
    Mismatch,
    /// There is no such user here.
    Unknown,
    /// The password is right and the user may not come in (disabled, expired, wrong network).
    Barred {
        /// The canonical name.
        name: String,
        /// Further fields of the entry, which may say why and where to go instead; none for who comes from a wrong
        /// network.
        fields: Fields,
    },
}

/// A stored key that a challenge mechanism works with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// The password itself.
    Plain(Secret),
    /// A SCRAM key of the hash that was asked for (RFC 5802 §3).
    Scram {
        /// The salt.
        salt: Vec<u8>,
        /// How often the hash was iterated.
        iterations: u32,
        /// `H(ClientKey)`
        stored_key: Secret,
        /// `ServerKey`
        server_key: Secret,
    },
}

/// What kind of credential a mechanism needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scheme {
    /// The password itself (CRAM-MD5, APOP, DIGEST-MD5).
    Plain,
    /// A key of SCRAM-SHA-1, or the password to derive it from.
    ScramSha1,
    /// A key of SCRAM-SHA-256, or the password to derive it from.
    ScramSha256,
}

/// A found credential, with what its entry says of the user.
#[derive(Debug, Clone)]
pub struct Found {
    /// The user's canonical name.
    pub name: String,
    /// The credential.
    pub credential: Credential,
    /// Further fields of the entry.
    pub fields: Fields,
}

/// A password backend.
#[async_trait]
pub trait Passwords: Send + Sync + Debug {
    /// Whether `secret` is the password of `login`. Takes about as long for an unknown user as for a known one.
    /// Hashing happens off the event loop, with bounded concurrency.
    ///
    /// # Errors
    /// When the backend cannot tell for now.
    async fn verify(&self, login: &Login, secret: &Secret) -> Result<Verdict>;

    /// The credential of `login` for `scheme`; `None` where there is no such user, where the stored form
    /// cannot serve that scheme, and where the user may not come in (there is no proof yet that would allow
    /// to say so). Asked again it is the same, salt included. Takes about as long for an unknown user.
    ///
    /// # Errors
    /// When the backend cannot tell for now.
    async fn credential(&self, login: &Login, scheme: Scheme) -> Result<Option<Found>>;

    /// The schemes that at least one stored entry can serve, lowest first: what may be advertised.
    /// Checking a password against [`verify`](Self::verify) is always possible.
    fn schemes(&self) -> Vec<Scheme>;
}

/// A user: who owns mail, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct User {
    /// The canonical name (`alice@example.test`).
    pub name: String,
    /// The home folder, where there is one.
    pub home: Option<PathBuf>,
    /// Where mail lies, in the mail store's own terms (`maildir:~/Maildir`); none: the store's default.
    pub location: Option<String>,
    /// The system user that owns the mail.
    pub uid: Option<u32>,
    /// The system group that owns the mail.
    pub gid: Option<u32>,
    /// Further fields.
    pub fields: Fields,
}

impl User {
    /// A user of this name, everything else by default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// A user directory.
#[async_trait]
pub trait Users: Send + Sync + Debug {
    /// The user of this login or delivery, or `None` where the directory is sure that there is none.
    ///
    /// # Errors
    /// When the directory cannot tell for now; mail is then deferred, never bounced.
    async fn user(&self, login: &Login) -> Result<Option<User>>;
}
