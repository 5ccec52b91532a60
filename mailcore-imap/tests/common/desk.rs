//! Somebody who answers a session's questions from mailboxes in memory.

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Changes, Flags, MailboxName, UidSet};
use mailcore_base::message::{Encoding, Section, SectionText, Structure, write_structure};
use mailcore_imap::server::{
    Ask, Commit, Exchange, Extent, Facts as Connection, Located, Referral, Refusal, Welcome,
};
use mailcore_imap::types::{
    Access, Appended, Copied, Described, Excerpt, Failed, Listed, Row, Selected,
};
use std::collections::{BTreeMap, BTreeSet};

// The path is said because the fuzz targets include this file from elsewhere.
#[path = "mailbox.rs"]
mod mailbox;

pub use mailbox::{Mailbox, Message};
use mailbox::{described, find, section, status};

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
        self.failing("Content")?;
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

    /// Answers as a store would.
    pub fn answer(&mut self, ask: Ask<'_>) {
        let shown = format!("{ask:?}");
        let kind = shown.split('(').next().unwrap().to_string();
        let fails = self.failing(&kind).err();
        macro_rules! or_fail {
            ($value:expr) => {
                match fails {
                    Some(failed) => Err(failed),
                    None => attempt(|| $value),
                }
            };
        }
        match ask {
            Ask::Login(q) => {
                let login = q.asked();
                let step = outcome(&login.name, login.secret.expose());
                q.answer(step);
            }
            Ask::Authenticate(q) => {
                let step = match (q.asked().mechanism.as_str(), &q.asked().initial) {
                    ("PLAIN", Some(initial)) => plain(initial.expose()),
                    ("LOGIN", None) => Exchange::Challenge(b"Username:".to_vec()),
                    _ => Exchange::Challenge(Vec::new()),
                };
                q.answer(step);
            }
            Ask::Respond(q) => {
                let step = match q.asked().response.expose() {
                    b"alice" => Exchange::Challenge(b"Password:".to_vec()),
                    b"secret" => plain(b"\0alice\0secret"),
                    other => plain(other),
                };
                q.answer(step);
            }
            Ask::Select(q) => {
                let (name, access) = (q.asked().name.clone(), q.asked().access);
                q.answer(or_fail!(self.select(&name, access)));
            }
            Ask::Close(q) => {
                self.open = None;
                q.answer();
            }
            Ask::List(q) => {
                let (after, limit) = (q.asked().after.clone(), q.asked().limit);
                q.answer(or_fail!(Ok(self.list(after.as_ref(), limit))));
            }
            Ask::Subscriptions(q) => {
                q.answer(or_fail!(Ok(self.subscribed.iter().cloned().collect())));
            }
            Ask::Status(q) => {
                let name = q.asked().name.clone();
                q.answer(or_fail!(self.at(&name).map(|m| status(m))));
            }
            Ask::Create(q) => {
                let name = q.asked().name.clone();
                q.answer(or_fail!({
                    if self.mailboxes.contains_key(&name) {
                        return Err(Failed::AlreadyExists);
                    }
                    self.create(&name);
                    Ok(())
                }));
            }
            Ask::Delete(q) => {
                let name = q.asked().name.clone();
                let gone = self.mailboxes.remove(&name).map(|_| ());
                q.answer(gone.ok_or(Failed::NotFound));
            }
            Ask::Rename(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    if self.mailboxes.contains_key(&asked.to) {
                        return Err(Failed::AlreadyExists);
                    }
                    let mailbox = self.mailboxes.remove(&asked.from);
                    let mailbox = mailbox.ok_or(Failed::NotFound)?;
                    self.mailboxes.insert(asked.to.clone(), mailbox);
                    Ok(())
                }));
            }
            Ask::Subscribe(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    if asked.on && !self.mailboxes.contains_key(&asked.name) {
                        return Err(Failed::NotFound);
                    }
                    if asked.on {
                        self.subscribed.insert(asked.name.clone());
                    } else {
                        self.subscribed.remove(&asked.name);
                    }
                    Ok(())
                }));
            }
            Ask::Sync(q) => {
                let known = q.asked().known;
                q.answer(or_fail!({
                    let recent = self.claim();
                    let mailbox = self.here()?;
                    let flagged = mailbox.messages.iter().filter(|m| m.modseq > known);
                    let flagged = flagged.map(|m| (m.uid, m.flags, m.modseq)).collect();
                    Ok((Changes::new(mailbox.snapshot(), flagged), recent))
                }));
            }
            Ask::Expunged(q) => {
                let since = q.asked().since;
                q.answer(or_fail!({
                    let Some(history) = &self.here()?.gone else {
                        return Ok(None);
                    };
                    let later = history.iter().filter(|(modseq, _)| *modseq > since);
                    let none = UidSet::new();
                    Ok(Some(later.fold(none, |all, (_, gone)| all.union(gone))))
                }));
            }
            Ask::Records(q) => {
                let uids = q.asked().uids.clone();
                let (bare, here) = (self.bare, self.here());
                let texts: Vec<_> = match &here {
                    Ok(mailbox) => mailbox
                        .messages
                        .iter()
                        .filter(|m| uids.contains(m.uid))
                        .map(|m| (m, described(&m.body), chosen(&m.body)))
                        .collect(),
                    Err(_) => Vec::new(),
                };
                match fails {
                    Some(failed) => q.answer(Err::<std::iter::Empty<Row<'_>>, _>(failed)),
                    None => q.answer(Ok(texts.iter().map(
                        |(m, (envelope, structure), headers)| {
                            let mut row = Row::new(m.uid, m.flags, m.modseq);
                            row.date = Some(m.date);
                            if !bare {
                                row.size = Some(m.body.len() as u64);
                                row.envelope = Some(envelope);
                                row.structure = Some(structure);
                                row.headers = Some(headers);
                            }
                            row
                        },
                    ))),
                }
            }
            Ask::Describe(q) => {
                let asked = *q.asked();
                q.answer(or_fail!({
                    let Some(message) = self.here()?.get(asked.uid) else {
                        return Ok(None);
                    };
                    let (envelope, structure) = described(&message.body);
                    Ok(Some(bytes::Bytes::from(match asked.what {
                        Described::Envelope => envelope,
                        Described::Structure => structure,
                        _ => {
                            let mut out = Vec::new();
                            write_structure(&Structure::of(&message.body), false, &mut out);
                            out
                        }
                    })))
                }));
            }
            Ask::Measure(q) => {
                let asked = q.asked().clone();
                let text = or_fail!({
                    match self.here()?.get(asked.uid) {
                        Some(m) if asked.decoded => decoded(&m.body, &asked.section).map(Some),
                        Some(m) => Ok(Some(section(&m.body, &asked.section))),
                        None => Ok(None),
                    }
                });
                let short = matches!(
                    asked.section.text,
                    mailcore_base::message::SectionText::Fields(_)
                ) || asked.decoded
                    && text
                        .as_ref()
                        .is_ok_and(|t| t.as_ref().is_some_and(Vec::is_empty));
                q.answer(text.as_ref().map_err(|e| *e).map(|text| {
                    text.as_ref().map(|text| match short {
                        true => Extent::Whole(text),
                        false => Extent::Length(text.len() as u64),
                    })
                }));
            }
            Ask::Bytes(q) => {
                let asked = q.asked().clone();
                let run = self.run;
                let text = or_fail!({
                    let message = self.here()?.get(asked.uid).ok_or(Failed::NotFound)?;
                    let text = match asked.decoded {
                        true => decoded(&message.body, &asked.section)?,
                        false => section(&message.body, &asked.section),
                    };
                    let from = asked.range.start as usize;
                    let to = (asked.range.end as usize).min(from + run);
                    Ok(text[from..to].to_vec())
                });
                q.answer(text.as_deref().map_err(|e| *e));
            }
            Ask::Search(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let mailbox = self.here()?;
                    let found = find(mailbox, &asked.query);
                    Ok(found.intersection(&asked.within))
                }));
            }
            Ask::Sort(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let mailbox = self.here()?;
                    Ok(mailbox::sorted(mailbox, &asked))
                }));
            }
            Ask::Thread(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let mailbox = self.here()?;
                    Ok(mailbox::threaded(mailbox, &asked))
                }));
            }
            Ask::Store(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let since = asked.unchanged_since;
                    Ok(self.writable()?.flag(&asked.uids, &asked.change, since))
                }));
            }
            Ask::Expunge(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!(Ok(self.writable()?.expunge(&asked.uids))));
            }
            Ask::Copy(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!(self.copy(&asked.uids, &asked.target)));
            }
            Ask::Move(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let copied = self.copy(&asked.uids, &asked.target)?;
                    self.writable()?.expunge(&asked.uids);
                    Ok(copied)
                }));
            }
            Ask::Begin(q) => {
                let name = q.asked().name.clone();
                q.answer(or_fail!({
                    self.at(&name)?;
                    self.append = Some((name.clone(), Vec::new()));
                    self.ended.clear();
                    Ok(())
                }));
            }
            Ask::Another(q) => {
                let stamp = q.asked().stamp.clone();
                q.answer(or_fail!({
                    let (_, body) = self.append.as_mut().unwrap();
                    self.ended.push((std::mem::take(body), stamp));
                    Ok(())
                }));
            }
            Ask::Locate(q) => {
                let part = q.asked().part.clone();
                q.answer(or_fail!(Ok(match self.excerpt(&part) {
                    Ok(text) => Located::Octets(text.len() as u64),
                    Err(why) => why,
                })));
            }
            Ask::Insert(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let text = self.excerpt(&asked.part).unwrap();
                    let range = asked.range.start as usize..asked.range.end as usize;
                    let (_, body) = self.append.as_mut().unwrap();
                    body.extend_from_slice(&text[range]);
                    Ok(())
                }));
            }
            Ask::Commit(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let (name, body) = self.append.take().unwrap();
                    let mut ended = std::mem::take(&mut self.ended);
                    ended.push((body, asked));
                    let mailbox = self.at(&name)?;
                    let mut uids = UidSet::new();
                    for (body, stamp) in ended {
                        let flags = mailbox.bits(&stamp.keywords).union(stamp.flags);
                        let date = stamp.date.unwrap_or(DateTime::utc(1_577_872_800));
                        uids.insert(mailbox.add(body, flags, date));
                    }
                    Ok(Appended {
                        uids,
                        uid_validity: mailbox.validity,
                    })
                }));
            }
            Ask::Abandoned(q) => {
                self.append = None;
                q.answer();
            }
            other => other.decline(),
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

/// A leaf without its encoding; whatever else there is, as it is.
fn decoded(body: &[u8], of: &Section) -> Result<Vec<u8>, Failed> {
    let structure = Structure::of(body);
    let part = structure.named(&of.path);
    let content = part.and_then(|part| part.content.as_ref());
    let text = section(body, of);
    match content.and_then(|content| content.encoding.as_deref()) {
        Some(b"x-unknown") => Err(Failed::Encoding),
        Some(name) if of.text == SectionText::Whole => Ok(Encoding::parse(name).decode(&text)),
        _ => Ok(text),
    }
}

/// Alice is here; Bob's own mail is elsewhere, and so is all that Carol and Dan can have.
fn outcome(name: &str, secret: &[u8]) -> Result<Welcome, Refusal> {
    let mut welcome = Welcome::new(name, '.');
    let elsewhere = |port| Referral::new(&format!("{name}@a.test"), "b.test", port).unwrap();
    match (name, secret == b"secret") {
        ("alice", true) => Ok(welcome),
        ("bob", true) => {
            welcome.referral = Some(elsewhere(None));
            Ok(welcome)
        }
        ("carol", true) => Err(Refusal::Referred(elsewhere(Some(1143)))),
        ("dan", true) => {
            let moved = elsewhere(None).because("Moved.\r\n* BYE");
            Err(Refusal::Referred(moved))
        }
        _ => Err(Refusal::Credentials),
    }
}

fn plain(message: &[u8]) -> Exchange {
    let mut parts = message.splitn(3, |octet| *octet == 0).skip(1);
    let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let secret = parts.next().unwrap_or_default();
    outcome(&name, secret).map_or_else(Exchange::Refused, Exchange::Granted)
}

/// The facts of a connection that nobody listens to.
pub fn local(facts: &mut Connection) {
    facts.secured = true;
}

/// Runs what may leave early.
fn attempt<T>(work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    work()
}

fn chosen(message: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    mailcore_base::message::write_chosen_fields(message, &mut headers);
    headers
}
