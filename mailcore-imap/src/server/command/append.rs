//! APPEND (RFC 3501 §6.3.11, RFC 4315 §3). The message is streamed: its octets are lent to the driver as they
//! come and never kept here.

use super::{Opened, first};
use crate::parse::flags::FlagList;
use crate::parse::frame::{self, Announced};
use crate::parse::{Cursor, Wrong};
use crate::server::Ended;
use crate::server::finish::Finish;
use crate::server::question::{Abandoned, Answer, Begin, Commit, Want};
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::server::view::Permit;
use crate::types::Failed;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::MailboxName;

/// ```text
///            ┌── refused, and the client waits ─────────────────────────────────────► Over
///   Begin ───┼── may come ──► Content ──all──► Tail ──line end──► Commit ─────────────► Over
///            │                   └ refused ┐     └── something else ──► Abandon ──► Over
///            └── refused, comes anyway ────┴──► Swallow ──► Rest ──────────────────► Over
/// ```
#[derive(Debug)]
enum At {
    Begin,
    Content(u64),
    Tail,
    Commit,
    /// And then so many octets are swallowed.
    Abandon(Reply, u64),
    Swallow(u64, Reply),
    /// What stands behind a refused message up to the line's end.
    Rest(Reply),
    Over(Reply),
}

#[derive(Debug)]
struct Run {
    name: MailboxName,
    list: FlagList,
    date: Option<DateTime>,
    announced: Announced,
    at: At,
}

/// What stands in front of the message.
struct Arguments {
    mailbox: Vec<u8>,
    list: FlagList,
    date: Option<DateTime>,
}

/// `mailbox [flags] [date]`, and a space behind each.
fn arguments(at: &mut Cursor<'_>) -> Result<Arguments, Wrong> {
    first(at)?;
    let mailbox = at.astring()?.into_owned();
    at.space()
        .map_err(|_| Wrong::from("Missing message size"))?;
    let mut list = FlagList::default();
    if at.peek() == Some(b'(') {
        list = FlagList::parse(at)?;
        at.space()?;
    }
    let mut date = None;
    if at.peek() == Some(b'"') {
        let text = at.string()?;
        let read = DateTime::parse_internal(&text);
        date = Some(read.map_err(|_| Wrong::from("Invalid internal date"))?);
        at.space()?;
    }
    Ok(Arguments {
        mailbox,
        list,
        date,
    })
}

/// Whether the literal at the end of the command so far is not the mailbox's name but the message, right or
/// wrong as the rest may be.
pub(super) fn at_message(text: &[u8]) -> bool {
    let mut at = Cursor::new(text);
    at.run(|b| b != b' ');
    let name = at.space().and_then(|()| at.keyword());
    name.is_ok() && first(&mut at).is_ok() && at.astring().is_ok()
}

/// Without a message announced the command is wrong in any case.
pub(super) fn open(
    at: &mut Cursor<'_>,
    announced: Option<Announced>,
    turn: &mut Turn<'_>,
) -> Opened {
    let Some(announced) = announced else {
        return Err(match arguments(at) {
            Ok(_) => Wrong::ARGUMENTS,
            Err(wrong) => wrong,
        });
    };
    let read = arguments(at).and_then(|read| {
        // What announced it, and nothing in front.
        match at.eat(b'{') {
            true => Ok(read),
            false => Err(Wrong::ARGUMENTS),
        }
    });
    let (read, wrong) = match read {
        Ok(read) => (Some(read), None),
        Err(Wrong(why)) => (
            None,
            Some(Reply::bad(format!("Error in IMAP command APPEND: {why}"))),
        ),
    };
    let mut run = Run {
        name: MailboxName::inbox(),
        list: FlagList::default(),
        date: None,
        announced,
        at: At::Begin,
    };
    let refused = match read {
        Some(read) => run.take(read, turn),
        None => wrong,
    };
    if let Some(reply) = refused {
        run.refuse(reply);
    }
    Ok(Box::new(run))
}

impl Run {
    /// Takes the arguments over; the reply if that cannot be.
    fn take(&mut self, read: Arguments, turn: &Turn<'_>) -> Option<Reply> {
        match turn.name(&read.mailbox) {
            Ok(name) => self.name = name,
            Err(reply) => return Some(reply),
        }
        if let Some(refused) = read.list.refused {
            return Some(Reply::no(refused));
        }
        self.list = read.list;
        self.date = read.date;
        let most = turn.options.limits.message.unwrap_or(u64::MAX);
        if self.announced.size == 0 {
            return Some(Reply::no("Can't save a zero byte message"));
        }
        if self.announced.size > most {
            return Some(Reply::no("[TOOBIG] Message size exceeds the limit"));
        }
        None
    }

    /// The message is not wanted. A client that waits will not send it.
    fn refuse(&mut self, reply: Reply) {
        self.at = if self.announced.waits {
            At::Over(reply)
        } else {
            At::Swallow(self.announced.size, reply)
        };
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Begin => Next::Ask(Want::Begin(Begin {
                name: self.name.clone(),
                size: self.announced.size,
            })),
            At::Content(0) => {
                self.at = At::Tail;
                Next::More
            }
            At::Content(left) => Next::Content(*left),
            At::Tail | At::Rest(_) => Next::Line(turn.options.limits.line, None),
            At::Commit => Next::Ask(Want::Commit(Commit {
                flags: self.list.system,
                keywords: self.list.keywords.clone(),
                date: self.date,
            })),
            At::Abandon(..) => Next::Ask(Want::Abandoned(Abandoned)),
            At::Swallow(0, reply) => {
                self.at = At::Rest(reply.clone());
                Next::More
            }
            At::Swallow(left, _) if *left > turn.options.limits.swallow => {
                Next::Bye(Ended::Flood, None)
            }
            At::Swallow(left, _) => Next::Swallow(*left),
            At::Over(reply) => Next::Done(Finish::new(reply.clone(), Some(Permit::All))),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match (&self.at, answer) {
            (At::Begin, Answer::Done(Ok(()))) => {
                if self.announced.waits {
                    turn.out.say("+ OK\r\n");
                }
                self.at = At::Content(self.announced.size);
            }
            (At::Begin, Answer::Done(Err(failed))) => {
                let name = turn.shown(&self.name);
                self.refuse(Reply::failed_at(failed, "[TRYCREATE]", &name));
            }
            (At::Commit, Answer::Appended(outcome)) => {
                self.at = At::Over(match outcome {
                    Ok(appended) => Reply::ok(format!(
                        "[APPENDUID {} {}] Append completed",
                        appended.uid_validity, appended.uid
                    )),
                    Err(failed) => {
                        let name = turn.shown(&self.name);
                        Reply::failed_at(failed, "[TRYCREATE]", &name)
                    }
                });
            }
            (At::Abandon(reply, 0), Answer::Done(_)) => self.at = At::Over(reply.clone()),
            (At::Abandon(reply, more), Answer::Done(_)) => {
                self.at = At::Swallow(*more, reply.clone());
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &[u8], _turn: &mut Turn<'_>) {
        match &self.at {
            At::Tail if line.iter().all(|b| *b == b' ') => self.at = At::Commit,
            At::Tail => {
                let wrong = Reply::bad("Error in IMAP command APPEND: Invalid arguments");
                self.at = At::Abandon(wrong, comes_anyway(line));
            }
            At::Rest(reply) => {
                self.at = match comes_anyway(line) {
                    0 => At::Over(reply.clone()),
                    more => At::Swallow(more, reply.clone()),
                };
            }
            _ => {}
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

/// The octets of a literal that the line announces without waiting.
fn comes_anyway(line: &[u8]) -> u64 {
    frame::announcement(line, false)
        .filter(|more| !more.waits)
        .map_or(0, |more| more.size)
}
