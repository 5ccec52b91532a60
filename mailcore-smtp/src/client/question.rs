//! Questions: what a session cannot know by itself. One is open at a time; it borrows the session, its type
//! knows its only legal answers, and it is answered by value. Dropped unanswered, it is asked again.

use super::{Facts, Message, Outcome};
use mailcore_base::{
    envelope::Text,
    login::{Secret, TlsFacts},
    wire::{Line, Wire},
};
use std::time::Instant;

/// Something that can be asked, with its only legal kind of answer.
pub trait Topic: sealed::Sealed {
    /// What an answer is made of.
    type Answer;
    /// The answer that is always safe.
    fn refusal() -> Self::Answer;
}

mod sealed {
    pub trait Sealed {}
}

/// A topic and its answer, once it was given.
#[derive(Debug)]
pub(super) struct Open<T: Topic> {
    pub(super) asked: T,
    pub(super) answer: Option<T::Answer>,
}

impl<T: Topic> Open<T> {
    pub(super) fn new(asked: T) -> Self {
        Self {
            asked,
            answer: None,
        }
    }
}

/// An open question.
#[must_use = "a question dropped is asked again"]
pub struct Question<'s, T: Topic> {
    open: &'s mut Open<T>,
    facts: &'s Facts,
    line: Line<'s>,
}

impl<'s, T: Topic> Question<'s, T> {
    pub(super) fn new(open: &'s mut Open<T>, facts: &'s Facts, wire: &'s mut Wire) -> Self {
        Self {
            open,
            facts,
            line: Line::new(wire),
        }
    }

    /// What is asked.
    #[must_use]
    pub fn asked(&self) -> &T {
        &self.open.asked
    }

    /// What is known of the connection.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    /// What is asked, and the line to look after while the answer is sought.
    pub fn parts(&mut self) -> (&T, &mut Line<'s>) {
        (&self.open.asked, &mut self.line)
    }

    /// Gives the answer.
    pub fn answer(self, answer: T::Answer) {
        self.open.answer = Some(answer);
    }

    /// Gives the answer that is always safe.
    pub fn decline(self) {
        self.answer(T::refusal());
    }
}

impl<T: Topic + std::fmt::Debug> std::fmt::Debug for Question<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Question").field(&self.open.asked).finish()
    }
}

/// TLS stands: what is it like? Refused for a reason, the connection ends.
#[derive(Debug)]
pub struct Secured;

/// The peer offers mechanisms ([`Facts::offers`]): shall we log in? Asked where the options allow it.
#[derive(Debug)]
pub struct Authenticate;

/// How to log in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogIn {
    /// By this mechanism, in upper case; with an initial response, which may be empty, or without one.
    By(Text, Option<Secret>),
    /// Not at all.
    Without,
    /// It must be, and none of the mechanisms will do: the connection ends.
    NoMechanism,
    /// It must be, and cannot be, for this reason: the connection ends.
    Failed(Text),
}

/// The peer says something by the mechanism: what do we answer?
#[derive(Debug)]
pub struct Challenge(pub Secret);

/// How a login goes on.
#[derive(Debug)]
pub enum Response {
    /// With this, which may be empty.
    Respond(Secret),
    /// Not at all, for this reason: it is cancelled, and the connection ends.
    Cancel(Text),
}

/// The peer says that we are logged in: does the mechanism believe it? Refused for a reason, the connection ends.
#[derive(Debug)]
pub struct Authenticated;

/// What is to be done next?
#[derive(Debug)]
pub struct Ready {
    /// Since when, if nothing was to be done before either.
    pub rested: Option<Instant>,
}

/// What is to be done next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Order {
    /// Send this. Told of by [`Done`].
    Send(Box<Message>),
    /// Nothing, until then or until a notice of [`Changed`](mailcore_base::wire::Notice::Changed), which may have come
    /// since this was asked. A peer that closes is seen meanwhile.
    Rest(Instant),
    /// Say goodbye.
    Quit,
}

/// The message is done with, as far as this connection goes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Done {
    /// One for each recipient, in the order of the envelope.
    pub outcomes: Vec<Outcome>,
    /// Whether anything was said of the message. If not, another connection may be tried at once: a connection that
    /// has rested may have died unseen, or the message needs what this peer lacks.
    pub begun: bool,
    /// Whether RET, ENVID, NOTIFY and ORCPT went along. If not, whoever asked for a report of success gets one that
    /// says "relayed" (RFC 3461 §5.2.2).
    pub reports: bool,
    /// Octets of content that were taken from us, before dots and line ends.
    pub sent: u64,
}

macro_rules! topics {
    ($($topic:ty => $answer:ty, $refusal:expr;)*) => {$(
        impl sealed::Sealed for $topic {}
        impl Topic for $topic {
            type Answer = $answer;
            fn refusal() -> $answer { $refusal }
        }
    )*};
}

topics! {
    Secured => Result<TlsFacts, Text>, Err(Text::lossy(b"Server certificate not verified"));
    Authenticate => LogIn, LogIn::Without;
    Challenge => Response, Response::Cancel(Text::lossy(b"no response"));
    Authenticated => Result<(), Text>, Err(Text::lossy(b"the server did not prove itself"));
    Ready => Order, Order::Quit;
    Done => (), ();
}
