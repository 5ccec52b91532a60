//! What a session wants next.

use super::{
    Content,
    question::{Authenticate, Authenticated, Challenge, Done, Question, Ready, Secured},
};
use mailcore_base::wire::Io;

/// The next step. A step dropped is a step not taken: the session says it again.
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something is to be done with the connection.
    Io(Io<'s>),
    /// Something is to be known.
    Ask(Ask<'s>),
}

/// The question that is open.
///
/// ```text
///  (greeting, EHLO) ─► Secured ─► Authenticate ─► Challenge … ─► Authenticated ─► Ready ─► Content … ─► Done
///                                                                                   ▲                     │
///                                                                                   └─────────────────────┘
/// ```
#[derive(Debug)]
#[must_use = "a question dropped is asked again"]
#[non_exhaustive]
#[allow(missing_docs)] // each is the topic it names
pub enum Ask<'s> {
    Secured(Question<'s, Secured>),
    Authenticate(Question<'s, Authenticate>),
    Challenge(Question<'s, Challenge>),
    Authenticated(Question<'s, Authenticated>),
    Ready(Question<'s, Ready>),
    Content(Content<'s>),
    Done(Question<'s, Done>),
}

impl Ask<'_> {
    /// Gives the answer that is always safe, whatever was asked.
    pub fn decline(self) {
        match self {
            Self::Secured(question) => question.decline(),
            Self::Authenticate(question) => question.decline(),
            Self::Challenge(question) => question.decline(),
            Self::Authenticated(question) => question.decline(),
            Self::Ready(question) => question.decline(),
            Self::Content(content) => content.failed(),
            Self::Done(question) => question.decline(),
        }
    }
}
