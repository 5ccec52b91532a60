//! The maildrop as it was at login: message numbers, sizes, and what the client has marked.

use mailcore_base::mailbox::{Uid, UidMap, UidSet, UidValidity};
use std::collections::BTreeMap;

/// A message as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its UID.
    pub uid: Uid,
    /// Its size in octets with CRLF line ends.
    pub size: u64,
    /// The unique id that clients know it by from elsewhere (a migration), where that is kept. One that RFC 1939
    /// §7 does not allow (1 to 70 octets, 0x21 to 0x7E) is passed over.
    pub uidl: Option<String>,
}

impl Message {
    /// A message that has no unique id of its own.
    pub fn new(uid: Uid, size: u64) -> Self {
        Self {
            uid,
            size,
            uidl: None,
        }
    }
}

/// A part of what is in a maildrop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Under which the UIDs hold.
    pub uid_validity: UidValidity,
    /// The messages, by UID; ones that do not ascend are passed over.
    pub messages: Vec<Message>,
    /// There are more behind these.
    pub more: bool,
}

/// The maildrop of a session. It takes eight octets for each message, and a few for each gap between UIDs.
#[derive(Debug, Default)]
pub(super) struct Contents {
    uid_validity: Option<UidValidity>,
    uids: UidMap,
    /// UIDs while they come in; the map is made of them at the end.
    coming: UidSet,
    sizes: Vec<u64>,
    uidls: BTreeMap<Uid, String>,
    deleted: UidSet,
    deleted_size: u64,
    seen: UidSet,
    size: u64,
    /// The highest number retrieved (LAST).
    last: u32,
}

impl Contents {
    /// Takes in the next page; true while more is to be asked for.
    pub(super) fn add(&mut self, page: Page) -> bool {
        self.uid_validity = Some(page.uid_validity);
        let before = self.coming.last();
        for message in page.messages {
            if self.coming.last().is_some_and(|last| message.uid <= last) {
                continue;
            }
            self.coming.insert(message.uid);
            self.sizes.push(message.size);
            self.size = self.size.saturating_add(message.size);
            if let Some(uidl) = message.uidl.filter(|uidl| allowed(uidl)) {
                self.uidls.insert(message.uid, uidl);
            }
        }
        // A page that brings nothing new would be asked for for ever.
        let more = page.more && self.coming.last() > before;
        if !more {
            self.uids = UidMap::from(&std::mem::take(&mut self.coming));
            self.sizes.shrink_to_fit();
        }
        more
    }

    /// Behind which message the next page begins.
    pub(super) fn after(&self) -> Option<Uid> {
        self.coming.last()
    }

    /// How many messages there were at login.
    pub(super) fn len(&self) -> u32 {
        self.uids.len()
    }

    /// Their octets.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many are not deleted, and their octets.
    pub(super) fn left(&self) -> (u32, u64) {
        let deleted = u32::try_from(self.deleted.len()).unwrap_or(u32::MAX);
        (
            self.len().saturating_sub(deleted),
            self.size.saturating_sub(self.deleted_size),
        )
    }

    /// The UID and size of the message with this number (from 1).
    pub(super) fn message(&self, number: u32) -> Option<(Uid, u64)> {
        let uid = self.uids.uid(number)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some((uid, *self.sizes.get(index)?))
    }

    pub(super) fn is_deleted(&self, uid: Uid) -> bool {
        self.deleted.contains(uid)
    }

    /// Marks it as deleted.
    pub(super) fn delete(&mut self, uid: Uid, size: u64) {
        if !self.deleted.contains(uid) {
            self.deleted.insert(uid);
            self.deleted_size = self.deleted_size.saturating_add(size);
        }
    }

    /// It was retrieved whole.
    pub(super) fn retrieved(&mut self, number: u32, uid: Uid) {
        self.seen.insert(uid);
        self.last = self.last.max(number);
    }

    /// The highest number retrieved, or zero.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// Takes back what was marked.
    pub(super) fn reset(&mut self) {
        self.deleted = UidSet::new();
        self.deleted_size = 0;
        self.seen = UidSet::new();
        self.last = 0;
    }

    /// What is to be deleted and what to be marked as seen at the end.
    pub(super) fn changes(&self) -> (UidSet, UidSet) {
        (self.deleted.clone(), self.seen.difference(&self.deleted))
    }

    /// The unique id that the message brought along.
    pub(super) fn own_uidl(&self, uid: Uid) -> Option<&str> {
        self.uidls.get(&uid).map(String::as_str)
    }

    pub(super) fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }
}

/// RFC 1939 §7: one to 70 characters in the range 0x21 to 0x7E.
fn allowed(uidl: &str) -> bool {
    (1..=70).contains(&uidl.len()) && uidl.bytes().all(|b| (0x21..=0x7e).contains(&b))
}
