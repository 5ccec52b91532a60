//! What can go wrong in a backend, in few kinds: what the peer is told depends on the kind alone, the rest is
//! for the log.

use std::borrow::Cow;

/// The result of asking a backend.
pub type Result<T> = std::result::Result<T, Error>;

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// What was named does not exist.
    #[error("not found")]
    NotFound,
    /// What was to be made exists already.
    #[error("already exists")]
    AlreadyExists,
    /// Not allowed to this user.
    #[error("permission denied")]
    Denied,
    /// The user's allowance is used up.
    #[error("quota exceeded")]
    OverQuota,
    /// The medium is full.
    #[error("no space left")]
    Full,
    /// Somebody else is at it; trying again soon helps.
    #[error("busy")]
    Busy,
    /// The backend cannot be reached for now.
    #[error("temporarily unavailable")]
    Unavailable,
    /// What is stored cannot be understood.
    #[error("corrupt")]
    Corrupt,
    /// A limit of this backend (name length, number of keywords …) does not allow it.
    #[error("limit reached")]
    Limit,
    /// This backend cannot do that at all.
    #[error("not supported")]
    Unsupported,
}

/// A failure of a backend.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {kind}")]
pub struct Error {
    kind: Kind,
    context: Cow<'static, str>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of this kind; `context` says at what (for the log, never for the peer).
    pub fn new(kind: Kind, context: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    /// The same with what caused it.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// A failed system call: its error kind decides ours.
    pub fn io(context: impl Into<Cow<'static, str>>, source: std::io::Error) -> Self {
        use std::io::ErrorKind as E;
        let kind = match source.kind() {
            E::NotFound => Kind::NotFound,
            E::AlreadyExists | E::DirectoryNotEmpty => Kind::AlreadyExists,
            E::PermissionDenied | E::ReadOnlyFilesystem => Kind::Denied,
            E::QuotaExceeded => Kind::OverQuota,
            E::StorageFull => Kind::Full,
            E::InvalidFilename => Kind::Limit,
            E::InvalidData => Kind::Corrupt,
            E::Unsupported => Kind::Unsupported,
            // Another host was at it: looking again finds out.
            E::StaleNetworkFileHandle => Kind::Busy,
            _ => Kind::Unavailable,
        };
        Self::new(kind, context).because(source)
    }

    /// The same, and where: `place` is put in front of what it failed at.
    #[must_use]
    pub fn at(self, place: &std::path::Path) -> Self {
        Self {
            context: format!("{}: {}", place.display(), self.context).into(),
            ..self
        }
    }

    /// What kind of failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// At what it failed.
    pub fn context(&self) -> &str {
        &self.context
    }
}
