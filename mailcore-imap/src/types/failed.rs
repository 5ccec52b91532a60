//! Why a question could not be answered, in few kinds; what the client is told follows from the kind alone.

/// The kinds of failure of whoever stands behind the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
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
    /// Not to be had for now.
    #[error("temporarily unavailable")]
    Unavailable,
    /// What is stored cannot be understood.
    #[error("corrupt")]
    Corrupt,
    /// A limit of the store does not allow it.
    #[error("limit reached")]
    Limit,
    /// The content is encoded in a way that is not known.
    #[error("unknown encoding")]
    Encoding,
    /// The store cannot do that at all.
    #[error("not supported")]
    Unsupported,
}

impl Failed {
    /// The response code, without brackets (RFC 5530), and the text, both as Dovecot words them.
    pub(crate) fn words(self) -> (Option<&'static str>, &'static str) {
        const INTERNAL: &str = "Internal error occurred. Refer to server log for more information.";
        match self {
            Self::NotFound => (Some("NONEXISTENT"), "Mailbox doesn't exist"),
            Self::AlreadyExists => (Some("ALREADYEXISTS"), "Mailbox already exists"),
            Self::Denied => (Some("NOPERM"), "Permission denied"),
            Self::OverQuota => (
                Some("OVERQUOTA"),
                "Quota exceeded (mailbox for user is full)",
            ),
            Self::Full => (Some("OVERQUOTA"), "Not enough disk space"),
            Self::Busy => (Some("INUSE"), "Timeout while waiting for lock"),
            Self::Unavailable => (Some("UNAVAILABLE"), INTERNAL),
            Self::Corrupt => (Some("SERVERBUG"), INTERNAL),
            Self::Limit => (Some("LIMIT"), "Limit of the mailbox store reached"),
            Self::Encoding => (Some("UNKNOWN-CTE"), "Unknown Content-Transfer-Encoding"),
            Self::Unsupported => (Some("CANNOT"), "Operation not supported"),
        }
    }
}
