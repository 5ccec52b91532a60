//! STATUS (RFC 3501 §6.3.10), with HIGHESTMODSEQ (RFC 7162 §3.1.7) and SIZE (RFC 8438).

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::question::{self, Answer, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::{Failed, Status};
use crate::write;
use mailcore_base::mailbox::MailboxName;

/// An item's name, and what it says.
type Item = (&'static str, fn(&Status) -> u64);

/// Asking for it makes a client one that knows modification sequences (RFC 7162 §3.1).
const HIGHEST: &str = "HIGHESTMODSEQ";

/// The items, in the order in which Dovecot says them.
const ITEMS: [Item; 7] = [
    ("MESSAGES", |s| u64::from(s.messages)),
    ("RECENT", |s| u64::from(s.recent)),
    ("UIDNEXT", |s| u64::from(s.uid_next.number())),
    ("UIDVALIDITY", |s| u64::from(s.uid_validity.0.get())),
    ("UNSEEN", |s| u64::from(s.unseen)),
    (HIGHEST, |s| s.modseq.0),
    ("SIZE", |s| s.size),
];

/// Which items are wanted; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Items([bool; ITEMS.len()]);

impl Items {
    /// `(item …)`
    pub(super) fn parse(at: &mut Cursor<'_>) -> Result<Self, Wrong> {
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
        match wanted.contains(&true) {
            true => Ok(Self(wanted)),
            false => Err("Empty status list".into()),
        }
    }

    /// Modification sequences are among it: whoever asks for them wants to go on hearing of them (RFC 7162 §3.1).
    pub(super) fn tell_modseqs(&self) -> bool {
        let mut asked = ITEMS.iter().zip(&self.0);
        asked.any(|((name, _), on)| *on && *name == HIGHEST)
    }

    /// Writes the response; `text` is what the mailbox is called in it.
    pub(super) fn write(
        &self,
        turn: &mut Turn<'_>,
        name: &MailboxName,
        text: &[u8],
        status: Status,
    ) {
        let mut status = status;
        if let Some(selected) = turn.selected().filter(|selected| selected.name == *name) {
            // What is recent has been taken by the session that asks.
            status.recent = selected.view.recent();
        }
        turn.out.say("* STATUS ");
        write::astring(&mut turn.out.bytes, text);
        let mut space = " (";
        for ((name, value), _) in ITEMS.iter().zip(&self.0).filter(|(_, on)| **on) {
            turn.out.say(space);
            turn.out.say(name);
            turn.out.say(" ");
            write::number(&mut turn.out.bytes, value(&status));
            space = " ";
        }
        turn.out.say(")\r\n");
    }
}

#[derive(Debug)]
struct Run {
    status: question::Status,
    /// The name as the client wrote it, and as it is told.
    text: Vec<u8>,
    items: Items,
    outcome: Option<Result<Status, Failed>>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let text = at.astring()?;
    at.space()?;
    let items = Items::parse(at)?;
    at.end()?;
    if items.tell_modseqs() {
        turn.enable_condstore();
    }
    match turn.name(&text) {
        Ok(name) => Ok(Box::new(Run {
            status: question::Status { name },
            text: text.into_owned(),
            items,
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
                let status = *status;
                let reply = match turn.selected().filter(|selected| selected.name == *name) {
                    Some(_) => "[CLIENTBUG] Status on selected mailbox completed",
                    None => "Status completed",
                };
                self.items.write(turn, name, &self.text, status);
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
