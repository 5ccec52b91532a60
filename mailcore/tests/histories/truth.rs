//! What there is: as foretold from the commands, and as the store shows it to somebody who looks for the first time.

use crate::event::MAILBOXES;
use mailcore_base::mailbox::{Flags, MailboxName};
use mailcore_store::Kind;
use mailcore_store::mailbox::{Access, Account, Fields};
use std::collections::{BTreeMap, BTreeSet};

/// A message: its flags without `\Recent`, and its size, by which it can be told from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub flags: BTreeSet<String>,
    pub size: usize,
}

/// The messages of a mailbox, by UID.
pub type Mails = BTreeMap<u32, Mail>;

/// A mailbox as foretold, whatever its name.
#[derive(Debug, Clone)]
pub struct Life {
    pub mails: Mails,
    pub next: u32,
    /// Its UIDVALIDITY, once somebody was told.
    pub validity: Option<u64>,
}

impl Life {
    pub fn new() -> Self {
        Self {
            mails: Mails::new(),
            next: 1,
            validity: None,
        }
    }

    pub fn add(&mut self, mail: Mail) -> u32 {
        self.mails.insert(self.next, mail);
        self.next += 1;
        self.next - 1
    }
}

/// All mailboxes as foretold, by their names.
#[derive(Debug)]
pub struct Truth([Option<Life>; MAILBOXES.len()]);

impl Truth {
    /// INBOX and another, empty.
    pub fn new() -> Self {
        Self([Some(Life::new()), Some(Life::new()), None])
    }

    pub fn named(&mut self, mailbox: usize) -> Option<&mut Life> {
        self.0[mailbox].as_mut()
    }

    /// The one of this UIDVALIDITY, whatever it is called by now.
    pub fn valid(&mut self, validity: u64) -> Option<&mut Life> {
        let mut lives = self.0.iter_mut().flatten();
        lives.find(|life| life.validity == Some(validity))
    }

    pub fn create(&mut self, mailbox: usize) -> bool {
        let made = self.0[mailbox].is_none();
        self.0[mailbox].get_or_insert_with(Life::new);
        made
    }

    pub fn delete(&mut self, mailbox: usize) -> bool {
        mailbox != 0 && self.0[mailbox].take().is_some()
    }

    /// RFC 3501 §6.3.5: INBOX stays, and its messages go.
    pub fn rename(&mut self, from: usize, to: usize) -> bool {
        if self.0[to].is_some() || self.0[from].is_none() {
            return false;
        }
        self.0[to] = match &mut self.0[from] {
            Some(inbox) if from == 0 => {
                let mut life = Life::new();
                for mail in std::mem::take(&mut inbox.mails).into_values() {
                    life.add(mail);
                }
                Some(life)
            }
            it => it.take(),
        };
        true
    }
}

/// The flags after this change.
pub fn changed(flags: &BTreeSet<String>, op: &str, by: &BTreeSet<String>) -> BTreeSet<String> {
    match op {
        "+" => flags.union(by).cloned().collect(),
        "-" => flags.difference(by).cloned().collect(),
        _ => by.clone(),
    }
}

pub fn name(mailbox: usize) -> MailboxName {
    MailboxName::parse(MAILBOXES[mailbox], '/').unwrap()
}

/// UIDVALIDITY and messages of a mailbox as the store shows it, if it is there.
pub async fn observed(account: &dyn Account, mailbox: usize) -> Option<(u64, Mails)> {
    let handle = match account.open(&name(mailbox), Access::Read).await {
        Err(e) if mailbox != 0 && e.kind() == Kind::NotFound => return None,
        other => other.unwrap(),
    };
    let now = handle.sync(None).await.unwrap().now;
    let mut records = Vec::new();
    handle
        .records(&now.uids.set(), Fields::FLAGS | Fields::SIZE, &mut records)
        .await
        .unwrap();
    assert_eq!(records.len(), now.uids.len() as usize);
    let mails = records.iter().map(|record| {
        let system = Flags::SYSTEM
            .iter()
            .filter(|(flag, _)| record.flags.contains(*flag))
            .map(|(_, name)| (*name).to_owned());
        let keywords = now
            .keywords
            .iter()
            .filter(|keyword| {
                let flag = now.keywords.flag(keyword).unwrap();
                record.flags.contains(flag)
            })
            .map(|keyword| keyword.as_str().to_owned());
        let mail = Mail {
            flags: system.chain(keywords).collect(),
            size: record.size.unwrap() as usize,
        };
        (record.uid.number(), mail)
    });
    let validity = handle.uid_validity().0.get();
    Some((u64::from(validity), mails.collect()))
}
