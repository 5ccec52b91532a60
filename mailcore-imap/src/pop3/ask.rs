//! Questions: what a session cannot know by itself. One is open at a time; it borrows the session, its type knows
//! its only legal answer, and it is answered by value. Dropped unanswered, it is asked again.

use super::{Facts, Failed, Page, Refusal};
use bytes::Bytes;
use mailcore_base::login::{Secret, TlsFacts};
use mailcore_base::mailbox::{Uid, UidSet};
use mailcore_base::wire::{Line, Wire};
use std::fmt;
use std::net::IpAddr;

/// Something that can be asked, with its only legal kind of answer.
pub trait Topic: sealed::Sealed {
    /// What an answer is made of.
    type Answer;
    /// The answer that is always safe: no, or not now.
    fn refusal() -> Self::Answer;
}

mod sealed {
    pub trait Sealed {}
}

/// A topic and its answer, once it was given.
#[derive(Debug)]
pub(super) struct Open<T: Topic> {
    asked: T,
    answer: Option<T::Answer>,
}

/// An open question.
#[must_use = "a question dropped is asked again"]
pub struct Question<'s, T: Topic> {
    open: &'s mut Open<T>,
    facts: &'s Facts,
    line: Line<'s>,
}

impl<'s, T: Topic> Question<'s, T> {
    /// What is asked.
    pub fn asked(&self) -> &T {
        &self.open.asked
    }

    /// What is known of the connection.
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

    /// Gives the safe refusal.
    pub fn decline(self) {
        self.answer(T::refusal());
    }
}

impl<T: Topic + fmt::Debug> fmt::Debug for Question<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Question").field(&self.open.asked).finish()
    }
}

/// What the driver knows of the connection as it is now.
#[derive(Debug, Clone, Default)]
pub struct Link {
    /// The client's address, where there is one.
    pub peer: Option<IpAddr>,
    /// The address that the client connected to.
    pub local: Option<IpAddr>,
    /// The TLS layer, where there is one.
    pub tls: Option<TlsFacts>,
    /// Passwords may be sent as they are ([`Facts::secured`]).
    pub secured: bool,
    /// SASL mechanisms that are offered on this connection, upper-case, best first.
    pub mechanisms: Vec<String>,
}

/// A client that is greeted.
#[derive(Debug, Clone, Default)]
pub struct Welcome {
    /// The connection.
    pub link: Link,
    /// The timestamp of the greeting, angle brackets included, where APOP can be served (RFC 1939 §7); it
    /// must never be the same twice.
    pub apop: Option<String>,
}

/// A step of a SASL exchange.
#[derive(Debug, Clone)]
pub enum Exchange {
    /// The client is to answer this.
    Challenge(Vec<u8>),
    /// In, by this canonical name.
    Granted(String),
    /// Not in. A penalty for wrong passwords is the driver's: it answers later.
    Refused(Refusal),
}

/// A client has connected: who is it, and is it welcome?
#[derive(Debug)]
pub struct Connect;

/// TLS stands: what is the connection now?
#[derive(Debug)]
pub struct Secured;

/// Is this the user's password (USER and PASS)? Answered with the canonical name.
#[derive(Debug)]
pub struct Login {
    /// The name, as the client gave it; no control characters.
    pub name: String,
    /// The password, as the client gave it.
    pub secret: Secret,
}

/// Does this digest prove that the client knows the user's password (RFC 1939 §7)? Answered with the canonical
/// name.
#[derive(Debug)]
pub struct Apop {
    /// The name, as the client gave it; no control characters.
    pub name: String,
    /// What stood in the greeting.
    pub timestamp: String,
    /// 32 hexadecimal digits.
    pub digest: String,
}

/// The beginning of a SASL exchange (RFC 5034). One that was left unfinished is void by it.
pub struct Authenticate {
    /// The mechanism, upper-case; always one of those offered.
    pub mechanism: String,
    /// What the client says first, decoded; none: the mechanism's first challenge is wanted.
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
#[derive(Debug)]
pub struct Respond {
    /// What the client answered to the last challenge, decoded.
    pub response: Secret,
}

/// What is in the maildrop of the user who has logged in? From the first answer on it counts as opened, until
/// [`Commit`] or [`Abandoned`].
#[derive(Debug)]
pub struct Maildrop {
    /// Messages behind this one are wanted; none: from the first.
    pub after: Option<Uid>,
    /// At most so many are wanted.
    pub most: usize,
    /// No other session may have it at the same time; [`Failed::InUse`] where one has.
    pub exclusive: bool,
}

/// Octets of a message: any piece from `offset` on, nothing at its end; `None` where the message is gone.
#[derive(Debug)]
pub struct Read {
    /// Which message.
    pub uid: Uid,
    /// From where, in octets with CRLF line ends.
    pub offset: u64,
    /// So many can be sent at once. A longer piece is held until it was sent.
    pub most: usize,
}

/// The client has said QUIT: these changes are to be made, durably, and the maildrop is let go of. There may be
/// nothing to change.
#[derive(Debug)]
pub struct Commit {
    /// To be removed. What is not there any more is passed over.
    pub deleted: UidSet,
    /// To be marked as seen; none of those deleted.
    pub seen: UidSet,
}

/// The session ends without QUIT: nothing is changed (RFC 1939 §6), and the maildrop is let go of.
#[derive(Debug)]
pub struct Abandoned;

macro_rules! topics {
    ($($name:ident($topic:ty) => $answer:ty, $refusal:expr;)*) => {
        $(
            impl sealed::Sealed for $topic {}
            impl Topic for $topic {
                type Answer = $answer;
                fn refusal() -> $answer { $refusal }
            }
        )*

        /// The question that is open.
        #[derive(Debug)]
        #[must_use = "a question dropped is asked again"]
        #[non_exhaustive]
        #[allow(missing_docs)] // each is the topic it names
        pub enum Ask<'s> {
            $($name(Question<'s, $topic>),)*
        }

        impl Ask<'_> {
            /// Gives the safe refusal, whatever was asked.
            pub fn decline(self) {
                match self {
                    $(Self::$name(question) => question.decline(),)*
                }
            }
        }

        /// The question that is open, with what is asked: it stays here until it is answered.
        #[derive(Debug, Default)]
        pub(super) enum Pending {
            #[default]
            None,
            $($name(Open<$topic>),)*
        }

        /// What has been answered.
        #[derive(Debug)]
        pub(super) enum Answer {
            $($name($answer),)*
        }

        $(
            impl From<$topic> for Pending {
                fn from(asked: $topic) -> Self {
                    Self::$name(Open { asked, answer: None })
                }
            }
        )*

        impl Pending {
            /// Takes the answer out, once there is one.
            pub(super) fn take_answer(&mut self) -> Option<Answer> {
                let (answered, rest) = match std::mem::take(self) {
                    Self::None => return None,
                    $(
                        Self::$name(Open { answer: Some(answer), .. }) => {
                            (Some(Answer::$name(answer)), Self::None)
                        }
                        Self::$name(open) => (None, Self::$name(open)),
                    )*
                };
                *self = rest;
                answered
            }

            /// Lends the question.
            pub(super) fn lend<'s>(
                &'s mut self,
                facts: &'s Facts,
                wire: &'s mut Wire,
            ) -> Option<Ask<'s>> {
                let line = Line::new(wire);
                match self {
                    Self::None => None,
                    $(Self::$name(open) => Some(Ask::$name(Question { open, facts, line })),)*
                }
            }
        }
    };
}

topics! {
    Connect(Connect) => Result<Welcome, Failed>, Err(Failed::Temporary);
    Secured(Secured) => Result<Link, Failed>, Err(Failed::Temporary);
    Login(Login) => Result<String, Refusal>, Err(Refusal::Unavailable);
    Apop(Apop) => Result<String, Refusal>, Err(Refusal::Unavailable);
    Authenticate(Authenticate) => Exchange, Exchange::Refused(Refusal::Unavailable);
    Respond(Respond) => Exchange, Exchange::Refused(Refusal::Unavailable);
    Maildrop(Maildrop) => Result<Page, Failed>, Err(Failed::Temporary);
    Read(Read) => Result<Option<Bytes>, Failed>, Err(Failed::Temporary);
    Commit(Commit) => Result<(), Failed>, Err(Failed::Temporary);
    Abandoned(Abandoned) => (), ();
}
