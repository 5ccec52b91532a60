//! The end of a command: the news that are permitted, then its reply.

use super::Ended;
use super::question::Answer;
use super::tell::{Lost, Own, Tell};
use super::turn::{Command, Next, Reply, Status, Turn};
use super::view::Permit;
use crate::types::Row;
use mailcore_base::mailbox::ModSeq;

/// A command that only has its reply left.
#[derive(Debug)]
pub(super) struct Finish {
    reply: Reply,
    tell: Option<Tell>,
}

impl Finish {
    /// News as far as permitted, if at all, then the reply.
    pub(super) fn new(reply: Reply, permit: Option<Permit>) -> Self {
        let tell = permit.map(|permit| Tell::new(permit, Own::default()));
        Self { reply, tell }
    }

    /// The same without news of what the client itself has just done to flags.
    pub(super) fn silent(reply: Reply, permit: Permit, own: Own) -> Self {
        let tell = Some(Tell::new(permit, own));
        Self { reply, tell }
    }
}

impl Finish {
    /// Says where the client stands: in the reply, unless there is a code in it already, as Dovecot does.
    fn settled(&mut self, modseq: ModSeq, turn: &mut Turn<'_>) {
        let text = &self.reply.text;
        if self.reply.status != Status::Ok || text.starts_with('[') {
            return turn.highest(modseq);
        }
        self.reply.text = format!("[HIGHESTMODSEQ {modseq}] {text}").into();
    }
}

impl Command for Finish {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        if let Some(tell) = &mut self.tell
            && let Some(next) = tell.next(turn)
        {
            return next;
        }
        if self.tell.is_some()
            && let Some(modseq) = Tell::settle(turn)
        {
            self.settled(modseq, turn);
        }
        let reply = self.reply.clone();
        match self.tell.as_ref().and_then(Tell::lost) {
            Some(Lost::Deleted) => Next::Farewell(reply, Ended::Deleted),
            Some(Lost::Replaced) => Next::Bye(Ended::Replaced, None),
            // What the command did stands; the news come another time.
            Some(Lost::ForNow(_)) | None => Next::Reply(reply),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        if let Some(tell) = &mut self.tell {
            tell.answered(answer, turn);
        }
    }

    fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, turn: &mut Turn<'_>) {
        if let Some(tell) = &mut self.tell {
            tell.rows(rows, turn);
        }
    }
}
