//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2).

use super::{Opened, first};
use crate::parse::modifiers::Modifiers;
use crate::parse::{Cursor, Wrong};
use crate::server::question::{Answer, Close, Select, Want};
use crate::server::state::Selected;
use crate::server::tell;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::updates::Updates;
use crate::server::view::View;
use crate::types::{self, Access, Failed};
use mailcore_base::mailbox::UidSet;

/// ```text
///   Leave ──► Left ──► Open ──► Opened
/// ```
#[derive(Debug)]
struct Run {
    select: Select,
    at: At,
}

#[derive(Debug)]
enum At {
    Leave,
    Open,
    Opened(Result<Box<types::Selected>, Failed>),
}

pub(super) fn select(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Access::Write)
}

pub(super) fn examine(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Access::Read)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, access: Access) -> Opened {
    first(at).map_err(|_| Wrong::ARGUMENTS)?;
    let name = at.astring()?;
    if !at.rest().is_empty() {
        at.space()?;
        Modifiers::parse(at, "SELECT")?;
        at.end()?;
    }
    // RFC 3501 §6.3.1: the mailbox that was selected is left even if the new one cannot be opened.
    let begin = if turn.state.selected.is_some() {
        At::Leave
    } else {
        At::Open
    };
    match turn.name(&name) {
        Ok(name) => Ok(Box::new(Run {
            select: Select { name, access },
            at: begin,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Leave => Next::Ask(Want::Close(Close)),
            At::Open => Next::Ask(Want::Select(self.select.clone())),
            At::Opened(Ok(selected)) => self.selected(selected, turn),
            At::Opened(Err(failed)) => {
                let name = turn.shown(&self.select.name);
                Next::Reply(Reply::failed_at(*failed, "", &name))
            }
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match answer {
            Answer::Done(_) => {
                turn.state.selected = None;
                // RFC 7162 §3.2.11; Dovecot says it to everybody.
                turn.out.say("* OK [CLOSED] Previous mailbox closed.\r\n");
                self.at = At::Open;
            }
            Answer::Selected(outcome) => self.at = At::Opened(outcome.map(Box::new)),
            _ => {}
        }
    }
}

impl Run {
    fn selected(&self, opened: &types::Selected, turn: &mut Turn<'_>) -> Next {
        let access = match (self.select.access, opened.access) {
            (Access::Write, Access::Write) => Access::Write,
            _ => Access::Read,
        };
        let there = opened.snapshot.uids.set();
        let recent = opened.recent.intersection(&there);
        let count = u32::try_from(recent.len()).unwrap_or(u32::MAX);
        let selected = Selected {
            name: self.select.name.clone(),
            view: View::new(&opened.snapshot, recent),
            access,
            new_keywords: opened.new_keywords,
            saved: UidSet::new(),
            updates: Updates::default(),
        };
        let out = &mut turn.out.bytes;
        let view = &selected.view;
        tell::write_keywords(out, &selected);
        tell::numbered(out, view.exists(), " EXISTS\r\n");
        tell::numbered(out, count, " RECENT\r\n");
        if let Some(unseen) = opened.unseen.and_then(|uid| view.number(uid)) {
            turn.out
                .say(&format!("* OK [UNSEEN {unseen}] First unseen.\r\n"));
        }
        let validity = opened.snapshot.uid_validity;
        let next = opened.snapshot.uid_next.number();
        turn.out.say(&format!(
            "* OK [UIDVALIDITY {validity}] UIDs valid\r\n* OK [UIDNEXT {next}] Predicted next UID\r\n"
        ));
        turn.state.selected = Some(Box::new(selected));
        turn.state.changed = false;
        let code = match access {
            Access::Write => "[READ-WRITE]",
            Access::Read => "[READ-ONLY]",
        };
        let verb = match self.select.access {
            Access::Write => "Select",
            Access::Read => "Examine",
        };
        Next::Reply(Reply::ok(format!("{code} {verb} completed")))
    }
}
