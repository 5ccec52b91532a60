//! STORE and UID STORE (RFC 3501 §6.4.6), conditional or not (RFC 7162 §3.1.3).

use super::{Opened, first};
use crate::parse::flags::FlagList;
use crate::parse::{Cursor, Wrong, modifiers};
use crate::server::finish::Finish;
use crate::server::question::{Answer, Records, Store, Want};
use crate::server::remaining::Remaining;
use crate::server::tell::Own;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::view::Permit;
use crate::types::{Access, Fields, Row};
use mailcore_base::mailbox::{FlagChange, FlagOp, ModSeq, Uid, UidSet};

/// Messages whose flags are looked up at a time.
const BATCH: usize = 1000;

/// ```text
///   .SILENT: Learn ──rows──► Learn … ──► Store ──► Over
///   others ────────────────────────────────┘
/// ```
#[derive(Debug)]
struct Run {
    store: Store,
    permit: Permit,
    at: At,
    /// What need not be told.
    own: Own,
    /// As of when the client's view knows the mailbox.
    known: ModSeq,
    reply: Reply,
}

#[derive(Debug)]
enum At {
    /// What the flags are that the client is about to change, by its own account: a message that somebody else has
    /// changed meanwhile is told in any case.
    Learn(Remaining),
    Store,
    Over,
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::NoExpunge)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::All)
}

/// UID commands may be told of expunges, others may not (RFC 3501 §7.4.1).
fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, permit: Permit) -> Opened {
    first(at).map_err(|_| Wrong::ARGUMENTS)?;
    let set = match permit {
        Permit::All => at.uid_set()?,
        Permit::NoExpunge => at.sequence_set()?,
    };
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let uids = match permit {
        Permit::All => selected.uids(&set),
        Permit::NoExpunge => selected.numbers(&set).map_err(|_| Wrong::SET)?,
    };
    at.space().map_err(|_| Wrong::ARGUMENTS)?;
    let conditional = at.peek() == Some(b'(');
    let unchanged_since = modifiers::unchanged_since(at)?;
    if conditional {
        at.space()?;
    }
    let (op, silent) = operation(&at.keyword()?)?;
    at.space()?;
    let list = FlagList::parse_open(at)?;
    if let Some(refused) = list.refused {
        return Ok(Once::reply(Reply::no(refused)));
    }
    if unchanged_since.is_some() {
        turn.condstore("STORE UNCHANGEDSINCE")?;
    }
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    if selected.access == Access::Read {
        let reply = Reply::ok("Store ignored with read-only mailbox");
        return Ok(Box::new(Finish::new(reply, Some(permit))));
    }
    if uids.is_empty() {
        return Ok(Box::new(Finish::new(done(), Some(permit))));
    }
    let change = FlagChange {
        op,
        system: list.system,
        keywords: list.keywords,
    };
    let known = selected.view.known();
    let (at, own) = match silent {
        true => (At::Learn(Remaining::from(&uids)), Own::of(change.clone())),
        false => (At::Store, Own::default()),
    };
    Ok(Box::new(Run {
        store: Store {
            uids,
            change,
            unchanged_since,
        },
        permit,
        at,
        own,
        known,
        reply: done(),
    }))
}

fn operation(name: &str) -> Result<(FlagOp, bool), Wrong> {
    let (name, silent) = match name.strip_suffix(".SILENT") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let op = match name {
        "FLAGS" => FlagOp::Replace,
        "+FLAGS" => FlagOp::Add,
        "-FLAGS" => FlagOp::Remove,
        _ => return Err(Wrong::ARGUMENTS),
    };
    Ok((op, silent))
}

fn done() -> Reply {
    Reply::ok("Store completed")
}

/// These were left alone, named as the client has named them.
fn modified(left: &UidSet, permit: Permit, turn: &mut Turn<'_>) -> Reply {
    let mut named = left.clone();
    if let (Permit::NoExpunge, Some(selected)) = (permit, turn.selected()) {
        let numbers = left.iter().filter_map(|uid| selected.view.number(uid));
        named = numbers.filter_map(Uid::new).collect();
    }
    Reply::ok(format!("[MODIFIED {named}] Conditional store failed"))
}

impl Command for Run {
    fn next(&mut self, _turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Learn(left) => {
                let uids = left.batch(BATCH);
                if uids.is_empty() || self.own.is_full() {
                    self.at = At::Store;
                    return Next::More;
                }
                Next::Ask(Want::Records(Records {
                    uids,
                    fields: Fields::FLAGS,
                }))
            }
            At::Store => Next::Ask(Want::Store(self.store.clone())),
            At::Over => {
                // Like Dovecot, messages whose flags were so already are not told of.
                let own = std::mem::take(&mut self.own);
                Next::Done(Finish::silent(self.reply.clone(), self.permit, own))
            }
        }
    }

    fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, _turn: &mut Turn<'_>) {
        let At::Learn(left) = &mut self.at else {
            return;
        };
        let last = left.batch(BATCH).last();
        for row in rows.filter(|row| row.modseq <= self.known) {
            self.own.add(row.uid, row.flags);
        }
        if let Some(last) = last {
            left.done_through(last);
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        self.at = match (&self.at, answer) {
            (At::Learn(_), Answer::NoRows(_)) => At::Store,
            (At::Store, Answer::Uids(outcome)) => {
                match outcome {
                    Ok(left) if left.is_empty() => {}
                    Ok(left) => {
                        self.own.forget(&left);
                        self.reply = modified(&left, self.permit, turn);
                    }
                    Err(failed) => {
                        self.own = Own::default();
                        self.reply = Reply::failed(failed);
                    }
                }
                At::Over
            }
            _ => return,
        };
    }
}
