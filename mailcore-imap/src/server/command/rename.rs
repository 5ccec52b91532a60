//! RENAME (RFC 3501 §6.3.5).

use super::{Opened, create, first};
use crate::parse::Cursor;
use crate::server::question::{Answer, Rename, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::Failed;

#[derive(Debug)]
struct Run {
    rename: Rename,
    outcome: Option<Result<(), Failed>>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let from = at.astring()?;
    at.space()?;
    let to = at.astring()?;
    at.end()?;
    let names = turn
        .name(&from)
        .and_then(|from| turn.name(&to).map(|to| (from, to)));
    let (from, to) = match names {
        Ok(names) => names,
        Err(reply) => return Ok(Once::reply(reply)),
    };
    let refusal = if from == to {
        Some("[ALREADYEXISTS] Can't rename mailbox to itself")
    } else if to.is_below(&from) && !from.is_inbox() {
        Some("Can't rename mailbox under its own child")
    } else {
        None
    };
    match refusal {
        Some(text) => Ok(Once::reply(Reply::no(text))),
        None => Ok(Box::new(Run {
            rename: Rename { from, to },
            outcome: None,
        })),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        Next::Reply(match self.outcome {
            None => return Next::Ask(Want::Rename(self.rename.clone())),
            Some(Ok(())) => Reply::ok("Rename completed"),
            Some(Err(Failed::AlreadyExists)) => {
                Reply::no("[ALREADYEXISTS] Target mailbox already exists")
            }
            Some(Err(Failed::Unsupported)) => create::unsupported(&self.rename.to, turn),
            Some(Err(failed)) => {
                let name = turn.shown(&self.rename.from);
                Reply::failed_at(failed, "[NONEXISTENT]", &name)
            }
        })
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Done(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
