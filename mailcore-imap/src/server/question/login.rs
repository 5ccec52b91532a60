//! Questions on the way in.

use super::{Answer, Decline, Question, Referral};
use mailcore_base::login::Secret;
use std::fmt;

/// A login by name and password (LOGIN). Answered as the last step of a SASL exchange is.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name, as the client gave it.
    pub name: String,
    /// The password.
    pub secret: Secret,
}

/// The beginning of a SASL exchange (AUTHENTICATE). One that was left unfinished is void by it.
#[derive(Clone)]
pub struct Authenticate {
    /// The mechanism, upper-case; always one of those offered.
    pub mechanism: String,
    /// What the client says first, decoded (RFC 4959); none: the mechanism's first challenge is wanted.
    pub initial: Option<Secret>,
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authenticate")
            .field(&self.mechanism)
            .finish()
    }
}

/// The next step of a SASL exchange.
#[derive(Debug, Clone)]
pub struct Respond {
    /// What the client answered to the last challenge, decoded.
    pub response: Secret,
}

/// A user who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Welcome {
    /// The canonical name.
    pub user: String,
    /// The character between levels of mailbox names.
    pub separator: char,
    /// Where the user's own mail is, if not here (RFC 2221 §4).
    pub referral: Option<Referral>,
}

impl Welcome {
    /// A user of this name whose mailboxes' names have levels parted by `separator`.
    pub fn new(user: impl Into<String>, separator: char) -> Self {
        Self {
            user: user.into(),
            separator,
            referral: None,
        }
    }
}

/// Why a login is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// The proof is right, and the account is elsewhere. RFC 2221 §6: never where the proof is wrong.
    Referred(Referral),
    /// The password is too old.
    Expired,
    /// The mechanism cannot be served.
    Mechanism,
    /// The connection is not secure enough.
    Insecure,
    /// The client is in, but its mail cannot be opened; the connection ends.
    Uninitialized,
    /// There is nobody to ask at all; the connection ends.
    NoBackend,
}

/// A step of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exchange {
    /// The client is to answer this challenge (never for [`Login`]).
    Challenge(Vec<u8>),
    /// In.
    Granted(Welcome),
    /// Not in.
    Refused(Refusal),
}

impl Question<'_, Login> {
    /// What became of it. A penalty for wrong passwords is the driver's: it answers later.
    pub fn answer(self, outcome: Result<Welcome, Refusal>) {
        self.answered(Answer::Exchange(match outcome {
            Ok(welcome) => Exchange::Granted(welcome),
            Err(refusal) => Exchange::Refused(refusal),
        }));
    }
}

impl Question<'_, Authenticate> {
    /// The next step.
    pub fn answer(self, step: Exchange) {
        self.answered(Answer::Exchange(step));
    }
}

impl Question<'_, Respond> {
    /// The next step.
    pub fn answer(self, step: Exchange) {
        self.answered(Answer::Exchange(step));
    }
}

impl Decline for Login {
    fn refusal() -> Answer {
        Answer::Exchange(Exchange::Refused(Refusal::Unavailable))
    }
}

impl Decline for Authenticate {
    fn refusal() -> Answer {
        Login::refusal()
    }
}

impl Decline for Respond {
    fn refusal() -> Answer {
        Login::refusal()
    }
}
