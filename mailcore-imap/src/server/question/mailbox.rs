//! Questions about whole mailboxes.

use super::{Answer, Decline, Question};
use crate::types::{self, Access, Failed, Listed, Selected};
use mailcore_base::mailbox::{Changes, MailboxName, ModSeq, SpecialUse, UidSet};

/// SELECT or EXAMINE: open a mailbox and say what it holds. Nothing is open when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// Which.
    pub name: MailboxName,
    /// How.
    pub access: Access,
}

/// Let go of the mailbox that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close;

/// A page of the list of mailboxes, in the order of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Only names behind this one.
    pub after: Option<MailboxName>,
    /// At most so many; fewer mean that there are no more.
    pub limit: usize,
}

/// All names subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriptions;

/// A mailbox's counters, without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Which.
    pub name: MailboxName,
}

/// Make a mailbox and its missing parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Which.
    pub name: MailboxName,
    /// What it is for.
    pub special: Option<SpecialUse>,
}

/// Remove a mailbox with its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// Which.
    pub name: MailboxName,
}

/// Rename a mailbox and its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Which.
    pub from: MailboxName,
    /// What it is to be called.
    pub to: MailboxName,
}

/// Subscribe to a name, or take that back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Which.
    pub name: MailboxName,
    /// On or off.
    pub on: bool,
}

/// What the open mailbox holds now, whose flags changed since, and what is recent in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync {
    /// Up to when the session knows the mailbox.
    pub known: ModSeq,
}

/// The UIDs that were removed from the open mailbox behind a modification sequence; others of its past may be among
/// them (RFC 7162 §3.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expunged {
    /// As of when the client knows the mailbox.
    pub since: ModSeq,
}

impl Question<'_, Select> {
    /// The mailbox as it was opened.
    pub fn answer(self, outcome: Result<Selected, Failed>) {
        self.answered(Answer::Selected(outcome));
    }
}

impl Question<'_, Close> {
    /// It is let go of.
    pub fn answer(self) {
        self.answered(Answer::Done(Ok(())));
    }
}

impl Question<'_, List> {
    /// The page.
    pub fn answer(self, page: Result<Vec<Listed>, Failed>) {
        self.answered(Answer::Listed(page));
    }
}

impl Question<'_, Subscriptions> {
    /// The names, in order, whether they exist or not.
    pub fn answer(self, names: Result<Vec<MailboxName>, Failed>) {
        self.answered(Answer::Names(names));
    }
}

impl Question<'_, Status> {
    /// The counters.
    pub fn answer(self, status: Result<types::Status, Failed>) {
        self.answered(Answer::Status(status));
    }
}

impl Question<'_, Sync> {
    /// What has changed, and the messages that this session is the first to see.
    pub fn answer(self, changes: Result<(Changes, UidSet), Failed>) {
        self.answered(Answer::Synced(changes));
    }
}

impl Question<'_, Expunged> {
    /// The UIDs; none where the history does not reach so far back.
    pub fn answer(self, gone: Result<Option<UidSet>, Failed>) {
        self.answered(Answer::Gone(gone));
    }
}

macro_rules! done {
    ($($name:ident)*) => {$(
        impl Question<'_, $name> {
            /// Whether it was done; durable when it is answered.
            pub fn answer(self, outcome: Result<(), Failed>) {
                self.answered(Answer::Done(outcome));
            }
        }

        impl Decline for $name {
            fn refusal() -> Answer {
                Answer::Done(Err(Failed::Unavailable))
            }
        }
    )*};
}

done! { Create Delete Rename Subscribe }

impl Decline for Select {
    fn refusal() -> Answer {
        Answer::Selected(Err(Failed::Unavailable))
    }
}

impl Decline for Close {
    fn refusal() -> Answer {
        Answer::Done(Ok(()))
    }
}

impl Decline for List {
    fn refusal() -> Answer {
        Answer::Listed(Err(Failed::Unavailable))
    }
}

impl Decline for Subscriptions {
    fn refusal() -> Answer {
        Answer::Names(Err(Failed::Unavailable))
    }
}

impl Decline for Status {
    fn refusal() -> Answer {
        Answer::Status(Err(Failed::Unavailable))
    }
}

impl Decline for Expunged {
    fn refusal() -> Answer {
        Answer::Gone(Ok(None))
    }
}

impl Decline for Sync {
    fn refusal() -> Answer {
        Answer::Synced(Err(Failed::Unavailable))
    }
}
