//! Why an exchange failed. How that is worded for the peer is the protocol's business.

use std::fmt;
use thiserror::Error;

/// The outcome of an exchange that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// The name that was tried, where it came so far: for the log and for penalties, not for the peer.
    pub name: Option<String>,
}

impl Failure {
    pub(crate) fn new(reason: Reason, name: Option<String>) -> Self {
        Self { reason, name }
    }
}

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The mechanism was not offered here (SMTP: 504; IMAP: NO).
    NotOffered,
    /// The message is not one of this mechanism, or comes out of turn (SMTP: 501; IMAP: BAD). The words say
    /// what was wrong, for the log.
    Malformed(&'static str),
    /// The message is longer than [`crate::LONGEST_MESSAGE`] (SMTP: 500).
    TooLong,
    /// The credentials are wrong, or there is no such user: one reason, on purpose (SMTP: 535).
    Refused,
    /// The channel binding does not fit, or somebody between stripped the -PLUS mechanisms from our offer
    /// (RFC 5802 §6). To be told to the peer like [`Reason::Refused`]; to the log as it is.
    Binding(&'static str),
    /// The backend could not answer just now (SMTP: 454; IMAP: `[UNAVAILABLE]`). Nobody was refused.
    Unavailable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("mechanism not offered"),
            Self::Malformed(what) => write!(f, "malformed message: {what}"),
            Self::TooLong => f.write_str("message too long"),
            Self::Refused => f.write_str("authentication failed"),
            Self::Binding(what) => write!(f, "channel binding: {what}"),
            Self::Unavailable => f.write_str("temporary authentication failure"),
        }
    }
}
