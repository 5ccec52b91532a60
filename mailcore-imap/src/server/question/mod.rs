//! Questions: what a session wants to know, or to have done, by whoever drives it.
//!
//! One question is open at a time. It lends the session's line, knows its only legal answers, and is answered
//! by value; dropped, it is asked again. [`Ask::decline`] is the safe refusal of any question, also of those
//! added later.

mod append;
mod change;
mod fetch;
mod login;
mod mailbox;
mod order;
mod referral;

pub use append::{Abandoned, Another, Begin, Commit, Insert, Locate, Located};
pub use change::{Copy, Expunge, Move, Search, Store};
pub use fetch::{Bytes, Describe, Extent, Measure, Records};
pub use login::{Authenticate, Exchange, Login, Refusal, Respond, Welcome};
pub use mailbox::{
    Close, Create, Delete, Expunged, List, Rename, Select, Status, Subscribe, Subscriptions, Sync,
};
pub use order::{Sort, Thread};
pub use referral::Referral;

use super::Facts;
use super::session::Core;
use crate::thread::Threads;
use crate::types;
use crate::types::Failed;
use mailcore_base::mailbox::{Changes, MailboxName, Uid, UidSet};
use mailcore_base::wire::Line;
use std::fmt;

/// An open question.
#[must_use = "a question dropped is asked again"]
pub struct Question<'s, T> {
    asked: T,
    facts: &'s mut Facts,
    line: Line<'s>,
    core: &'s mut Core,
}

impl<T: fmt::Debug> fmt::Debug for Question<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Question").field(&self.asked).finish()
    }
}

impl<'s, T> Question<'s, T> {
    /// What is asked.
    pub fn asked(&self) -> &T {
        &self.asked
    }

    /// What is known of the connection.
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    /// What is asked, and the line to be looked after while the answer is awaited.
    pub fn parts(&mut self) -> (&T, &mut Line<'s>) {
        (&self.asked, &mut self.line)
    }

    fn answered(self, answer: Answer) {
        self.core.answered(answer);
    }
}

/// A question that has a safe refusal.
trait Decline {
    fn refusal() -> Answer;
}

/// Answers by value. Which command gets one is known by which is running.
#[derive(Debug)]
pub(in crate::server) enum Answer {
    Exchange(Exchange),
    Selected(Result<types::Selected, Failed>),
    Done(Result<(), Failed>),
    Listed(Result<Vec<types::Listed>, Failed>),
    Names(Result<Vec<MailboxName>, Failed>),
    Status(Result<types::Status, Failed>),
    Synced(Result<(Changes, UidSet), Failed>),
    Gone(Result<Option<UidSet>, Failed>),
    NoRows(Failed),
    Described(Result<Option<bytes::Bytes>, Failed>),
    Measured(Result<Option<Measured>, Failed>),
    Octets(Result<usize, Failed>),
    Uids(Result<UidSet, Failed>),
    Ordered(Result<Vec<Uid>, Failed>),
    Threaded(Result<Threads, Failed>),
    Located(Result<Located, Failed>),
    Appended(Result<types::Appended, Failed>),
    Copied(Result<types::Copied, Failed>),
}

/// What is known of a section before its octets are sent.
#[derive(Debug)]
pub(in crate::server) enum Measured {
    Length(u64),
    Whole(Vec<u8>),
}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a session asks of its driver; [`server`](crate::server) says how each is answered.
        #[derive(Debug)]
        #[must_use = "a question dropped is asked again"]
        #[non_exhaustive]
        pub enum Ask<'s> {
            $($(#[$doc])* $name(Question<'s, $name>),)*
        }

        $(impl Question<'_, $name> {
            /// Answers with the safe refusal.
            pub fn decline(self) {
                self.answered(<$name as Decline>::refusal());
            }
        })*

        impl Ask<'_> {
            /// Answers with the safe refusal: not for now, or nothing.
            pub fn decline(self) {
                match self {
                    $(Self::$name(question) => question.answered(<$name as Decline>::refusal()),)*
                }
            }
        }

        /// A question before it is asked.
        #[derive(Debug)]
        pub(in crate::server) enum Want {
            $($name($name),)*
        }

        impl Want {
            /// Asks it.
            pub(in crate::server) fn lend<'s>(
                self,
                facts: &'s mut Facts,
                line: Line<'s>,
                core: &'s mut Core,
            ) -> Ask<'s> {
                match self {
                    $(Self::$name(asked) => Ask::$name(Question { asked, facts, line, core }),)*
                }
            }
        }
    };
}

questions! {
    /// Is this the user's password?
    Login,
    /// Begin a SASL exchange.
    Authenticate,
    /// Go on with a SASL exchange.
    Respond,
    /// Open a mailbox.
    Select,
    /// Let go of the mailbox that is open.
    Close,
    /// Which mailboxes are there?
    List,
    /// Which names are subscribed to?
    Subscriptions,
    /// What do a mailbox's counters say?
    Status,
    /// Make a mailbox.
    Create,
    /// Remove a mailbox.
    Delete,
    /// Rename a mailbox.
    Rename,
    /// Subscribe to a name or take that back.
    Subscribe,
    /// What has changed in the open mailbox?
    Sync,
    /// What went from the open mailbox since?
    Expunged,
    /// What is known of these messages?
    Records,
    /// How does a message's envelope or structure read?
    Describe,
    /// How long is a section of a message?
    Measure,
    /// Octets of a section.
    Bytes,
    /// Which messages match?
    Search,
    /// Which messages match, in which order?
    Sort,
    /// Which messages match, in which threads?
    Thread,
    /// Change flags.
    Store,
    /// Copy messages.
    Copy,
    /// Move messages.
    Move,
    /// Remove messages.
    Expunge,
    /// Begin to append a message.
    Begin,
    /// End the message that was begun, and begin another one with it.
    Another,
    /// How long is a part of another message?
    Locate,
    /// Add a part of another message.
    Insert,
    /// End the message that was begun.
    Commit,
    /// Forget the message that was begun.
    Abandoned,
}
