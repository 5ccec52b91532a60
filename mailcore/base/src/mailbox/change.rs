//! The feed from a mailbox to those who look at it: what it holds now, and whose flags changed since.

use super::{Flags, Keywords, ModSeq, Uid, UidMap, UidValidity};
use std::sync::Arc;

/// A mailbox at one moment. Sessions that look at the same mailbox share its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Under which the UIDs hold.
    pub uid_validity: UidValidity,
    /// The UID that the next message will have, or a higher one.
    pub uid_next: Uid,
    /// Of the last change (HIGHESTMODSEQ).
    pub modseq: ModSeq,
    /// The messages there are.
    pub uids: Arc<UidMap>,
    /// The keywords in use. A position once given keeps its name.
    pub keywords: Arc<Keywords>,
}

impl Snapshot {
    /// A mailbox that holds nothing yet.
    pub fn empty(uid_validity: UidValidity) -> Self {
        Self {
            uid_validity,
            uid_next: Uid::FIRST,
            modseq: ModSeq(1),
            uids: Arc::default(),
            keywords: Arc::default(),
        }
    }
}

/// What happened to a mailbox since an earlier [`ModSeq`].
///
/// Messages that came or went are not listed: they are the difference between the UIDs that the reader
/// already knows and those of the snapshot, which no bounded history can lose.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The mailbox now.
    pub now: Snapshot,
    /// Messages whose flags were changed since, with the flags they have now; by UID. A message that came
    /// since may be among them or not.
    pub flagged: Vec<(Uid, Flags, ModSeq)>,
}

impl Changes {
    /// The mailbox now, with these flags changed on the way.
    pub fn new(now: Snapshot, flagged: Vec<(Uid, Flags, ModSeq)>) -> Self {
        Self { now, flagged }
    }
}
