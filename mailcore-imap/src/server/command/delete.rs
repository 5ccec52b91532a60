//! DELETE (RFC 3501 §6.3.4).

use super::{Opened, first};
use crate::parse::Cursor;
use crate::server::Ended;
use crate::server::question::{Answer, Delete, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::Failed;

#[derive(Debug)]
struct Run {
    delete: Delete,
    outcome: Option<Result<(), Failed>>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let text = at.astring()?;
    at.end()?;
    match turn.name(&text) {
        Ok(name) if name.is_inbox() => Ok(Once::reply(Reply::no("INBOX can't be deleted"))),
        Ok(name) => Ok(Box::new(Run {
            delete: Delete { name },
            outcome: None,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        let name = &self.delete.name;
        match self.outcome {
            None => Next::Ask(Want::Delete(self.delete.clone())),
            Some(Ok(())) => {
                let reply = Reply::ok("Delete completed");
                if turn.selected().is_some_and(|s| s.name == *name) {
                    Next::Farewell(reply, Ended::Deleted)
                } else {
                    Next::Reply(reply)
                }
            }
            Some(Err(failed)) => {
                let name = turn.shown(name);
                Next::Reply(Reply::failed_at(failed, "[NONEXISTENT]", &name))
            }
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Done(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
