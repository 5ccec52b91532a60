//! What clients were promised, and whether a disk keeps it.

use crate::world::store;
use mailcore::base::mailbox::{Flags, MailboxName, Uid, UidSet};
use mailcore::store::auth::User;
use mailcore::store::disk::SimDisk;
use mailcore::store::mailbox::{Access, Fields, MailStore};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A message that nobody else sends, of this many lines.
pub fn message(name: &str, lines: usize) -> Vec<u8> {
    let mut text = format!("Subject: {name}\r\n\r\n");
    for n in 0..lines {
        text.push_str(&format!(
            "{name} line {n} of {lines}, and it is long enough\r\n"
        ));
    }
    text.into_bytes()
}

/// Something that a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promise {
    /// The message is in one of these mailboxes of this user.
    Kept {
        user: &'static str,
        mailboxes: Vec<&'static str>,
        name: String,
    },
    /// It has this UID under this UIDVALIDITY.
    Numbered {
        user: &'static str,
        mailbox: &'static str,
        name: String,
        validity: u32,
        uid: u32,
    },
    /// It is flagged.
    Flagged {
        user: &'static str,
        mailbox: &'static str,
        uid: u32,
    },
    /// The UID's message is gone for good.
    Gone {
        user: &'static str,
        mailbox: &'static str,
        uid: u32,
    },
}

/// All messages that were sent and all that was promised. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Promises(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    sent: BTreeMap<String, Vec<u8>>,
    made: Vec<Promise>,
}

impl Promises {
    pub fn sends(&self, name: &str, content: &[u8]) {
        self.0
            .lock()
            .unwrap()
            .sent
            .insert(name.to_owned(), content.to_vec());
    }

    pub fn make(&self, promise: Promise) {
        self.0.lock().unwrap().made.push(promise);
    }

    /// Takes back what a command that is about to be sent may change.
    pub fn release(&self, which: impl Fn(&Promise) -> bool) {
        self.0
            .lock()
            .unwrap()
            .made
            .retain(|promise| !which(promise));
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().made.len()
    }

    /// The first promise that a server started on this disk would break, or the first message that is not whole.
    pub async fn broken(&self, disk: &SimDisk) -> Option<String> {
        let store = store(disk);
        let mut found = BTreeMap::new();
        for user in ["alice@example.test", "bob@example.test"] {
            let account = store.account(&User::new(user)).await.unwrap();
            for listed in account.list(None, 100).await.unwrap() {
                let letters = read(&*account, &listed.name).await;
                found.insert((user, listed.name.to_string()), letters);
            }
        }
        let told = self.0.lock().unwrap();
        for (place, letters) in &found {
            let mut seen = Vec::new();
            for letter in &letters.all {
                let whole = told
                    .sent
                    .iter()
                    .find(|(_, content)| letter.text.ends_with(content));
                match whole {
                    None => {
                        return Some(format!("{place:?}: UID {} is no whole message", letter.uid));
                    }
                    Some((name, _)) if seen.contains(&name) => {
                        return Some(format!("{place:?}: {name} is there twice"));
                    }
                    Some((name, _)) => seen.push(name),
                }
            }
        }
        told.made
            .iter()
            .find(|promise| !told.keeps(&found, promise))
            .map(|promise| format!("{promise:?}"))
    }
}

type Found = BTreeMap<(&'static str, String), Letters>;

impl Told {
    fn keeps(&self, found: &Found, promise: &Promise) -> bool {
        let at = |user: &'static str, mailbox: &str| found.get(&(user, mailbox.to_owned()));
        match promise {
            Promise::Kept {
                user,
                mailboxes,
                name,
            } => mailboxes
                .iter()
                .filter_map(|mailbox| at(user, mailbox))
                .any(|letters| {
                    letters
                        .all
                        .iter()
                        .any(|l| l.text.ends_with(&self.sent[name]))
                }),
            Promise::Numbered {
                user,
                mailbox,
                name,
                validity,
                uid,
            } => at(user, mailbox).is_some_and(|letters| {
                letters.validity == *validity
                    && letters
                        .uid(*uid)
                        .is_some_and(|l| l.text.ends_with(&self.sent[name]))
            }),
            Promise::Flagged { user, mailbox, uid } => at(user, mailbox)
                .and_then(|letters| letters.uid(*uid))
                .is_some_and(|letter| letter.flags.contains(Flags::FLAGGED)),
            Promise::Gone { user, mailbox, uid } => {
                at(user, mailbox).is_some_and(|letters| letters.uid(*uid).is_none())
            }
        }
    }
}

/// A mailbox as it is found.
struct Letters {
    validity: u32,
    all: Vec<Letter>,
}

struct Letter {
    uid: u32,
    flags: Flags,
    text: Vec<u8>,
}

impl Letters {
    fn uid(&self, uid: u32) -> Option<&Letter> {
        self.all.iter().find(|letter| letter.uid == uid)
    }
}

async fn read(account: &dyn mailcore::store::mailbox::Account, name: &MailboxName) -> Letters {
    let mailbox = account.open(name, Access::Read).await.unwrap();
    mailbox.sync(None).await.unwrap();
    let mut records = Vec::new();
    let wanted = Fields::FLAGS | Fields::SIZE;
    mailbox
        .records(&UidSet::all(), wanted, &mut records)
        .await
        .unwrap();
    let mut all = Vec::new();
    for record in records {
        let text = text(&*mailbox, record.uid).await;
        assert_eq!(
            record.size,
            Some(text.len() as u64),
            "the size told is the size served"
        );
        all.push(Letter {
            uid: record.uid.number(),
            flags: record.flags,
            text,
        });
    }
    Letters {
        validity: mailbox.uid_validity().0.get(),
        all,
    }
}

async fn text(mailbox: &dyn mailcore::store::mailbox::Mailbox, uid: Uid) -> Vec<u8> {
    let body = mailbox.body(uid).await.unwrap().unwrap();
    let mut text = Vec::new();
    while (text.len() as u64) < body.len() {
        let run = body.read(text.len() as u64..body.len()).await.unwrap();
        assert!(!run.is_empty(), "a message is as long as it says");
        text.extend_from_slice(&run);
    }
    text
}
