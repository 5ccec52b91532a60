//! Questions about a message on its way in. Its octets come between them, as `Step::Content`.

use super::{Answer, Decline, Question};
use crate::types::{Appended, Failed};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, Keyword, MailboxName};

/// A client wants to append a message. It is refused here, or the client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Where to.
    pub name: MailboxName,
    /// Its octets.
    pub size: u64,
}

/// The message has come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// The internal date; none: now.
    pub date: Option<DateTime>,
}

/// The message that was begun will not be ended: forget it. Where a connection just ends, so does the message,
/// unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned;

impl Question<'_, Begin> {
    /// Whether it may come.
    pub fn answer(self, outcome: Result<(), Failed>) {
        self.answered(Answer::Done(outcome));
    }
}

impl Question<'_, Commit> {
    /// Where it is now, once it is durable.
    pub fn answer(self, outcome: Result<Appended, Failed>) {
        self.answered(Answer::Appended(outcome));
    }
}

impl Question<'_, Abandoned> {
    /// Forgotten.
    pub fn answer(self) {
        self.answered(Answer::Done(Ok(())));
    }
}

impl Decline for Begin {
    fn refusal() -> Answer {
        Answer::Done(Err(Failed::Unavailable))
    }
}

impl Decline for Commit {
    fn refusal() -> Answer {
        Answer::Appended(Err(Failed::Unavailable))
    }
}

impl Decline for Abandoned {
    fn refusal() -> Answer {
        Answer::Done(Ok(()))
    }
}
