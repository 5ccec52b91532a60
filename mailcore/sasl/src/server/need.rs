//! What a mechanism has to know from a backend. Each need takes its own kind of answer, by value, so that
//! none can be answered twice or in the wrong words.

use super::{
    FetchKeys, FetchPassword, MapCertificate, Reason, Step, TokenVerdict, VerifyPassword,
    VerifyToken,
};

/// A question to a backend.
#[must_use = "a need that is dropped cancels the exchange"]
#[derive(Debug)]
#[non_exhaustive]
pub enum Need {
    /// Is this the user's password? (PLAIN, LOGIN)
    VerifyPassword(VerifyPassword),
    /// What is the user's password? (CRAM-MD5)
    FetchPassword(FetchPassword),
    /// What are the user's SCRAM keys?
    FetchKeys(FetchKeys),
    /// Whose token is this? (OAUTHBEARER, XOAUTH2)
    VerifyToken(VerifyToken),
    /// Whose is the certificate of the TLS handshake? (EXTERNAL)
    MapCertificate(MapCertificate),
}

impl Need {
    /// The safe answer to any question, also one that is added later: try again another time.
    pub fn decline(self) -> Step {
        match self {
            Self::VerifyPassword(need) => need.answer(Verdict::Unavailable),
            Self::FetchPassword(need) => need.answer(Found::Unavailable),
            Self::FetchKeys(need) => need.answer(Found::Unavailable),
            Self::VerifyToken(need) => need.answer(TokenVerdict::Unavailable),
            Self::MapCertificate(need) => need.answer(Found::Unavailable),
        }
    }
}

/// The answer of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Here it is.
    This(T),
    /// There is no such user, or none that this mechanism can serve.
    Nothing,
    /// The backend cannot say just now.
    Unavailable,
}

impl<T, E> From<Result<Option<T>, E>> for Found<T> {
    /// From the three outcomes of a store's look-up; the error is for the log.
    fn from(outcome: Result<Option<T>, E>) -> Self {
        match outcome {
            Ok(Some(this)) => Self::This(this),
            Ok(None) => Self::Nothing,
            Err(_) => Self::Unavailable,
        }
    }
}

/// The answer of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the user's password.
    Accepted,
    /// It is not, or there is no such user.
    Refused,
    /// The backend cannot say just now.
    Unavailable,
}

impl Verdict {
    pub(super) fn reason(self) -> Result<(), Reason> {
        match self {
            Self::Accepted => Ok(()),
            Self::Refused => Err(Reason::Refused),
            Self::Unavailable => Err(Reason::Unavailable),
        }
    }
}
