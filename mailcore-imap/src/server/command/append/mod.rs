//! APPEND (RFC 3501 §6.3.11, RFC 4315 §3), of several messages together (RFC 3502), put together of parts of others
//! (RFC 4469), with any octets in them (RFC 3516 §4.4). Messages are streamed: their octets are lent to the driver
//! as they come and never kept here; parts of others never come here at all.

mod line;
mod refuse;

use super::Opened;
use crate::parse::frame::Announced;
use crate::parse::{Cursor, Wrong, append};
use crate::server::finish::Finish;
use crate::server::question::{
    Abandoned, Another, Answer, Begin, Commit, Insert, Locate, Located, Want,
};
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::server::view::Permit;
use crate::types::{Excerpt, Failed};
use line::Line;
use mailcore_base::mailbox::MailboxName;
use std::ops::Range;

/// Octets of another message that are asked for at a time.
const RUN: u64 = 256 * 1024;

/// ```text
///   Ask ─► Parse ─┬─ TEXT or the message ─► Content ─ all ─► Tail ─ line ─► Parse …
///    ▲            ├─ URL ──────────────────► Locate ─► Insert … ─► Parse …
///    │            ├─ URL {n} ──────────────► Url ─ all ─► Tail ─► Parse …
///    ├─ another ──┤
///    │            └─ nothing left ─────────► Commit ─► Over
///    │
///    └─ refused, as anything may be ─► Abandon ─┬─ the client waits ─────────────────► Over
///                                               └─ more comes anyway ─► Swallow ─► Rest ─► Over
/// ```
#[derive(Debug)]
enum At {
    /// The first message, or the next one, may begin?
    Ask,
    Parse,
    Content(u64),
    /// So many octets of a URL are to come.
    Url(u64),
    /// The line behind a literal.
    Tail,
    Locate(Excerpt, Range<u64>),
    Insert(Excerpt, Range<u64>),
    Commit,
    /// And then so many octets are swallowed, if any come anyway.
    Abandon(Reply, Option<u64>),
    Swallow(u64, Reply),
    /// What stands behind a refused message up to the line's end.
    Rest(Reply),
    Over(Reply),
}

#[derive(Debug)]
struct Run {
    name: MailboxName,
    line: Line,
    /// Something was begun that has to be ended or abandoned.
    begun: bool,
    /// Messages so far, with the one that is being written.
    count: u32,
    /// What the message that is being written gets.
    stamp: Commit,
    /// What the next one gets, while it is asked for.
    next: append::Head,
    /// The parts of a CATENATE are being read.
    inside: bool,
    /// Octets of the message so far.
    size: u64,
    /// The URL that is being served.
    url: Vec<u8>,
    at: At,
}

/// Without a message announced, or put together, the command is wrong in any case.
pub(super) fn open(
    at: &mut Cursor<'_>,
    announced: Option<Announced>,
    turn: &mut Turn<'_>,
) -> Opened {
    let read = append::mailbox(at).and_then(|mailbox| Ok((mailbox, append::head(at, announced)?)));
    // A command that is whole and wrong is said to be so at once.
    let (read, wrong) = match (read, announced) {
        (Ok(read), _) => (Some(read), None),
        (Err(wrong), None) => return Err(wrong),
        (Err(wrong), Some(_)) => (None, Some(mistake(&wrong))),
    };
    let mut run = Run {
        name: MailboxName::inbox(),
        line: Line::new(at.rest(), announced),
        begun: false,
        count: 0,
        stamp: Commit::default(),
        next: append::Head::default(),
        inside: false,
        size: 0,
        url: Vec::new(),
        at: At::Parse,
    };
    let refused = match read {
        Some((mailbox, head)) => match turn.name(&mailbox) {
            Ok(name) => {
                run.name = name;
                run.ready(head, turn).err()
            }
            Err(reply) => Some(reply),
        },
        None => wrong,
    };
    if let Some(reply) = refused {
        run.refuse(reply);
    }
    Ok(Box::new(run))
}

fn mistake(Wrong(why): &Wrong) -> Reply {
    Reply::bad(format!("Error in IMAP command APPEND: {why}"))
}

impl Run {
    /// The next message is to begin, if it can be served at all.
    fn ready(&mut self, head: append::Head, turn: &Turn<'_>) -> Result<(), Reply> {
        if let Some(refused) = head.list.refused {
            return Err(Reply::no(refused));
        }
        if self.count >= turn.options.limits.together {
            return Err(Reply::no("[LIMIT] Too many messages in one APPEND"));
        }
        if !head.catenate {
            let size = self.line.announced.map_or(0, |announced| announced.size);
            if size == 0 {
                return Err(Reply::no("Can't save a zero byte message"));
            }
            if size > largest(turn) {
                return Err(Reply::no("[TOOBIG] Message size exceeds the limit"));
            }
        }
        self.next = head;
        self.at = At::Ask;
        Ok(())
    }

    /// The next message has been begun.
    fn start(&mut self, turn: &mut Turn<'_>) {
        let head = std::mem::take(&mut self.next);
        self.begun = true;
        self.count += 1;
        self.size = 0;
        self.inside = head.catenate;
        self.stamp = Commit {
            flags: head.list.system,
            keywords: head.list.keywords,
            date: head.date,
        };
        self.at = At::Parse;
        if !self.inside {
            self.receive(turn);
        }
    }

    /// The octets that the line announces are the message's.
    fn receive(&mut self, turn: &mut Turn<'_>) {
        if let Some(announced) = self.line.content_follows() {
            if announced.waits {
                turn.out.say("+ OK\r\n");
            }
            self.at = At::Content(announced.size);
        }
    }

    /// Reads on in the line.
    fn parse(&mut self, turn: &mut Turn<'_>) {
        let read = if self.inside {
            self.part(turn)
        } else {
            self.message(turn)
        };
        if let Err(reply) = read {
            self.refuse(reply);
        }
    }

    /// Behind a message: another one, or nothing.
    fn message(&mut self, turn: &Turn<'_>) -> Result<(), Reply> {
        let announced = self.line.announced;
        let mut at = Cursor::new(self.line.rest());
        if at.clone().end().is_ok() {
            self.at = At::Commit;
            return Ok(());
        }
        let head = at.space().and_then(|()| append::head(&mut at, announced));
        let left = at.rest().len();
        let head = head.map_err(|wrong| mistake(&wrong))?;
        self.line.leave(left);
        self.ready(head, turn)
    }

    /// The next part of a CATENATE.
    fn part(&mut self, turn: &mut Turn<'_>) -> Result<(), Reply> {
        let announced = self.line.announced;
        let mut at = Cursor::new(self.line.rest());
        let part = append::part(&mut at, announced).map_err(|wrong| mistake(&wrong))?;
        let left = at.rest().len();
        match part {
            append::Part::Closed => {
                self.inside = false;
                self.line.leave(left);
            }
            append::Part::Text => {
                self.grow(announced.map_or(0, |a| a.size), turn)?;
                self.receive(turn);
            }
            append::Part::UrlToCome => self.receive_url(turn)?,
            append::Part::Url(url) => {
                let url = url.into_owned();
                self.line.leave(left);
                self.locate(url, turn);
            }
        }
        Ok(())
    }

    /// The message grows by so many octets, if it may.
    fn grow(&mut self, octets: u64, turn: &Turn<'_>) -> Result<(), Reply> {
        let size = self.size.checked_add(octets);
        // RFC 4469 §4
        let size = size.filter(|size| *size <= largest(turn));
        self.size = size.ok_or(Reply::no("[TOOBIG] Composed message grows too big"))?;
        Ok(())
    }

    /// How long the part is was asked.
    fn located(&mut self, found: Result<Located, Failed>, turn: &Turn<'_>) {
        let At::Locate(part, range) = &self.at else {
            return;
        };
        let why = match found {
            Ok(Located::Octets(octets)) => {
                let range = range.start.min(octets)..range.end.min(octets);
                let part = part.clone();
                let grown = self.grow(range.end - range.start, turn);
                self.at = At::Insert(part, range);
                if let Err(reply) = grown {
                    self.refuse(reply);
                }
                return;
            }
            Ok(Located::NoMailbox) => match &part.mailbox {
                Some(name) => format!("Mailbox doesn't exist: {}", turn.shown(name)),
                None => "No mailbox selected".to_owned(),
            },
            Ok(Located::OtherValidity) => "Invalid UIDVALIDITY".to_owned(),
            Ok(Located::NoMessage) => "Message not found".to_owned(),
            Err(failed) => return self.refuse(Reply::failed(failed)),
        };
        self.refuse_url(&why);
    }
}

/// Octets of the largest message that is taken.
fn largest(turn: &Turn<'_>) -> u64 {
    turn.options.limits.message.unwrap_or(u64::MAX)
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Ask => {
                let announced = self.line.announced.filter(|_| !self.next.catenate);
                let size = announced.map_or(0, |announced| announced.size);
                Next::Ask(if self.begun {
                    let stamp = self.stamp.clone();
                    Want::Another(Another { stamp, size })
                } else {
                    let name = self.name.clone();
                    Want::Begin(Begin { name, size })
                })
            }
            At::Parse => {
                self.parse(turn);
                Next::More
            }
            At::Content(0) | At::Url(0) => {
                self.at = At::Tail;
                Next::More
            }
            At::Content(left) => Next::Content(*left),
            At::Url(left) => Next::Take(*left),
            At::Tail | At::Rest(_) => Next::Line(turn.options.limits.line, None),
            At::Locate(part, _) => Next::Ask(Want::Locate(Locate { part: part.clone() })),
            At::Insert(_, range) if range.is_empty() => {
                self.at = At::Parse;
                Next::More
            }
            At::Insert(part, range) => Next::Ask(Want::Insert(Insert {
                part: part.clone(),
                range: range.start..range.end.min(range.start.saturating_add(RUN)),
            })),
            At::Commit => Next::Ask(Want::Commit(self.stamp.clone())),
            At::Abandon(..) => Next::Ask(Want::Abandoned(Abandoned)),
            At::Swallow(..) => self.swallow(turn),
            At::Over(reply) => Next::Done(Finish::new(reply.clone(), Some(Permit::All))),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match (&mut self.at, answer) {
            (At::Ask, Answer::Done(Ok(()))) => self.start(turn),
            (At::Ask, Answer::Done(Err(failed))) => {
                let name = turn.shown(&self.name);
                self.refuse(Reply::failed_at(failed, "[TRYCREATE]", &name));
            }
            (At::Locate(..), Answer::Located(found)) => self.located(found, turn),
            (At::Insert(_, range), Answer::Done(Ok(()))) => {
                range.start = range.end.min(range.start.saturating_add(RUN));
            }
            (At::Insert(..), Answer::Done(Err(failed))) => self.refuse(Reply::failed(failed)),
            (At::Commit, Answer::Appended(outcome)) => {
                self.at = At::Over(match outcome {
                    Ok(appended) => Reply::ok(format!(
                        "[APPENDUID {} {}] Append completed",
                        appended.uid_validity, appended.uids
                    )),
                    Err(failed) => {
                        let name = turn.shown(&self.name);
                        Reply::failed_at(failed, "[TRYCREATE]", &name)
                    }
                });
            }
            (At::Abandon(reply, anyway), Answer::Done(_)) => {
                let (reply, anyway) = (reply.clone(), *anyway);
                self.abandoned(reply, anyway);
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &[u8], turn: &mut Turn<'_>) {
        match &self.at {
            At::Tail => {
                let most = turn.options.limits.line;
                self.at = At::Parse;
                if !self.line.push(line, most) {
                    self.refuse(mistake(&Wrong::TOO_LONG));
                }
            }
            At::Rest(_) => self.rest(line),
            _ => {}
        }
    }

    fn octets(&mut self, octets: &[u8]) {
        if let At::Url(left) = &mut self.at {
            *left = left.saturating_sub(octets.len() as u64);
            self.line.literal(octets);
        }
    }

    fn took(&mut self, octets: u64) {
        match &mut self.at {
            At::Content(left) | At::Swallow(left, _) => *left = left.saturating_sub(octets),
            _ => {}
        }
    }

    fn refused(&mut self, failed: Failed) {
        if let At::Content(left) = self.at {
            // The client is sending it and cannot be stopped.
            self.at = At::Swallow(left, Reply::failed(failed));
        }
    }
}
