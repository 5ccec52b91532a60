//! Logins, by mechanism.

use super::Count;
use crate::auth::{Reason, Turn};

/// Mechanisms that are told apart; any other name, which a client may have made up, counts as the last.
const MECHANISMS: [&str; 14] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "EXTERNAL",
    "ANONYMOUS",
    "OAUTHBEARER",
    "XOAUTH2",
    "APOP",
    "other",
];

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// Somebody is in.
    Ok,
    /// Whoever it was is not.
    Refused,
    /// Nobody could say for now.
    Unavailable,
}

impl LoginOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Refused, Self::Unavailable];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Logins that have ended, one way or another.
#[derive(Debug, Default)]
pub struct Logins([[Count; LoginOutcome::ALL.len()]; MECHANISMS.len()]);

impl Logins {
    /// How often logins by a mechanism have ended so; a name that is none of a mechanism's stands for all such.
    pub fn get(&self, mechanism: &str, outcome: LoginOutcome) -> u64 {
        self.count(mechanism, outcome).get()
    }

    /// Each mechanism's name with each outcome, and how often that was.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, LoginOutcome, u64)> + '_ {
        MECHANISMS.iter().zip(&self.0).flat_map(|(name, counts)| {
            let outcomes = LoginOutcome::ALL.iter().zip(counts);
            outcomes.map(move |(outcome, count)| (*name, *outcome, count.get()))
        })
    }

    fn count(&self, mechanism: &str, outcome: LoginOutcome) -> &Count {
        let last = MECHANISMS.len() - 1;
        let at = MECHANISMS
            .iter()
            .position(|it| it.eq_ignore_ascii_case(mechanism));
        &self.0[at.unwrap_or(last)][outcome as usize]
    }

    pub(crate) fn admitted(&self, mechanism: &str) {
        self.count(mechanism, LoginOutcome::Ok).one();
    }

    pub(crate) fn refused(&self, mechanism: &str, reason: Reason) {
        let outcome = match reason {
            Reason::Unavailable => LoginOutcome::Unavailable,
            _ => LoginOutcome::Refused,
        };
        self.count(mechanism, outcome).one();
    }

    /// A turn of an exchange; one that goes on does not count.
    pub(crate) fn turned(&self, mechanism: &str, turn: &Turn) {
        match turn {
            Turn::Challenge(..) => {}
            Turn::Admitted(_) => self.admitted(mechanism),
            Turn::Refused(refusal) => self.refused(mechanism, refusal.reason),
        }
    }
}
