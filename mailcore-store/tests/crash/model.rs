//! What a client was told, and so what must still be true after a crash.

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Keyword, MailboxName, Uid, UidSet};
use mailcore_store::auth::User;
use mailcore_store::mailbox::{Access, Account, Fields, MailStore, Mailbox, Maildir, Stamp};
use mailcore_store::queue::Identity;
use mailcore_store::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

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
    Flag(&'static str, &'static str, &'static str),
    Expunge(&'static str, &'static str),
    Copy(&'static str, &'static str, &'static str),
    Move(&'static str, &'static str, &'static str),
}

#[derive(Debug, Clone, Default)]
struct Message {
    text: &'static str,
    /// As they were last seen.
    flags: Option<BTreeSet<String>>,
    /// A change of them was asked for and not answered with success.
    doubted: bool,
    /// Whether it must be there.
    certain: bool,
}

#[derive(Debug, Clone, Default)]
struct Folder {
    validity: u32,
    messages: BTreeMap<u32, Message>,
    /// Every UID that anybody was told of, and of what.
    shown: BTreeMap<u32, &'static str>,
    /// Texts of commands that never got their answer.
    perhaps: BTreeSet<&'static str>,
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    folders: BTreeMap<&'static str, Folder>,
    /// Under one of these names.
    renamed: Vec<(&'static str, &'static str, Folder)>,
    subscribed: BTreeMap<&'static str, Option<bool>>,
    /// In one of these mailboxes at least.
    moved: Vec<(&'static str, &'static str, &'static str)>,
    /// Deliveries that were not answered, which the queue will repeat.
    undelivered: Vec<Op>,
}

type Checked = std::result::Result<(), String>;

macro_rules! ensure {
    ($it:expr, $($why:tt)*) => { if !$it { return Err(format!($($why)*)); } };
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text, '/').unwrap()
}

pub(crate) fn large(text: &str) -> Vec<u8> {
    [text.as_bytes(), large_rest()].concat()
}

/// More than is held in memory while it comes.
fn large_rest() -> &'static [u8] {
    static REST: OnceLock<Vec<u8>> = OnceLock::new();
    REST.get_or_init(|| b"\r\na line of a large message".repeat(4000))
}

/// One life of a server, for the one user there is.
pub(crate) struct Life {
    account: Arc<dyn Account>,
}

impl Life {
    pub(crate) async fn begin(store: &Maildir) -> Result<Self> {
        let account = store.account(&User::new("alice@example.test")).await?;
        Ok(Self { account })
    }

    async fn select(&self, folder: &str) -> Result<Box<dyn Mailbox>> {
        let mailbox = self.account.open(&name(folder), Access::Write).await?;
        mailbox.sync(None).await?;
        Ok(mailbox)
    }

    async fn append(&self, folder: &str, octets: &[u8], stamp: Stamp) -> Result<(u32, u32)> {
        let mut append = self.account.append(&name(folder)).await?;
        append.write(octets).await?;
        let appended = append.commit(stamp).await?;
        Ok((appended.uid_validity.0.get(), appended.uid.number()))
    }

    /// Does a command, and notes what is true now, or what may be.
    pub(crate) async fn perform(&self, facts: &mut Facts, op: Op) -> Result<()> {
        let before = facts.clone();
        facts.doubt(op);
        match self.act(&before, op).await {
            Ok(told) => {
                *facts = before;
                facts.learn(op, told);
                self.look(facts).await
            }
            Err(e) => Err(e),
        }
    }

    async fn act(&self, facts: &Facts, op: Op) -> Result<Vec<(u32, u32)>> {
        let stamp = |identity: Option<u128>| Stamp {
            identity: identity.map(Identity),
            date: Some(DateTime {
                seconds: 1_000_000_000,
                offset: 0,
            }),
            ..Stamp::default()
        };
        let nothing = |()| Vec::new();
        match op {
            Op::Create(it) => self.account.create(&name(it), None).await.map(nothing),
            Op::Delete(it) => self.account.delete(&name(it)).await.map(nothing),
            Op::Rename(from, to) => self
                .account
                .rename(&name(from), &name(to))
                .await
                .map(nothing),
            Op::Subscribe(it, on) => self.account.subscribe(&name(it), on).await.map(nothing),
            Op::Append(to, text) => {
                let stamp = Stamp {
                    flags: Flags::SEEN,
                    keywords: vec![Keyword::parse("first").unwrap()],
                    ..stamp(None)
                };
                let octets = format!("{text}\r\n");
                Ok(vec![self.append(to, octets.as_bytes(), stamp).await?])
            }
            Op::Large(to, text) => Ok(vec![self.append(to, &large(text), stamp(None)).await?]),
            Op::Deliver(to, text, identity) => {
                let octets = format!("{text}\r\n");
                Ok(vec![
                    self.append(to, octets.as_bytes(), stamp(Some(identity)))
                        .await?,
                ])
            }
            Op::Together(messages) => {
                let mut tickets = Vec::new();
                for (to, text) in messages {
                    let mut append = self.account.append(&name(to)).await?;
                    append.write(format!("{text}\r\n").as_bytes()).await?;
                    tickets.push(append.commit(Stamp::default()));
                }
                let mut told = Vec::new();
                for ticket in tickets {
                    let appended = ticket.await?;
                    told.push((appended.uid_validity.0.get(), appended.uid.number()));
                }
                Ok(told)
            }
            Op::Flag(at, text, keyword) => {
                let change = FlagChange {
                    keywords: vec![Keyword::parse(keyword).unwrap()],
                    ..FlagChange::of(FlagOp::Add, Flags::FLAGGED)
                };
                let uids = facts.uid(at, text)?;
                self.select(at)
                    .await?
                    .flag(&uids, &change, None)
                    .await
                    .map(|_| Vec::new())
            }
            Op::Expunge(at, text) => {
                let uids = facts.uid(at, text)?;
                self.select(at)
                    .await?
                    .expunge(&uids)
                    .await
                    .map(|_| Vec::new())
            }
            Op::Copy(at, text, to) | Op::Move(at, text, to) => {
                let uids = facts.uid(at, text)?;
                let mailbox = self.select(at).await?;
                let copied = match op {
                    Op::Copy(..) => mailbox.copy(&uids, &name(to)).await?,
                    _ => mailbox.relocate(&uids, &name(to)).await?,
                };
                let uid = copied
                    .to
                    .first()
                    .ok_or(Error::new(Kind::NotFound, "copied nothing"))?;
                Ok(vec![(copied.uid_validity.0.get(), uid.number())])
            }
        }
    }

    /// A client looks at everything: what it sees must stay true.
    async fn look(&self, facts: &mut Facts) -> Result<()> {
        for (at, folder) in &mut facts.folders {
            let seen = self.seen(at).await?;
            folder.validity = seen.validity;
            for (uid, (text, flags)) in seen.messages {
                let known = folder
                    .messages
                    .values()
                    .map(|m| m.text)
                    .chain(folder.perhaps.iter().copied());
                let Some(text) = known.into_iter().find(|t| seen_as(t, &text)) else {
                    continue;
                };
                folder.shown.insert(uid, text);
                if let Some(message) = folder.messages.get_mut(&uid)
                    && !message.doubted
                {
                    message.flags = Some(flags);
                }
            }
        }
        Ok(())
    }

    async fn seen(&self, at: &str) -> Result<Seen> {
        let mailbox = self.account.open(&name(at), Access::Read).await?;
        let now = mailbox.sync(None).await?.now;
        let mut records = Vec::new();
        mailbox
            .records(&UidSet::all(), Fields::FLAGS | Fields::SIZE, &mut records)
            .await?;
        let mut messages = BTreeMap::new();
        for record in records {
            let Some(body) = mailbox.body(record.uid).await? else {
                continue;
            };
            let mut octets = Vec::new();
            while (octets.len() as u64) < body.len() {
                octets.extend_from_slice(&body.read(octets.len() as u64..body.len()).await?);
            }
            let flags = record
                .flags
                .names(&now.keywords)
                .map(str::to_owned)
                .collect();
            messages.insert(record.uid.number(), (octets, flags));
        }
        Ok(Seen {
            validity: now.uid_validity.0.get(),
            next: now.uid_next.number(),
            messages,
        })
    }

    async fn exists(&self, at: &str) -> Result<bool> {
        match self.account.status(&name(at)).await {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == Kind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Whether everything that was told is still true.
    pub(crate) async fn check(&self, facts: &Facts) -> Checked {
        let failed = |e: Error| format!("the store failed: {e} ({e:?})");
        for (at, folder) in &facts.folders {
            let seen = self
                .seen(at)
                .await
                .map_err(|e| format!("{at}: {}", failed(e)))?;
            folder.check(at, &seen)?;
        }
        for (from, to, folder) in &facts.renamed {
            let (old, new) = (
                self.exists(from).await.map_err(failed)?,
                self.exists(to).await.map_err(failed)?,
            );
            ensure!(old != new, "{from} or {to}, not both: {old} {new}");
            let at = if old { from } else { to };
            folder.check(at, &self.seen(at).await.map_err(failed)?)?;
        }
        for (from, to, text) in &facts.moved {
            let mut found = false;
            for at in [from, to] {
                if self.exists(at).await.map_err(failed)? {
                    let seen = self.seen(at).await.map_err(failed)?;
                    let mut all = seen.messages.values();
                    found |= all.any(|(octets, _)| seen_as(text, octets));
                }
            }
            ensure!(found, "{text} is neither in {from} nor in {to}");
        }
        let subscribed = self.account.subscriptions().await.map_err(failed)?;
        for (at, on) in &facts.subscribed {
            let is = subscribed.contains(&name(at));
            ensure!(on.is_none_or(|on| on == is), "subscription to {at}: {is}");
        }
        Ok(())
    }

    /// The server works again: the queue repeats itself, clients go on, and no UID comes back.
    pub(crate) async fn go_on(&self, facts: &mut Facts) -> Checked {
        let failed = |e: Error| format!("the store failed: {e} ({e:?})");
        for op in std::mem::take(&mut facts.undelivered) {
            self.perform(facts, op).await.map_err(failed)?;
            let Op::Deliver(at, text, _) = op else {
                continue;
            };
            let seen = self.seen(at).await.map_err(failed)?;
            let count = seen
                .messages
                .values()
                .filter(|(octets, _)| seen_as(text, octets))
                .count();
            ensure!(count == 1, "{text} was delivered {count} times");
        }
        for at in facts.folders.keys().copied().collect::<Vec<_>>() {
            let text = "after the crash";
            self.perform(facts, Op::Append(at, text))
                .await
                .map_err(failed)?;
            self.perform(facts, Op::Flag(at, text, "later"))
                .await
                .map_err(failed)?;
            self.perform(facts, Op::Expunge(at, text))
                .await
                .map_err(failed)?;
        }
        self.check(facts).await
    }
}

struct Seen {
    validity: u32,
    next: u32,
    messages: BTreeMap<u32, (Vec<u8>, BTreeSet<String>)>,
}

fn seen_as(text: &str, octets: &[u8]) -> bool {
    let rest = octets.strip_prefix(text.as_bytes());
    rest.is_some_and(|rest| rest == b"\r\n" || rest == large_rest())
}

impl Folder {
    fn check(&self, at: &str, seen: &Seen) -> Checked {
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

    fn uid(&self, at: &str, text: &str) -> Result<UidSet> {
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

    fn perhaps(&mut self, at: &str, text: &'static str) {
        if let Some(folder) = self.folders.get_mut(at) {
            folder.perhaps.insert(text);
        }
    }

    /// A command was given, and perhaps never answered.
    fn doubt(&mut self, op: Op) {
        match op {
            Op::Create(_) => {}
            Op::Delete(at) => drop(self.folders.remove(at)),
            Op::Rename("INBOX", to) => {
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
                let folder = self.folders.remove(from);
                self.renamed.extend(folder.map(|f| (from, to, f)));
            }
            Op::Subscribe(at, _) => drop(self.subscribed.insert(at, None)),
            Op::Append(at, text) | Op::Large(at, text) | Op::Copy(_, text, at) => {
                self.perhaps(at, text)
            }
            Op::Deliver(at, text, _) => {
                self.perhaps(at, text);
                self.undelivered.push(op);
            }
            Op::Together(messages) => messages
                .iter()
                .for_each(|(at, text)| self.perhaps(at, text)),
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
    fn learn(&mut self, op: Op, told: Vec<(u32, u32)>) {
        let first = told.first().copied().unwrap_or_default();
        match op {
            Op::Create(at) => drop(self.folders.insert(at, Folder::default())),
            Op::Delete(at) => drop(self.folders.remove(at)),
            Op::Rename("INBOX", to) => {
                self.folders.insert(to, Folder::default());
                let inbox = self.folders.get_mut("INBOX").unwrap();
                let messages = std::mem::take(&mut inbox.messages);
                let texts = messages.values().map(|m| m.text);
                let to = self.folders.get_mut(to).unwrap();
                to.perhaps.extend(texts);
            }
            Op::Rename(from, to) => {
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
