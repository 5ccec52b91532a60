//! COPY and MOVE by number and by UID (RFC 3501 §6.4.7, RFC 6851, RFC 4315 §3).

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::finish::Finish;
use crate::server::question::{Answer, Copy, Move, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::view::Permit;
use crate::types::{Access, Copied, Failed};
use mailcore_base::mailbox::{MailboxName, UidSet};

#[derive(Debug)]
struct Run {
    uids: UidSet,
    target: MailboxName,
    moves: bool,
    outcome: Option<Result<Copied, Failed>>,
}

pub(super) fn copy(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false, false)
}

pub(super) fn uid_copy(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false, true)
}

pub(super) fn relocate(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true, false)
}

pub(super) fn uid_relocate(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true, true)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, moves: bool, by_uid: bool) -> Opened {
    first(at)?;
    let set = match by_uid {
        true => at.uid_set()?,
        false => at.sequence_set()?,
    };
    at.space()?;
    let text = at.astring()?;
    at.end()?;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let uids = if by_uid {
        selected.uids(&set)
    } else {
        selected.numbers(&set).map_err(|_| Wrong::SET)?
    };
    let gone = uids.iter().any(|uid| selected.view.is_gone(uid));
    let read_only = selected.access == Access::Read;
    let all = Some(Permit::All);
    if uids.is_empty() {
        return Ok(Box::new(Finish::new(Reply::ok("No messages found"), all)));
    }
    if moves && read_only {
        return Ok(Once::reply(Reply::no("[READ-ONLY] Mailbox is read-only")));
    }
    if gone {
        return Ok(Box::new(Finish::new(some_gone(), all)));
    }
    match turn.name(&text) {
        Ok(target) => Ok(Box::new(Run {
            uids,
            target,
            moves,
            outcome: None,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

fn some_gone() -> Reply {
    Reply::no("[EXPUNGEISSUED] Some of the requested messages no longer exist")
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        let (uids, target) = (self.uids.clone(), self.target.clone());
        let reply = match &self.outcome {
            None if self.moves => return Next::Ask(Want::Move(Move { uids, target })),
            None => return Next::Ask(Want::Copy(Copy { uids, target })),
            Some(Ok(copied)) if copied.from.is_empty() => some_gone(),
            Some(Ok(copied)) => {
                // RFC 4315 §3: which message became which.
                let Copied {
                    uid_validity,
                    from,
                    to,
                } = copied;
                let code = format!("[COPYUID {uid_validity} {from} {to}]");
                if self.moves {
                    // RFC 6851 §4.3: before the expunges.
                    turn.out.say(&format!("* OK {code} Moved UIDs.\r\n"));
                    Reply::ok("Move completed")
                } else {
                    Reply::ok(format!("{code} Copy completed"))
                }
            }
            Some(Err(failed)) => {
                let name = turn.shown(&self.target);
                Reply::failed_at(*failed, "[TRYCREATE]", &name)
            }
        };
        Next::Done(Finish::new(reply, Some(Permit::All)))
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Copied(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
