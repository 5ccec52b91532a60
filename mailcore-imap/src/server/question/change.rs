//! Questions that change messages or look for them. The mailbox meant is the open one.

use super::{Answer, Decline, Question};
use crate::types::{Copied, Failed};
use mailcore_base::mailbox::{FlagChange, MailboxName, ModSeq, UidSet};
use mailcore_base::search::Query;
use std::sync::Arc;

/// Which messages match.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is looked for; message numbers in it are UIDs already.
    pub query: Arc<Query>,
    /// Among which.
    pub within: UidSet,
}

/// Change flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whose.
    pub uids: UidSet,
    /// How.
    pub change: FlagChange,
    /// Messages that were modified behind this are left alone and returned (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// Copy messages: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Which.
    pub uids: UidSet,
    /// Where to.
    pub target: MailboxName,
}

/// Move messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub uids: UidSet,
    /// Where to.
    pub target: MailboxName,
}

/// Remove messages for good, whatever their flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunge {
    /// Which.
    pub uids: UidSet,
}

impl Question<'_, Search> {
    /// Those that match.
    pub fn answer(self, found: Result<UidSet, Failed>) {
        self.answered(Answer::Uids(found));
    }
}

impl Question<'_, Store> {
    /// Those that were left alone because of `unchanged_since`.
    pub fn answer(self, unchanged: Result<UidSet, Failed>) {
        self.answered(Answer::Uids(unchanged));
    }
}

impl Question<'_, Expunge> {
    /// Those that were removed.
    pub fn answer(self, removed: Result<UidSet, Failed>) {
        self.answered(Answer::Uids(removed));
    }
}

impl Question<'_, Copy> {
    /// Where the copies are.
    pub fn answer(self, copied: Result<Copied, Failed>) {
        self.answered(Answer::Copied(copied));
    }
}

impl Question<'_, Move> {
    /// Where the messages are now.
    pub fn answer(self, copied: Result<Copied, Failed>) {
        self.answered(Answer::Copied(copied));
    }
}

impl Decline for Search {
    fn refusal() -> Answer {
        Answer::Uids(Err(Failed::Unavailable))
    }
}

impl Decline for Store {
    fn refusal() -> Answer {
        Search::refusal()
    }
}

impl Decline for Expunge {
    fn refusal() -> Answer {
        Search::refusal()
    }
}

impl Decline for Copy {
    fn refusal() -> Answer {
        Answer::Copied(Err(Failed::Unavailable))
    }
}

impl Decline for Move {
    fn refusal() -> Answer {
        Copy::refusal()
    }
}
