//! Somebody who answers a session's questions from mailboxes in memory.

use mailcore_base::mailbox::{Flags, MailboxName, UidSet};
use mailcore_imap::server::{Commit, Facts as Connection, Located};
use mailcore_imap::types::{Access, Copied, Excerpt, Failed, Listed, Selected};
use std::collections::{BTreeMap, BTreeSet};

// The paths are said because the fuzz targets include these files from elsewhere.
#[path = "answers.rs"]
mod answers;
#[path = "mailbox.rs"]
mod mailbox;

use mailbox::section;
pub use mailbox::{Mailbox, Message};

/// Answers questions.
pub struct Desk {
    pub mailboxes: BTreeMap<MailboxName, Mailbox>,
    pub subscribed: BTreeSet<MailboxName>,
    open: Option<(MailboxName, Access, UidSet)>,
    append: Option<(MailboxName, Vec<u8>)>,
    /// Messages of the same append that have ended.
    ended: Vec<(Vec<u8>, Commit)>,
    /// The next question of this name fails so.
    pub fail: Option<(String, Failed)>,
    /// Records come without envelope and structure.
    pub bare: bool,
    /// At most so many octets are given at a time.
    pub run: usize,
    validity: u32,
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text, '.').unwrap()
}

impl Desk {
    pub fn new() -> Self {
        let mut desk = Self {
            mailboxes: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            open: None,
            append: None,
            ended: Vec::new(),
            fail: None,
            bare: false,
            run: 7,
            validity: 100,
        };
        desk.create(&MailboxName::inbox());
        desk
    }

    pub fn create(&mut self, name: &MailboxName) {
        self.validity += 1;
        self.mailboxes
            .insert(name.clone(), Mailbox::new(self.validity));
    }

    pub fn mailbox(&mut self, text: &str) -> &mut Mailbox {
        self.mailboxes.get_mut(&name(text)).unwrap()
    }

    fn at(&mut self, name: &MailboxName) -> Result<&mut Mailbox, Failed> {
        self.mailboxes.get_mut(name).ok_or(Failed::NotFound)
    }

    /// Another session's mailboxes are its own affair.
    pub fn close(&mut self) {
        self.open = None;
    }

    fn here(&mut self) -> Result<&mut Mailbox, Failed> {
        let (name, ..) = self.open.clone().ok_or(Failed::Unavailable)?;
        self.at(&name)
    }

    fn writable(&mut self) -> Result<&mut Mailbox, Failed> {
        match self.open {
            Some((_, Access::Write, _)) => self.here(),
            _ => Err(Failed::Denied),
        }
    }

    /// What came fresh belongs to whoever looks first, if it may write.
    fn claim(&mut self) -> UidSet {
        let Some((name, access, mut recent)) = self.open.clone() else {
            return UidSet::new();
        };
        if let Some(mailbox) = self.mailboxes.get_mut(&name) {
            recent = recent.union(&mailbox.fresh);
            if access == Access::Write {
                mailbox.fresh = UidSet::new();
            }
        }
        self.open = Some((name, access, recent.clone()));
        recent
    }

    pub fn content(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        if let Err(failed) = self.failing("Content") {
            self.append = None;
            return Err(failed);
        }
        self.append.as_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn failing(&mut self, of: &str) -> Result<(), Failed> {
        match &self.fail {
            Some((question, failed)) if question == of => {
                let failed = *failed;
                self.fail = None;
                Err(failed)
            }
            _ => Ok(()),
        }
    }

    /// The octets of a part of a message, or why there are none.
    fn excerpt(&mut self, part: &Excerpt) -> Result<Vec<u8>, Located> {
        let mailbox = match &part.mailbox {
            Some(name) => self.at(name),
            None => self.here(),
        };
        let mailbox = mailbox.map_err(|_| Located::NoMailbox)?;
        if part.uid_validity.is_some_and(|v| v != mailbox.validity) {
            return Err(Located::OtherValidity);
        }
        let message = mailbox.get(part.uid).ok_or(Located::NoMessage)?;
        Ok(section(&message.body, &part.section))
    }

    fn select(&mut self, name: &MailboxName, access: Access) -> Result<Selected, Failed> {
        assert!(self.open.is_none(), "nothing is open when Select is asked");
        self.at(name)?;
        self.open = Some((name.clone(), access, UidSet::new()));
        let recent = self.claim();
        let mailbox = self.here()?;
        let mut selected = Selected::new(mailbox.snapshot(), access);
        selected.recent = recent;
        selected.modseqs = mailbox.modseqs;
        let unseen = |m: &&Message| !m.flags.contains(Flags::SEEN);
        selected.unseen = mailbox.messages.iter().find(unseen).map(|m| m.uid);
        Ok(selected)
    }

    fn list(&self, after: Option<&MailboxName>, limit: usize) -> Vec<Listed> {
        let names: BTreeSet<MailboxName> = self
            .mailboxes
            .keys()
            .flat_map(|n| std::iter::successors(Some(n.clone()), MailboxName::parent))
            .collect();
        names
            .iter()
            .filter(|name| after.is_none_or(|after| *name > after))
            .take(limit)
            .map(|name| {
                let mut listed = Listed::new(name.clone());
                listed.selectable = self.mailboxes.contains_key(name);
                listed.children = names.iter().any(|other| other.is_below(name));
                if name.to_string() == "Sent" {
                    listed.special = Some(mailcore_base::mailbox::SpecialUse::Sent);
                }
                listed
            })
            .collect()
    }

    fn copy(&mut self, uids: &UidSet, target: &MailboxName) -> Result<Copied, Failed> {
        let mailbox = self.here()?;
        let keywords = mailbox.keywords.clone();
        let found: Vec<_> = mailbox
            .messages
            .iter()
            .filter(|m| uids.contains(m.uid))
            .map(|m| (m.uid, m.flags, m.date, m.body.clone()))
            .collect();
        let target = self.at(target)?;
        let (mut from, mut to) = (UidSet::new(), UidSet::new());
        for (uid, flags, date, body) in found {
            let names: Vec<_> = flags
                .keywords()
                .filter_map(|n| keywords.iter().nth(n).cloned())
                .collect();
            let flags = target.bits(&names).union(flags.system());
            from.insert(uid);
            to.insert(target.add(body, flags, date));
        }
        Ok(Copied {
            uid_validity: target.validity,
            from,
            to,
        })
    }
}

/// The facts of a connection that nobody listens to.
pub fn local(facts: &mut Connection) {
    facts.secured = true;
}
