//! What a session wants next.

use super::{
    body::Receiving,
    question::{
        Abandoned, Auth, Begin, Connect, Etrn, Finish, Header, Hello, Mail, Question, Rcpt,
        Refusal, Secured, Unknown, Verify,
    },
};
use mailcore_base::wire::{Io, Wire};

/// The next step. A step dropped is a step not taken: the session says it again.
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something is to be done with the connection.
    Io(Io<'s>),
    /// Something is to be known.
    Ask(Ask<'s>),
    /// A piece of a message is here.
    Content(Content<'s>),
}

/// The question that is open.
///
/// ```text
///  Connect ─► Hello ─► Mail ─► Rcpt … ─► Begin ─► (content) ─► Header ─► (content) ─► Finish
///     ▲         ▲        ▲                  └──────────┴─────────┴─► Abandoned
///  XCLIENT   Secured    every transaction begins here anew
/// ```
#[derive(Debug)]
#[must_use = "a question dropped is asked again"]
#[non_exhaustive]
#[allow(missing_docs)] // each is the topic it names
pub enum Ask<'s> {
    Connect(Question<'s, Connect>),
    Hello(Question<'s, Hello>),
    Secured(Question<'s, Secured>),
    Auth(Question<'s, Auth>),
    Mail(Question<'s, Mail>),
    Rcpt(Question<'s, Rcpt>),
    Verify(Question<'s, Verify>),
    Etrn(Question<'s, Etrn>),
    Unknown(Question<'s, Unknown>),
    Begin(Question<'s, Begin>),
    Header(Question<'s, Header>),
    Finish(Question<'s, Finish>),
    Abandoned(Question<'s, Abandoned>),
}

impl Ask<'_> {
    /// Gives the safe refusal, whatever was asked.
    pub fn decline(self) {
        match self {
            Self::Connect(question) => question.decline(),
            Self::Hello(question) => question.decline(),
            Self::Secured(question) => question.decline(),
            Self::Auth(question) => question.decline(),
            Self::Mail(question) => question.decline(),
            Self::Rcpt(question) => question.decline(),
            Self::Verify(question) => question.decline(),
            Self::Etrn(question) => question.decline(),
            Self::Unknown(question) => question.decline(),
            Self::Begin(question) => question.decline(),
            Self::Header(question) => question.decline(),
            Self::Finish(question) => question.decline(),
            Self::Abandoned(question) => question.decline(),
        }
    }
}

/// A piece of a message's content, lent from the input buffer: lines end in CRLF, dots are unstuffed, and no bare CR
/// or LF is in it, taken all pieces together.
#[derive(Debug)]
#[must_use = "content dropped is lent again"]
pub struct Content<'s> {
    pub(super) wire: &'s mut Wire,
    pub(super) receiving: &'s mut Receiving,
}

impl Content<'_> {
    /// The octets; never empty.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.receiving.piece(self.wire)
    }

    /// The first `n` octets are done with.
    pub fn taken(self, n: usize) {
        self.receiving.taken(self.wire, n);
    }

    /// The message cannot be kept: the rest of it is swallowed, and this is the reply to it. Asked about
    /// next is [`Abandoned`].
    pub fn refuse(self, refusal: impl Into<Refusal>) {
        self.receiving.refuse(refusal.into());
    }
}
