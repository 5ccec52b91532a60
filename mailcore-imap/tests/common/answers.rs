//! What the desk says to each question.

use super::Desk;
use super::mailbox::{described, find, section, sorted, status, threaded};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Changes, UidSet};
use mailcore_base::message::{Encoding, Section, SectionText, Structure, write_structure};
use mailcore_imap::server::{Ask, Exchange, Extent, Located, Referral, Refusal, Welcome};
use mailcore_imap::types::{Appended, Described, Failed, Row};

impl Desk {
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
                    Ok(sorted(mailbox, &asked))
                }));
            }
            Ask::Thread(q) => {
                let asked = q.asked().clone();
                q.answer(or_fail!({
                    let mailbox = self.here()?;
                    Ok(threaded(mailbox, &asked))
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
                assert!(self.append.is_none(), "what was begun before is over");
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
                    let octets = asked.range.end - asked.range.start;
                    assert!(octets <= 256 * 1024, "{octets} octets at a time");
                    let text = self.excerpt(&asked.part).unwrap();
                    let range = asked.range.start as usize..asked.range.end as usize;
                    let (_, body) = self.append.as_mut().unwrap();
                    body.extend_from_slice(&text[range]);
                    Ok(())
                }));
            }
            Ask::Commit(q) => {
                let asked = q.asked().clone();
                let (name, body) = self.append.take().unwrap();
                q.answer(or_fail!({
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

/// Runs what may leave early.
fn attempt<T>(work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    work()
}

fn chosen(message: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    mailcore_base::message::write_chosen_fields(message, &mut headers);
    headers
}
