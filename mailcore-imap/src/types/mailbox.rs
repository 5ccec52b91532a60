//! What is said of whole mailboxes.

use mailcore_base::mailbox::{MailboxName, ModSeq, Snapshot, SpecialUse, Uid, UidSet, UidValidity};

/// How a session opens a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// EXAMINE: nothing is changed, `\Recent` included.
    Read,
    /// SELECT.
    Write,
}

/// A mailbox that has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selected {
    /// What it holds now.
    pub snapshot: Snapshot,
    /// The messages that this session is the first to see.
    pub recent: UidSet,
    /// The first message without `\Seen`.
    pub unseen: Option<Uid>,
    /// Whether clients may make up further keywords (`\*` in PERMANENTFLAGS, RFC 3501 §7.1).
    pub new_keywords: bool,
    /// Whether it was opened for writing, which a store may not grant (READ-ONLY, RFC 3501 §6.3.1).
    pub access: Access,
    /// Whether modification sequences outlive sessions (HIGHESTMODSEQ, else NOMODSEQ, RFC 7162 §3.1.2).
    pub modseqs: bool,
}

impl Selected {
    /// An opened mailbox of which nothing is recent or unseen, whose keywords may grow and whose modification sequences
    /// last.
    pub fn new(snapshot: Snapshot, access: Access) -> Self {
        Self {
            snapshot,
            recent: UidSet::new(),
            unseen: None,
            new_keywords: true,
            access,
            modseqs: true,
        }
    }
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

/// Counters of a mailbox (RFC 3501 §6.3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// How many messages.
    pub messages: u32,
    /// How many of them nobody has been told of.
    pub recent: u32,
    /// How many lack `\Seen`.
    pub unseen: u32,
    /// The UID that the next message will have, or a higher one.
    pub uid_next: Uid,
    /// Under which the UIDs hold.
    pub uid_validity: UidValidity,
    /// Of the last change; zero where modification sequences do not last (RFC 7162 §3.1.7).
    pub modseq: ModSeq,
}

impl Status {
    /// A mailbox that holds nothing yet.
    pub fn empty(uid_validity: UidValidity) -> Self {
        Self {
            messages: 0,
            recent: 0,
            unseen: 0,
            uid_next: Uid::FIRST,
            uid_validity,
            modseq: ModSeq(1),
        }
    }
}

/// Where an appended message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Under which the UID holds.
    pub uid_validity: UidValidity,
    /// Its UID.
    pub uid: Uid,
}

/// Where copied or moved messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Under which the new UIDs hold.
    pub uid_validity: UidValidity,
    /// The UIDs copied, ascending; the message at a place here is the one at the same place of `to`.
    pub from: UidSet,
    /// The UIDs given, ascending.
    pub to: UidSet,
}
