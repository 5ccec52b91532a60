//! Questions about a message on its way in. Its octets come between them, as `Step::Content`.

use super::{Answer, Decline, Question};
use crate::types::{Appended, Excerpt, Failed};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, Keyword, MailboxName};
use std::ops::Range;

/// A client wants to append a message. It is refused here, or the client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Where to.
    pub name: MailboxName,
    /// Its octets.
    pub size: u64,
}

/// The message has come whole, and another one of the same append follows it (RFC 3502): all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Another {
    /// What the message gets that has come.
    pub stamp: Commit,
    /// Octets of the one that follows, as far as they are known.
    pub size: u64,
}

/// How long is a part of a message that is there already (RFC 4469)? It is in the mailbox that is selected, or in
/// another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locate {
    /// Where it is.
    pub part: Excerpt,
}

/// Add octets of a part that was located to the message that was begun. Asked in order, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// Where they are.
    pub part: Excerpt,
    /// Which of its octets; never empty, within its length, and at most 256 KiB.
    pub range: Range<u64>,
}

/// What became of a search for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// It has so many octets. A section that the message does not have has none.
    Octets(u64),
    /// There is no such mailbox.
    NoMailbox,
    /// The mailbox's UIDs hold under another UIDVALIDITY.
    OtherValidity,
    /// There is no such message.
    NoMessage,
}

/// The last message has come whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

impl Question<'_, Another> {
    /// Whether it may come.
    pub fn answer(self, outcome: Result<(), Failed>) {
        self.answered(Answer::Done(outcome));
    }
}

impl Question<'_, Locate> {
    /// What was found.
    pub fn answer(self, found: Result<Located, Failed>) {
        self.answered(Answer::Located(found));
    }
}

impl Question<'_, Insert> {
    /// Whether they were added; if not, what was begun is over.
    pub fn answer(self, outcome: Result<(), Failed>) {
        self.answered(Answer::Done(outcome));
    }
}

impl Question<'_, Commit> {
    /// Where the messages are now, once they are durable.
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

impl Decline for Another {
    fn refusal() -> Answer {
        Answer::Done(Err(Failed::Unavailable))
    }
}

impl Decline for Locate {
    fn refusal() -> Answer {
        Answer::Located(Err(Failed::Unavailable))
    }
}

impl Decline for Insert {
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
