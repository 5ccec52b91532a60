//! Why something was refused, and the words for it (RFC 2449 §8, RFC 3206).

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Wrong name, password or proof: which, nobody is told.
    Credentials,
    /// It cannot be told for now.
    Unavailable,
    /// The proof is right, and the user may not act as whom he asked for.
    NotAuthorized,
    /// The account is switched off.
    Disabled,
    /// The password is too old.
    Expired,
    /// The mechanism cannot be served.
    Mechanism,
    /// The connection is not secure enough.
    Insecure,
}

impl Refusal {
    /// What the client is told, behind `-ERR`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Credentials => "[AUTH] Authentication failed.",
            Self::Unavailable => "[SYS/TEMP] Temporary authentication failure.",
            Self::NotAuthorized => "[AUTH] Authorization failed.",
            Self::Disabled => "[AUTH] Account is disabled.",
            Self::Expired => "[AUTH] Password expired.",
            Self::Mechanism => "[AUTH] Unsupported authentication mechanism.",
            Self::Insecure => {
                "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."
            }
        }
    }
}

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failed {
    /// Another session has the maildrop.
    InUse,
    /// There are too many sessions of this client or user.
    TooMany,
    /// Not for now.
    Temporary,
    /// Not before somebody has repaired something.
    Permanent,
    /// The message needs a client that understands UTF-8 (RFC 6856 §5).
    Utf8,
}

impl Failed {
    /// What the client is told, behind `-ERR`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::InUse => "[IN-USE] Mailbox is locked by another POP3 session.",
            Self::TooMany => "[IN-USE] Maximum number of connections exceeded.",
            Self::Temporary => {
                "[SYS/TEMP] Internal error occurred. Refer to server log for more information."
            }
            Self::Permanent => {
                "[SYS/PERM] Internal error occurred. Refer to server log for more information."
            }
            Self::Utf8 => "[UTF8] The message has a UTF-8 header, and UTF8 was not given.",
        }
    }
}

/// What a client said, fit to stand in a reply: one line, printable, and not long (RFC 2449 §4).
pub(super) fn quoted(said: &[u8]) -> String {
    const LONGEST: usize = 400;
    let short = said.get(..LONGEST).unwrap_or(said);
    let text = String::from_utf8_lossy(short);
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
