//! What the server has acknowledged: the model against which it is judged. Each message has a name of its own and is
//! changed by one client alone, so that what must become of it is known, whoever else is at work in the mailbox.
//!
//! ```text
//!             acknowledged              asked to remove         acknowledged
//! Perhaps ───────────────────▶ Here ───────────────────▶ Perhaps ──────────▶ Gone
//!    ▲ handed in, or unanswered: it may be there or not, and stays so
//! ```

use crate::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

/// The flags that are followed.
pub const FLAGS: [&str; 5] = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Soaked"];

/// What must be so of a message in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was acknowledged, or nothing was answered.
    Perhaps,
    /// It was acknowledged.
    Here,
    /// Its removal was acknowledged, in this life of the server.
    Gone(u32),
}

/// A message in a mailbox.
#[derive(Debug, Clone)]
pub struct Kept {
    pub standing: Standing,
    /// The client that alone changes it.
    owner: usize,
    /// Whether it came through the queue, whose promise is another.
    pub queued: bool,
    /// Whether it was asked to go.
    leaving: bool,
    pub uid: Option<u32>,
    /// Of each of [`FLAGS`] whether it is set; nothing while that is not known.
    pub flags: [Option<bool>; FLAGS.len()],
    /// The message that it was to become, in that mailbox: one of both must be there.
    pub or: Option<(usize, String)>,
    pub history: Vec<String>,
}

/// A mailbox.
#[derive(Debug, Default)]
pub struct Mailbox {
    pub user: String,
    /// The names that it may have.
    pub names: Vec<String>,
    /// Whether it must be there; nothing while that is not known.
    pub exists: Option<bool>,
    /// Whether it is subscribed to, under its last name; nothing while that is not known.
    pub subscribed: Option<bool>,
    pub validity: Option<u32>,
    pub kept: BTreeMap<String, Kept>,
    /// What each UID has ever stood for.
    pub uids: BTreeMap<u32, String>,
    pub history: Vec<String>,
}

/// Everything that is written down.
#[derive(Debug, Default)]
pub struct Books {
    pub mailboxes: Vec<Mailbox>,
    /// What went to other servers, whether it was acknowledged, and its history.
    pub sent: BTreeMap<String, (bool, Vec<String>)>,
    /// What is wrong already.
    pub wrong: BTreeSet<String>,
    /// How often each thing was acknowledged.
    pub counts: BTreeMap<String, usize>,
}

/// The ledger of a run.
#[derive(Debug)]
pub struct Ledger<'a> {
    clock: &'a Clock,
    life: AtomicU32,
    books: Mutex<Books>,
}

/// Where a message is: the mailbox's number and the message's name.
pub type Place<'a> = (usize, &'a str);

impl<'a> Ledger<'a> {
    pub fn new(clock: &'a Clock) -> Self {
        Self {
            clock,
            life: AtomicU32::new(1),
            books: Mutex::default(),
        }
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// The server begins another life.
    pub fn reborn(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Which life of the server this is, from 1.
    pub fn life(&self) -> u32 {
        self.life.load(Ordering::SeqCst)
    }

    fn line(&self, what: &str) -> String {
        format!(
            "{:8.3} s, life {}: {what}",
            self.clock.seconds(),
            self.life()
        )
    }

    /// Something was acknowledged, for the figures.
    pub fn count(&self, what: &str) {
        *self.books().counts.entry(what.to_owned()).or_default() += 1;
    }

    /// Something that must never be was seen.
    pub fn wrong(&self, what: String) {
        let line = self.line(&what);
        self.books().wrong.insert(line);
    }

    /// A mailbox that is about to be made, or is there: its number.
    pub fn mailbox(&self, user: &str, name: &str, exists: Option<bool>) -> usize {
        let line = self.line(&format!("{name}: exists {exists:?}"));
        let mut books = self.books();
        books.mailboxes.push(Mailbox {
            user: user.to_owned(),
            names: vec![name.to_owned()],
            exists,
            subscribed: Some(false),
            history: vec![line],
            ..Mailbox::default()
        });
        books.mailboxes.len() - 1
    }

    /// What is known of a mailbox itself.
    pub fn stands(&self, mailbox: usize, exists: Option<bool>, names: &[&str], what: &str) {
        let line = self.line(what);
        let mut books = self.books();
        let it = &mut books.mailboxes[mailbox];
        it.exists = exists;
        it.names = names.iter().map(|&n| n.to_owned()).collect();
        it.history.push(line);
    }

    /// What is known of whether it is subscribed to.
    pub fn subscribed(&self, mailbox: usize, subscribed: Option<bool>, what: &str) {
        let line = self.line(what);
        let mut books = self.books();
        let it = &mut books.mailboxes[mailbox];
        it.subscribed = subscribed;
        it.history.push(line);
    }

    /// A message is handed in for a mailbox.
    pub fn handed(&self, place: Place<'_>, owner: usize, queued: bool, what: &str) {
        let kept = Kept {
            standing: Standing::Perhaps,
            owner,
            queued,
            leaving: false,
            uid: None,
            flags: [Some(false); FLAGS.len()],
            or: None,
            history: vec![self.line(what)],
        };
        let mut books = self.books();
        books.mailboxes[place.0]
            .kept
            .insert(place.1.to_owned(), kept);
    }

    /// Changes what is known of a message.
    pub fn note(&self, place: Place<'_>, what: &str, change: impl FnOnce(&mut Kept)) {
        let line = self.line(what);
        let mut books = self.books();
        let kept = books.mailboxes[place.0].kept.get_mut(place.1).unwrap();
        kept.history.push(line);
        change(kept);
    }

    /// It was acknowledged that a message is there.
    pub fn here(&self, place: Place<'_>, what: &str) {
        // Whoever took it away may have been answered before who brought it.
        self.note(place, what, |kept| {
            if !kept.leaving {
                kept.standing = Standing::Here;
            }
        });
    }

    /// It was acknowledged that a message is removed.
    pub fn gone(&self, place: Place<'_>, what: &str) {
        let life = self.life();
        self.note(place, what, |kept| {
            kept.standing = Standing::Gone(life);
            kept.or = None;
        });
    }

    /// A message was asked to go; `or` is what it is to become.
    pub fn leaving(&self, place: Place<'_>, or: Option<(usize, String)>, what: &str) {
        self.note(place, what, |kept| {
            kept.standing = Standing::Perhaps;
            kept.leaving = true;
            kept.or = or;
        });
    }

    /// A message is sent to another server.
    pub fn sent(&self, name: &str, acknowledged: bool, what: &str) {
        let line = self.line(what);
        let mut books = self.books();
        let entry = books.sent.entry(name.to_owned()).or_default();
        entry.0 |= acknowledged;
        entry.1.push(line);
    }

    /// Somebody saw a message under this UID. A UID stands for one message, and a message has one UID, for ever.
    pub fn seen(&self, mailbox: usize, uid: u32, name: &str) {
        let mut books = self.books();
        let it = &mut books.mailboxes[mailbox];
        let before = it.uids.insert(uid, name.to_owned());
        let mut wrong = Vec::new();
        if let Some(before) = before.filter(|before| before != name) {
            wrong.push(format!("UID {uid} was {before} and is {name}"));
        }
        if let Some(kept) = it.kept.get_mut(name) {
            match kept.uid {
                // One that came back after it was removed has another: whether it may is judged at the end.
                Some(known) if known != uid && kept.standing == Standing::Here => {
                    wrong.push(format!("{name} had UID {known} and has {uid}"));
                }
                _ => kept.uid = Some(uid),
            }
        } else {
            wrong.push(format!("{name} is there, and nobody brought it"));
        }
        let (user, names) = (it.user.clone(), it.names.clone());
        drop(books);
        for what in wrong {
            self.wrong(format!("{user} {names:?}: {what}"));
        }
    }

    /// The highest UID that was ever seen in a mailbox.
    pub fn highest(&self, mailbox: usize) -> u32 {
        let books = self.books();
        books.mailboxes[mailbox]
            .uids
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0)
    }

    /// What `STATUS` says of a mailbox, of which `highest` had been seen before it was asked.
    pub fn status(&self, mailbox: usize, validity: u32, next: u32, highest: u32) {
        let mut books = self.books();
        let it = &mut books.mailboxes[mailbox];
        let known = *it.validity.get_or_insert(validity);
        let (user, names) = (it.user.clone(), it.names.clone());
        drop(books);
        if known != validity {
            self.wrong(format!(
                "{user} {names:?}: UIDVALIDITY was {known} and is {validity}"
            ));
        }
        if next <= highest {
            self.wrong(format!(
                "{user} {names:?}: UIDNEXT is {next} after UID {highest}"
            ));
        }
    }

    /// The messages that a client may change: acknowledged, their UIDs and flags known.
    pub fn mine(&self, mailbox: usize, owner: usize) -> Vec<(String, u32)> {
        let books = self.books();
        let known = |kept: &&Kept| kept.flags.iter().all(Option::is_some);
        let mine = books.mailboxes[mailbox].kept.iter().filter(|(_, kept)| {
            kept.owner == owner && kept.standing == Standing::Here && known(kept)
        });
        mine.filter_map(|(name, kept)| Some((name.clone(), kept.uid?)))
            .collect()
    }
}
