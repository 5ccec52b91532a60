//! CLOSE and UNSELECT (RFC 3501 §6.4.2, RFC 3691).

use super::{Opened, expunge};
use crate::parse::Cursor;
use crate::server::question::{Answer, Close, Expunge, Search, Want};
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::types::Access;
use mailcore_base::mailbox::UidSet;

/// ```text
///   CLOSE ──► Find ──► Remove ──► Leave ──► Left
///   UNSELECT, or a mailbox that is only read ──┘
/// ```
#[derive(Debug)]
enum Run {
    Find(Search),
    Remove(UidSet),
    Leave(&'static str),
    Left(&'static str),
}

const CLOSE: &str = "Close completed";
const UNSELECT: &str = "Unselect completed";

pub(super) fn close(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    // RFC 3501 §6.4.2: nothing is removed where the mailbox was opened with EXAMINE.
    Ok(Box::new(match turn.selected() {
        Some(selected) if selected.access == Access::Write => {
            Run::Find(expunge::deleted_within(selected.view.all()))
        }
        _ => Run::Leave(CLOSE),
    }))
}

pub(super) fn unselect(_at: &mut Cursor<'_>, _turn: &mut Turn<'_>) -> Opened {
    Ok(Box::new(Run::Leave(UNSELECT)))
}

impl Command for Run {
    fn next(&mut self, _turn: &mut Turn<'_>) -> Next {
        match self {
            Self::Find(search) => Next::Ask(Want::Search(search.clone())),
            Self::Remove(uids) => Next::Ask(Want::Expunge(Expunge { uids: uids.clone() })),
            Self::Leave(_) => Next::Ask(Want::Close(Close)),
            Self::Left(text) => Next::Reply(Reply::ok(*text)),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        *self = match (&self, answer) {
            (Self::Find(_), Answer::Uids(Ok(found))) if !found.is_empty() => Self::Remove(found),
            // What cannot be removed for now stays \Deleted; the mailbox is left all the same.
            (Self::Find(_) | Self::Remove(_), Answer::Uids(_)) => Self::Leave(CLOSE),
            (Self::Leave(text), Answer::Done(_)) => {
                turn.state.selected = None;
                Self::Left(text)
            }
            _ => return,
        };
    }
}
