//! What stores say of mailboxes and messages: plain values, batch by batch.

use crate::Result;
use crate::queue::Identity;
use bytes::Bytes;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{
    Flags, Keyword, MailboxName, ModSeq, SpecialUse, Uid, UidSet, UidValidity,
};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a session opens a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// EXAMINE: nothing is changed, `\Recent` included.
    Read,
    /// SELECT.
    Write,
}

/// A mailbox in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: MailboxName,
    /// Whether it can be opened, or is only a parent of others.
    pub selectable: bool,
    /// Whether it has children.
    pub children: bool,
    /// Whether it may hold messages that nobody has been told of (`\Marked`), where that is known.
    pub marked: Option<bool>,
    /// What it is for.
    pub special: Option<SpecialUse>,
}

impl Listed {
    /// A mailbox that can be opened and has no children.
    pub fn new(name: MailboxName) -> Self {
        Self {
            name,
            selectable: true,
            children: false,
            marked: None,
            special: None,
        }
    }
}

/// Counters of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// How many messages.
    pub messages: u32,
    /// How many of them nobody has been told of.
    pub recent: u32,
    /// How many lack `\Seen`.
    pub unseen: u32,
    /// How many have `\Deleted`.
    pub deleted: u32,
    /// The UID that the next message will have, or a higher one.
    pub uid_next: Uid,
    /// Under which the UIDs hold.
    pub uid_validity: UidValidity,
    /// Of the last change.
    pub modseq: ModSeq,
    /// The sum of all sizes, in octets with CRLF line ends.
    pub size: u64,
}

impl Status {
    /// A mailbox that holds nothing yet.
    pub fn empty(uid_validity: UidValidity) -> Self {
        Self {
            messages: 0,
            recent: 0,
            unseen: 0,
            deleted: 0,
            uid_next: Uid::FIRST,
            uid_validity,
            modseq: ModSeq(1),
            size: 0,
        }
    }
}

/// Which fields of a [`Record`] are wanted; others may be left at nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fields(u8);

impl Fields {
    /// Flags and modification sequence.
    pub const FLAGS: Self = Self(1);
    /// The internal date.
    pub const DATE: Self = Self(1 << 1);
    /// The size with CRLF line ends.
    pub const SIZE: Self = Self(1 << 2);
    /// The envelope, ready to send, where the store keeps it.
    pub const ENVELOPE: Self = Self(1 << 3);
    /// The body structure, ready to send, where the store keeps it.
    pub const STRUCTURE: Self = Self(1 << 4);
    /// The chosen header fields, where the store has them at hand.
    pub const HEADERS: Self = Self(1 << 5);

    /// These and those of `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Some of `other` are wanted.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// All of `other` are wanted.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Fields {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a store knows of a message without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Which message.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// When it last changed.
    pub modseq: ModSeq,
    /// When it came (INTERNALDATE).
    pub date: Option<DateTime>,
    /// Its size in octets with CRLF line ends.
    pub size: Option<u64>,
    /// Its ENVELOPE, ready to send.
    pub envelope: Option<Bytes>,
    /// Its BODYSTRUCTURE, ready to send.
    pub structure: Option<Bytes>,
    /// Those fields of its header that are among the [`CHOSEN_FIELDS`](mailcore_base::message::CHOSEN_FIELDS), each as
    /// it stands there and in that order, with CRLF line ends, without an empty line behind them.
    pub headers: Option<Bytes>,
}

impl Record {
    /// A record that knows flags alone.
    pub fn new(uid: Uid, flags: Flags, modseq: ModSeq) -> Self {
        Self {
            uid,
            flags,
            modseq,
            date: None,
            size: None,
            envelope: None,
            structure: None,
            headers: None,
        }
    }
}

/// What a message gets on its way in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamp {
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// The internal date; none: now, as the store's clock has it.
    pub date: Option<DateTime>,
    /// The identity under which the message was accepted, where it comes by delivery: a second delivery under
    /// the same identity finds the first and adds nothing.
    pub identity: Option<Identity>,
}

/// Where appended messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Under which the UIDs hold.
    pub uid_validity: UidValidity,
    /// Their UIDs: never empty, and ascending in the order in which the messages were written, but for those whose
    /// identity was there already.
    pub uids: UidSet,
}

/// Where copied messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Under which the new UIDs hold.
    pub uid_validity: UidValidity,
    /// The UIDs copied, ascending; the message at a place here is the one at the same place of `to`.
    pub from: UidSet,
    /// The UIDs given, ascending.
    pub to: UidSet,
}

impl Copied {
    /// What of it was really moved, since it is `gone` from where it was, and the UIDs given to all others.
    pub(crate) fn part(self, gone: &UidSet) -> (Self, UidSet) {
        let pairs = || self.from.iter().zip(self.to.iter());
        let (mut from, mut to) = (UidSet::new(), UidSet::new());
        for (uid, given) in pairs().filter(|(uid, _)| gone.contains(*uid)) {
            from.insert(uid);
            to.insert(given);
        }
        let doubled = self.to.difference(&to);
        let uid_validity = self.uid_validity;
        (
            Self {
                uid_validity,
                from,
                to,
            },
            doubled,
        )
    }
}

/// A promise of durability: resolves when the message is on stable storage and has its UID.
#[must_use = "a message is durable only once its ticket has resolved"]
pub struct Ticket(Pin<Box<dyn Future<Output = Result<Appended>> + Send>>);

impl Ticket {
    /// A ticket that resolves as `work` does.
    pub fn new(work: impl Future<Output = Result<Appended>> + Send + 'static) -> Self {
        Self(Box::pin(work))
    }
}

impl Future for Ticket {
    type Output = Result<Appended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}
