//! What a session did, for logs.

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The client said QUIT.
    LoggedOut,
    /// The connection was lost, or the client closed it.
    Lost,
    /// The client took no output for too long.
    Stalled,
    /// The client was silent for too long.
    Timeout,
    /// The server goes down.
    Shutdown,
    /// An administrator ended it.
    Kicked,
    /// Too many commands made no sense.
    Errors,
    /// A line was too long.
    LineTooLong,
    /// It was not wanted, or its maildrop could not be opened.
    Refused,
    /// A message could not be read to its end.
    Broken,
}

/// Counts (Dovecot: `pop3_logout_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// TOP commands that were answered.
    pub tops: u64,
    /// Octets sent for them.
    pub top_octets: u64,
    /// RETR commands that were answered.
    pub retrieved: u64,
    /// Octets sent for them.
    pub retrieved_octets: u64,
    /// Messages deleted at QUIT.
    pub deleted: u32,
    /// Messages in the maildrop.
    pub messages: u32,
    /// Their octets.
    pub size: u64,
}
