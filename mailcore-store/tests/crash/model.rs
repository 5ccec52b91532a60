//! What a client was told, and so what must still be true after a crash.
use crate::life::{Seen, seen_as};
use crate::power::{Checked, ensure};
use mailcore_base::mailbox::{ModSeq, Uid, UidSet};
use mailcore_store::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// One command of a client. Messages are known by their text, which none shares with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Create(&'static str),
    Delete(&'static str),
    Rename(&'static str, &'static str),
    Subscribe(&'static str, bool),
    Append(&'static str, &'static str),
    Large(&'static str, &'static str),
    Deliver(&'static str, &'static str, u128),
    /// Several at once, which share flushes.
    Together(&'static [(&'static str, &'static str)]),
    /// Several in one append.
    Batch(&'static str, &'static [&'static str]),
    Flag(&'static str, &'static str, &'static str),
    Expunge(&'static str, &'static str),
    Copy(&'static str, &'static str, &'static str),
    Move(&'static str, &'static str, &'static str),
    /// Another program delivers.
    Foreign(&'static str, &'static str),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) text: &'static str,
    /// As they were last seen.
    pub(crate) flags: Option<BTreeSet<String>>,
    /// A change of them was asked for and not answered with success.
    pub(crate) doubted: bool,
    /// Whether it must be there.
    pub(crate) certain: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    pub(crate) validity: u32,
    pub(crate) messages: BTreeMap<u32, Message>,
    /// Every UID that anybody was told of, and of what.
    pub(crate) shown: BTreeMap<u32, &'static str>,
    /// Texts of commands that never got their answer.
    pub(crate) perhaps: BTreeSet<&'static str>,
    /// Texts that another program has delivered: their UIDs are seen, and not told.
    pub(crate) foreign: BTreeSet<&'static str>,
    /// What a client took with it that comes back with QRESYNC: the modification sequence, and the flags of all messages.
    pub(crate) taken: Option<(ModSeq, BTreeMap<u32, BTreeSet<String>>)>,
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) folders: BTreeMap<&'static str, Folder>,
    /// Mailboxes that are gone.
    pub(crate) removed: BTreeSet<&'static str>,
    /// Under one of these names.
    pub(crate) renamed: Vec<(&'static str, &'static str, Folder)>,
    pub(crate) subscribed: BTreeMap<&'static str, Option<bool>>,
    /// In one of these mailboxes at least.
    pub(crate) moved: Vec<(&'static str, &'static str, &'static str)>,
    /// Deliveries that were not answered, which the queue will repeat.
    pub(crate) undelivered: Vec<Op>,
}

pub(crate) fn large(text: &str) -> Vec<u8> {
    [text.as_bytes(), large_rest()].concat()
}

/// More than is held in memory while it comes.
pub(crate) fn large_rest() -> &'static [u8] {
    static REST: OnceLock<Vec<u8>> = OnceLock::new();
    REST.get_or_init(|| b"\r\na line of a large message".repeat(4000))
}

impl Folder {
    pub(crate) fn check(&self, at: &str, seen: &Seen) -> Checked {
        ensure!(
            self.validity == 0 || self.validity == seen.validity,
            "{at}: UIDVALIDITY {} became {}",
            self.validity,
            seen.validity
        );
        for (uid, message) in self.messages.iter().filter(|(_, m)| m.certain) {
            let Some((octets, flags)) = seen.messages.get(uid) else {
                return Err(format!("{at}: UID {uid} ({}) is lost", message.text));
            };
            ensure!(
                seen_as(message.text, octets),
                "{at}: UID {uid} is not {}",
                message.text
            );
            let same = message.flags.as_ref().is_none_or(|told| told == flags);
            ensure!(
                same,
                "{at}: flags of UID {uid} were {:?}, are {flags:?}",
                message.flags
            );
        }
        for (uid, (octets, _)) in &seen.messages {
            if let Some(text) = self.shown.get(uid) {
                ensure!(
                    seen_as(text, octets),
                    "{at}: UID {uid} was {text} and is something else"
                );
                let there = self.messages.contains_key(uid) || self.perhaps.contains(text);
                ensure!(there, "{at}: UID {uid} ({text}) has come back");
            } else {
                let known = self.perhaps.iter().any(|text| seen_as(text, octets));
                ensure!(known, "{at}: UID {uid} is nothing that was sent whole");
            }
        }
        let highest = self.shown.keys().next_back().copied().unwrap_or(0);
        ensure!(
            seen.next > highest,
            "{at}: UID {highest} would be given again"
        );
        Ok(())
    }
}

impl Facts {
    pub(crate) fn new() -> Self {
        let mut facts = Self::default();
        facts.folders.insert("INBOX", Folder::default());
        facts
    }

    pub(crate) fn uid(&self, at: &str, text: &str) -> Result<UidSet> {
        let folder = self
            .folders
            .get(at)
            .ok_or(Error::new(Kind::NotFound, "folder"))?;
        let found = folder
            .messages
            .iter()
            .find(|(_, m)| m.text == text && m.certain);
        let uid = found.and_then(|(uid, _)| Uid::new(*uid));
        uid.map(UidSet::one)
            .ok_or(Error::new(Kind::NotFound, "message"))
    }

    fn message(&mut self, at: &str, text: &str) -> Option<&mut Message> {
        let messages = &mut self.folders.get_mut(at)?.messages;
        messages.values_mut().find(|m| m.text == text)
    }

    pub(crate) fn perhaps(&mut self, at: &str, text: &'static str) {
        if let Some(folder) = self.folders.get_mut(at) {
            folder.perhaps.insert(text);
        }
    }

    /// A command was given, and perhaps never answered.
    pub(crate) fn doubt(&mut self, op: Op) {
        match op {
            Op::Create(at) => drop(self.removed.remove(at)),
            Op::Delete(at) => drop(self.folders.remove(at)),
            Op::Rename("INBOX", to) => {
                self.removed.remove(to);
                let texts: Vec<_> = self.folders["INBOX"]
                    .messages
                    .values()
                    .filter(|m| m.certain)
                    .map(|m| m.text)
                    .collect();
                for text in texts {
                    self.moved.push(("INBOX", to, text));
                    self.message("INBOX", text).unwrap().certain = false;
                }
            }
            Op::Rename(from, to) => {
                self.removed.remove(to);
                let folder = self.folders.remove(from);
                self.renamed.extend(folder.map(|f| (from, to, f)));
            }
            Op::Subscribe(at, _) => drop(self.subscribed.insert(at, None)),
            Op::Append(at, text)
            | Op::Large(at, text)
            | Op::Copy(_, text, at)
            | Op::Foreign(at, text) => self.perhaps(at, text),
            Op::Deliver(at, text, _) => {
                self.perhaps(at, text);
                self.undelivered.push(op);
            }
            Op::Together(messages) => messages
                .iter()
                .for_each(|(at, text)| self.perhaps(at, text)),
            Op::Batch(at, texts) => texts.iter().for_each(|text| self.perhaps(at, text)),
            Op::Flag(at, text, _) => {
                if let Some(message) = self.message(at, text) {
                    message.doubted = true;
                    message.flags = None;
                }
            }
            Op::Expunge(at, text) => {
                if let Some(message) = self.message(at, text) {
                    message.certain = false;
                }
            }
            Op::Move(from, text, to) => {
                self.perhaps(to, text);
                if let Some(message) = self.message(from, text).filter(|m| m.certain) {
                    message.certain = false;
                    self.moved.push((from, to, text));
                }
            }
        }
    }

    /// It was answered: so it is.
    pub(crate) fn learn(&mut self, op: Op, told: Vec<(u32, u32)>) {
        let first = told.first().copied().unwrap_or_default();
        match op {
            Op::Create(at) => {
                self.removed.remove(at);
                self.folders.insert(at, Folder::default());
            }
            Op::Delete(at) => {
                self.removed.insert(at);
                self.folders.remove(at);
            }
            Op::Foreign(at, text) => {
                self.perhaps(at, text);
                let folder = self.folders.get_mut(at).unwrap();
                folder.foreign.insert(text);
            }
            Op::Rename("INBOX", to) => {
                self.removed.remove(to);
                self.folders.insert(to, Folder::default());
                let inbox = self.folders.get_mut("INBOX").unwrap();
                let messages = std::mem::take(&mut inbox.messages);
                inbox.foreign.clear();
                let texts = messages.values().map(|m| m.text);
                let to = self.folders.get_mut(to).unwrap();
                to.perhaps.extend(texts);
            }
            Op::Rename(from, to) => {
                self.removed.remove(to);
                self.removed.insert(from);
                let folder = self.folders.remove(from).unwrap();
                self.folders.insert(to, folder);
            }
            Op::Subscribe(at, on) => drop(self.subscribed.insert(at, Some(on))),
            Op::Append(at, text)
            | Op::Large(at, text)
            | Op::Deliver(at, text, _)
            | Op::Copy(_, text, at) => {
                self.add(at, text, first);
            }
            Op::Together(messages) => {
                for ((at, text), told) in messages.iter().zip(told) {
                    self.add(at, text, told);
                }
            }
            Op::Batch(at, texts) => {
                for (text, told) in texts.iter().zip(told) {
                    self.add(at, text, told);
                }
            }
            Op::Flag(at, text, keyword) => {
                let message = self.message(at, text).unwrap();
                message.doubted = false;
                if let Some(flags) = &mut message.flags {
                    flags.extend(["\\Flagged".to_owned(), keyword.to_owned()]);
                }
            }
            Op::Expunge(at, text) => self.remove(at, text),
            Op::Move(from, text, to) => {
                self.remove(from, text);
                self.add(to, text, first);
            }
        }
    }

    fn add(&mut self, at: &'static str, text: &'static str, (validity, uid): (u32, u32)) {
        let folder = self.folders.get_mut(at).unwrap();
        assert!(folder.validity == 0 || folder.validity == validity);
        let before = folder.shown.insert(uid, text);
        assert!(before.is_none_or(|b| b == text), "UID {uid} was {before:?}");
        let message = Message {
            text,
            flags: None,
            doubted: false,
            certain: true,
        };
        folder.messages.insert(uid, message);
    }

    fn remove(&mut self, at: &str, text: &str) {
        if let Some(folder) = self.folders.get_mut(at) {
            folder.messages.retain(|_, m| m.text != text);
        }
    }
}
