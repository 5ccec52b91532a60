//! What a session knows beyond the command that is running.
//!
//! ```text
//!            LOGIN, AUTHENTICATE           SELECT, EXAMINE
//!   stranger ──────────────────► account ──────────────────► selected
//!                                   ▲                           │
//!                                   └── CLOSE, UNSELECT, SELECT ┘       LOGOUT, BYE from anywhere
//! ```

use super::updates::Updates;
use super::view::{NoSuchMessage, View};
use crate::parse::search::Numbered;
use crate::types::{Access, SequenceSet};
use mailcore_base::mailbox::{MailboxName, ModSeq, UidSet};

/// What outlives a command.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Set once a user is logged in.
    pub(super) account: Option<Account>,
    /// Set while a mailbox is selected; boxed, since most sessions of a busy server before login have none.
    pub(super) selected: Option<Box<Selected>>,
    /// A TLS layer was put up by STARTTLS.
    pub(super) tls: bool,
    /// The client has asked for capabilities before login and gets them untagged when they change.
    pub(super) asked_capabilities: bool,
    /// Commands in a row that made no sense.
    pub(super) wrong: u32,
    /// The mailbox is said to have changed, and nobody has looked yet.
    pub(super) changed: bool,
    /// The command that runs goes by UID, and so do all FETCH responses with it (RFC 3501 §6.4.8).
    pub(super) by_uid: bool,
    /// The client knows modification sequences and is told of every new one (RFC 7162 §3.1).
    pub(super) condstore: bool,
    /// The client has enabled QRESYNC: expunges are told by UID (RFC 7162 §3.2).
    pub(super) qresync: bool,
}

/// The user's side of a session.
#[derive(Debug)]
pub(super) struct Account {
    /// The character between levels of mailbox names.
    pub(super) separator: char,
}

/// The mailbox that is selected.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) name: MailboxName,
    pub(super) view: View,
    pub(super) access: Access,
    /// Clients may make up further keywords.
    pub(super) new_keywords: bool,
    /// What the last search saved (`$`, RFC 5182 §2.1).
    pub(super) saved: UidSet,
    /// Searches whose results the client is kept told of.
    pub(super) updates: Updates,
    /// Modification sequences outlive this session.
    pub(super) modseqs: bool,
    /// The highest modification sequence that the client may take itself to be up to.
    pub(super) heard: ModSeq,
}

impl Selected {
    /// The client is told of this modification sequence.
    pub(super) fn hear(&mut self, modseq: ModSeq) {
        self.heard = self.heard.max(modseq);
    }

    /// The messages that a set of UIDs names.
    pub(super) fn uids(&self, set: &SequenceSet) -> UidSet {
        match set.is_saved() {
            true => self.saved(),
            false => self.view.uids(set.ranges()),
        }
    }

    /// The messages that a set of numbers names.
    ///
    /// # Errors
    /// For a number that no message has.
    pub(super) fn numbers(&self, set: &SequenceSet) -> Result<UidSet, NoSuchMessage> {
        match set.is_saved() {
            true => Ok(self.saved()),
            false => self.view.numbers(set.ranges()),
        }
    }

    /// What was saved, as far as the client still counts it (RFC 5182 §2.1).
    fn saved(&self) -> UidSet {
        self.saved.intersection(&self.view.all())
    }
}

/// As a search refers to it: numbers that no message has are passed over.
impl Numbered for Selected {
    fn numbers(&self, set: &SequenceSet) -> UidSet {
        if set.is_saved() {
            return self.saved();
        }
        let exists = self.view.exists();
        let known = set.ranges().filter_map(|(a, b)| {
            let (a, b) = (a.unwrap_or(exists), b.unwrap_or(exists));
            let (low, high) = (a.min(b), a.max(b).min(exists));
            (low <= high && low > 0).then_some((Some(low), Some(high)))
        });
        self.view.numbers(known).unwrap_or_default()
    }

    fn uids(&self, set: &SequenceSet) -> UidSet {
        Selected::uids(self, set)
    }

    fn recent(&self) -> UidSet {
        self.view
            .all()
            .iter()
            .filter(|uid| self.view.is_recent(*uid))
            .collect()
    }
}

impl State {
    /// The character between levels of mailbox names.
    pub(super) fn separator(&self) -> char {
        self.account.as_ref().map_or('/', |a| a.separator)
    }
}
