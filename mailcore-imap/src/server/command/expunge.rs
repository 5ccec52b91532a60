//! EXPUNGE and UID EXPUNGE (RFC 3501 §6.4.3, RFC 4315 §2.1).

use super::{Opened, first};
use crate::parse::Cursor;
use crate::parse::search;
use crate::server::finish::Finish;
use crate::server::question::{Answer, Expunge, Search, Want};
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::server::view::Permit;
use crate::types::Access;
use mailcore_base::mailbox::UidSet;
use std::sync::Arc;

#[derive(Debug)]
enum Run {
    Find(Search),
    Remove(UidSet),
    Over(Reply),
}

pub(super) fn all(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    let within = turn.selected().map(|s| s.view.all()).unwrap_or_default();
    Ok(open(within, turn))
}

pub(super) fn uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let set = at.uid_set()?;
    at.end()?;
    let within = turn.selected().map(|s| s.uids(&set));
    Ok(open(within.unwrap_or_default(), turn))
}

/// The search for messages to be removed.
pub(super) fn deleted_within(within: UidSet) -> Search {
    Search {
        query: Arc::new(search::deleted()),
        within,
    }
}

fn open(within: UidSet, turn: &mut Turn<'_>) -> Box<dyn Command> {
    let write = turn.selected().is_some_and(|s| s.access == Access::Write);
    Box::new(if write && !within.is_empty() {
        Run::Find(deleted_within(within))
    } else {
        Run::Over(done())
    })
}

fn done() -> Reply {
    Reply::ok("Expunge completed")
}

impl Command for Run {
    fn next(&mut self, _turn: &mut Turn<'_>) -> Next {
        match self {
            Self::Find(search) => Next::Ask(Want::Search(search.clone())),
            Self::Remove(uids) => Next::Ask(Want::Expunge(Expunge { uids: uids.clone() })),
            Self::Over(reply) => Next::Done(Finish::new(reply.clone(), Some(Permit::All))),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        let Answer::Uids(outcome) = answer else {
            return;
        };
        *self = match (&self, outcome) {
            (_, Err(failed)) => Self::Over(Reply::failed(failed)),
            (Self::Find(_), Ok(found)) if !found.is_empty() => Self::Remove(found),
            (_, Ok(_)) => Self::Over(done()),
        };
    }
}
