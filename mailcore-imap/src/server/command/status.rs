//! STATUS (RFC 3501 §6.3.10, RFC 7162 §3.1.7).

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::question::{self, Answer, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::{Failed, Status};
use crate::write;

/// An item's name, and what it says.
type Item = (&'static str, fn(&Status) -> u64);

/// Asking for it makes a client one that knows modification sequences (RFC 7162 §3.1).
const HIGHEST: &str = "HIGHESTMODSEQ";

/// The items, in the order in which Dovecot says them.
const ITEMS: [Item; 6] = [
    ("MESSAGES", |s| u64::from(s.messages)),
    ("RECENT", |s| u64::from(s.recent)),
    ("UIDNEXT", |s| u64::from(s.uid_next.number())),
    ("UIDVALIDITY", |s| u64::from(s.uid_validity.0.get())),
    ("UNSEEN", |s| u64::from(s.unseen)),
    (HIGHEST, |s| s.modseq.0),
];

#[derive(Debug)]
struct Run {
    status: question::Status,
    /// The name as the client wrote it, and as it is told.
    text: Vec<u8>,
    wanted: [bool; ITEMS.len()],
    outcome: Option<Result<Status, Failed>>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let text = at.astring()?;
    at.space()?;
    let mut wanted = [false; ITEMS.len()];
    at.list(|at| {
        let item = at.keyword()?;
        let found = ITEMS
            .iter()
            .zip(&mut wanted)
            .find(|((name, _), _)| *name == item);
        match found {
            Some((_, wanted)) => *wanted = true,
            None => return Err(Wrong::quoting("Invalid status item ", item.as_bytes())),
        }
        Ok(())
    })?;
    at.end()?;
    if !wanted.contains(&true) {
        return Err("Empty status list".into());
    }
    let modseqs = |((name, _), on): (&Item, &bool)| *on && *name == HIGHEST;
    if ITEMS.iter().zip(&wanted).any(modseqs) {
        turn.enable_condstore();
    }
    match turn.name(&text) {
        Ok(name) => Ok(Box::new(Run {
            status: question::Status { name },
            text: text.into_owned(),
            wanted,
            outcome: None,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        let name = &self.status.name;
        match &self.outcome {
            None => Next::Ask(Want::Status(self.status.clone())),
            Some(Ok(status)) => {
                let mut status = *status;
                let selected = turn.selected().filter(|selected| selected.name == *name);
                let reply = match selected {
                    Some(selected) => {
                        // What is recent has been taken by the session that asks.
                        status.recent = selected.view.recent();
                        "[CLIENTBUG] Status on selected mailbox completed"
                    }
                    None => "Status completed",
                };
                turn.out.say("* STATUS ");
                write::astring(&mut turn.out.bytes, &self.text);
                let mut space = " (";
                for ((name, value), _) in ITEMS.iter().zip(&self.wanted).filter(|(_, on)| **on) {
                    turn.out.say(space);
                    turn.out.say(name);
                    turn.out.say(" ");
                    write::number(&mut turn.out.bytes, value(&status));
                    space = " ";
                }
                turn.out.say(")\r\n");
                Next::Reply(Reply::ok(reply))
            }
            Some(Err(failed)) => {
                let name = turn.shown(name);
                Next::Reply(Reply::failed_at(*failed, "", &name))
            }
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Status(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
