//! The one question that is open.

use super::question::{Authenticate, Authenticated, Challenge, Done, Open, Ready, Secured, Topic};

/// The question that is open, with what is asked: it stays here until it is answered.
#[derive(Debug)]
pub(super) enum Pending {
    None,
    Secured(Open<Secured>),
    Authenticate(Open<Authenticate>),
    Challenge(Open<Challenge>),
    Authenticated(Open<Authenticated>),
    Ready(Open<Ready>),
    Done(Open<Done>),
}

impl Pending {
    /// Whether its answer was given.
    pub(super) fn is_answered(&self) -> bool {
        fn given<T: Topic>(open: &Open<T>) -> bool {
            open.answer.is_some()
        }
        match self {
            Self::None => false,
            Self::Secured(open) => given(open),
            Self::Authenticate(open) => given(open),
            Self::Challenge(open) => given(open),
            Self::Authenticated(open) => given(open),
            Self::Ready(open) => given(open),
            Self::Done(open) => given(open),
        }
    }
}
