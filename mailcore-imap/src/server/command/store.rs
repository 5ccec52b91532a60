//! STORE and UID STORE (RFC 3501 §6.4.6).

use super::{Opened, first};
use crate::parse::flags::FlagList;
use crate::parse::modifiers::Modifiers;
use crate::parse::{Cursor, Wrong};
use crate::server::finish::Finish;
use crate::server::question::{Answer, Store, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::view::Permit;
use crate::types::{Access, Failed};
use mailcore_base::mailbox::{FlagChange, FlagOp, UidSet};

#[derive(Debug)]
struct Run {
    store: Store,
    silent: bool,
    permit: Permit,
    outcome: Option<Result<UidSet, Failed>>,
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::NoExpunge)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::All)
}

/// UID commands may be told of expunges, others may not (RFC 3501 §7.4.1).
fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, permit: Permit) -> Opened {
    first(at)?;
    let set = at.sequence_set()?;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let uids = match permit {
        Permit::All => selected.view.uids(set.ranges()),
        Permit::NoExpunge => selected
            .view
            .numbers(set.ranges())
            .map_err(|_| Wrong::SET)?,
    };
    at.space()?;
    if at.peek() == Some(b'(') {
        Modifiers::parse(at, "STORE")?;
        at.space()?;
    }
    let (op, silent) = operation(&at.keyword()?)?;
    at.space()?;
    let list = FlagList::parse_open(at)?;
    if let Some(refused) = list.refused {
        return Ok(Once::reply(Reply::no(refused)));
    }
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
    Ok(Box::new(Run {
        store: Store {
            uids,
            change,
            unchanged_since: None,
        },
        silent,
        permit,
        outcome: None,
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

impl Command for Run {
    fn next(&mut self, _turn: &mut Turn<'_>) -> Next {
        Next::Done(match self.outcome {
            None => return Next::Ask(Want::Store(self.store.clone())),
            // Like Dovecot, messages whose flags were so already are not told of.
            Some(Ok(_)) if self.silent => {
                Finish::silent(done(), self.permit, self.store.uids.clone())
            }
            Some(Ok(_)) => Finish::new(done(), Some(self.permit)),
            Some(Err(failed)) => Finish::new(Reply::failed(failed), Some(self.permit)),
        })
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Uids(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
