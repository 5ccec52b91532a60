//! What there is: as foretold from the commands, and as the store shows it to somebody who looks for the first time.

use crate::event::MAILBOXES;
use mailcore_base::mailbox::MailboxName;
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

/// A mailbox as foretold.
#[derive(Debug, Clone)]
pub struct Truth {
    pub mails: Mails,
    pub next: u32,
}

impl Truth {
    pub fn new() -> Self {
        Self {
            mails: Mails::new(),
            next: 1,
        }
    }

    pub fn add(&mut self, mail: Mail) -> u32 {
        self.mails.insert(self.next, mail);
        self.next += 1;
        self.next - 1
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

/// The mailbox as the store shows it.
pub async fn observed(account: &dyn Account, mailbox: usize) -> Mails {
    let handle = account.open(&name(mailbox), Access::Read).await.unwrap();
    let now = handle.sync(None).await.unwrap().now;
    let mut records = Vec::new();
    handle
        .records(&now.uids.set(), Fields::FLAGS | Fields::SIZE, &mut records)
        .await
        .unwrap();
    assert_eq!(records.len(), now.uids.len() as usize);
    let mails = records.iter().map(|record| {
        let system = mailcore_base::mailbox::Flags::SYSTEM
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
    mails.collect()
}
