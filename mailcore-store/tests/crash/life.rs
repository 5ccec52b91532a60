//! One life of a server and its client: what is done, what is seen, and whether that is what was told.

use crate::model::{Facts, Folder, Op, large, large_rest};
use crate::power::{Checked, ensure};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Keyword, MailboxName, ModSeq, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Open, SimDisk};
use mailcore_store::mailbox::Appended;
use mailcore_store::mailbox::{Access, Account, Fields, MailStore, Mailbox, Maildir, Stamp};
use mailcore_store::queue::Identity;
use mailcore_store::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text, '/').unwrap()
}

/// The UIDs that an append was told, each with its validity.
fn given(appended: &Appended) -> Vec<(u32, u32)> {
    let validity = appended.uid_validity.0.get();
    appended
        .uids
        .iter()
        .map(|uid| (validity, uid.number()))
        .collect()
}

/// One life of a server, for the one user there is.
pub(crate) struct Life {
    account: Arc<dyn Account>,
    disk: SimDisk,
}

/// Where the INBOX lies.
pub(crate) const INBOX: &str = "mail/example.test/alice";

/// Another program delivers to the INBOX: whole, durably, and in a place before all that came earlier.
pub(crate) fn drop_in(disk: &SimDisk, nth: u32, text: &str) -> io::Result<()> {
    let name = format!("{}.M1P1.elsewhere", 1_600_000_000 - nth);
    let path = |dir: &str| Path::new(INBOX).join(dir).join(&name);
    let _ = disk.unlink(&path("tmp"));
    let file = disk.open(&path("tmp"), Open::Create)?;
    file.write_at(format!("{text}\r\n").as_bytes(), 0)?;
    file.sync()?;
    disk.rename(&path("tmp"), &path("new"))?;
    disk.sync_dir(&Path::new(INBOX).join("new"))
}

impl Life {
    pub(crate) async fn begin(store: &Maildir, disk: &SimDisk) -> Result<Self> {
        let account = store.account(&User::new("alice@example.test")).await?;
        let disk = disk.clone();
        Ok(Self { account, disk })
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
        Ok(given(&appended)[0])
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
            Op::Foreign(_, text) => {
                let done = drop_in(&self.disk, 1, text).map(nothing);
                done.map_err(|e| Error::io("another program", e))
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
                    told.extend(given(&appended));
                }
                Ok(told)
            }
            Op::Batch(to, texts) => {
                let mut append = self.account.append(&name(to)).await?;
                for (n, text) in texts.iter().enumerate() {
                    if n > 0 {
                        append.another(Stamp::default()).await?;
                    }
                    // Small ones are held while they come, the one in the middle is not.
                    match n {
                        1 => append.write(&large(text)).await?,
                        _ => append.write(format!("{text}\r\n").as_bytes()).await?,
                    }
                }
                Ok(given(&append.commit(Stamp::default()).await?))
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
            let flags = seen
                .messages
                .iter()
                .map(|(uid, (_, flags))| (*uid, flags.clone()));
            folder.taken = Some((seen.modseq, flags.collect()));
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
                if folder.foreign.contains(text) {
                    let message = folder.messages.entry(uid).or_default();
                    (message.text, message.certain) = (text, true);
                }
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
            modseq: now.modseq,
            messages,
        })
    }

    /// Who comes back and asks for what has changed since, and what went, misses nothing.
    async fn come_back(&self, at: &str, folder: &Folder, seen: &Seen) -> Result<Checked> {
        let Some((known, taken)) = &folder.taken else {
            return Ok(Ok(()));
        };
        let mailbox = self.account.open(&name(at), Access::Read).await?;
        let changes = mailbox.sync(Some(*known)).await?;
        let told: BTreeSet<u32> = changes
            .flagged
            .iter()
            .map(|(uid, ..)| uid.number())
            .collect();
        let gone = mailbox.expunged(*known).await?;
        for (uid, flags) in taken {
            let missed = match seen.messages.get(uid) {
                Some((_, now)) => now != flags && !told.contains(uid),
                None => gone
                    .as_ref()
                    .is_some_and(|gone| gone.iter().all(|u| u.number() != *uid)),
            };
            if missed {
                return Ok(Err(format!("{at}: who knew {known:?} misses UID {uid}")));
            }
        }
        Ok(match seen.modseq >= *known {
            true => Ok(()),
            false => Err(format!(
                "{at}: {known:?} was told, and is {:?}",
                seen.modseq
            )),
        })
    }

    /// After a message was refused: no more of it is there than was promised.
    pub(crate) async fn taken_back(&self, facts: &Facts, op: Op) -> Checked {
        let (at, texts) = match op {
            Op::Append(at, text) | Op::Large(at, text) | Op::Deliver(at, text, _) => {
                (at, vec![text])
            }
            Op::Copy(_, text, at) => (at, vec![text]),
            Op::Batch(at, texts) => (at, texts.to_vec()),
            _ => return Ok(()),
        };
        let Some(folder) = facts.folders.get(at) else {
            return Ok(());
        };
        let seen = match self.seen(at).await {
            // Without room for a lock, or while one could not be given back, nobody can look.
            Err(e) if matches!(e.kind(), Kind::Full | Kind::Busy) => return Ok(()),
            seen => seen.map_err(|e| format!("{at}: the store failed: {e} ({e:?})"))?,
        };
        for text in texts {
            let mut all = seen.messages.iter();
            let more = all.any(|(uid, (octets, _))| {
                seen_as(text, octets) && !folder.messages.contains_key(uid)
            });
            ensure!(!more, "{at}: {text} was refused and is there");
        }
        Ok(())
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
            let come_back = self.come_back(at, folder, &seen).await;
            come_back.map_err(failed)??;
        }
        for at in &facts.removed {
            let there = self.exists(at).await.map_err(failed)?;
            ensure!(!there, "{at} was removed and is there");
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

pub(crate) struct Seen {
    pub(crate) validity: u32,
    pub(crate) next: u32,
    pub(crate) modseq: ModSeq,
    pub(crate) messages: BTreeMap<u32, (Vec<u8>, BTreeSet<String>)>,
}

pub(crate) fn seen_as(text: &str, octets: &[u8]) -> bool {
    let rest = octets.strip_prefix(text.as_bytes());
    rest.is_some_and(|rest| rest == b"\r\n" || rest == large_rest())
}
