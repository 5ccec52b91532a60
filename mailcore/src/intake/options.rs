//! What of the intake can be chosen.

use crate::reception::Visit;

/// Whose messages are completed with the fields that they lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Completes {
    /// Nobody's.
    Nobody,
    /// Those of clients on this host (Postfix: `local_header_rewrite_clients = permit_inet_interfaces`).
    SameHost,
    /// Those of clients on this host, and of whoever has logged in (RFC 6409 §8).
    #[default]
    Ours,
    /// Everybody's (Postfix: `always_add_missing_headers = yes`).
    All,
}

impl Completes {
    /// Whether the messages of this visit are.
    #[must_use]
    pub fn covers(self, visit: &Visit) -> bool {
        match self {
            Self::Nobody => false,
            Self::SameHost => visit.is_same_host(),
            Self::Ours => visit.is_same_host() || visit.login.is_some(),
            Self::All => true,
        }
    }
}

/// The choices of an intake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whose messages are completed.
    pub completes: Completes,
    /// What the To field of a completed message says that shows no recipient (`undisclosed-recipients:;`). None by
    /// default, as in Postfix: RFC 5322 asks for no such field.
    pub undisclosed: Option<String>,
    /// Received fields, our own among them, at which a message runs in circles (Postfix: hopcount_limit).
    pub hop_limit: u32,
    /// Final recipients of one message. Where aliases lead to more, it is deferred.
    pub most_recipients: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            completes: Completes::default(),
            undisclosed: None,
            hop_limit: 50,
            most_recipients: 100_000,
        }
    }
}
