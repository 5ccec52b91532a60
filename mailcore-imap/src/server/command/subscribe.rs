//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7).

use super::{Opened, first};
use crate::parse::Cursor;
use crate::server::question::{Answer, Subscribe, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::Failed;

#[derive(Debug)]
struct Run {
    subscribe: Subscribe,
    outcome: Option<Result<(), Failed>>,
}

pub(super) fn subscribe(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true)
}

pub(super) fn unsubscribe(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, on: bool) -> Opened {
    first(at)?;
    let text = at.astring()?;
    at.end()?;
    match turn.name(&text) {
        Ok(name) => Ok(Box::new(Run {
            subscribe: Subscribe { name, on },
            outcome: None,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        Next::Reply(match self.outcome {
            None => return Next::Ask(Want::Subscribe(self.subscribe.clone())),
            Some(Ok(())) if self.subscribe.on => Reply::ok("Subscribe completed"),
            Some(Ok(())) => Reply::ok("Unsubscribe completed"),
            Some(Err(failed)) => {
                let name = turn.shown(&self.subscribe.name);
                Reply::failed_at(failed, "", &name)
            }
        })
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Done(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
