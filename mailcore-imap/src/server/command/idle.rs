//! IDLE (RFC 2177): news as they come, until the client says DONE.

use super::Opened;
use crate::parse::Cursor;
use crate::server::Ended;
use crate::server::finish::Finish;
use crate::server::question::Answer;
use crate::server::tell::{Lost, Own, Tell};
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::server::view::Permit;
use crate::types::Row;
use std::time::Instant;

/// The longest line that can be a DONE; anything longer ends the session.
const LINE: usize = 1024;

#[derive(Debug)]
struct Idle {
    begun: bool,
    tell: Option<Box<Tell>>,
    /// When the client is to hear that the server is still there.
    beat: Option<Instant>,
    /// The store could not say what has changed: it is left alone up to the next beat.
    tired: bool,
    reply: Option<Reply>,
}

pub(super) fn open(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    // Whatever happened before is told at once.
    turn.state.changed = true;
    Ok(Box::new(Idle {
        begun: false,
        tell: None,
        beat: None,
        tired: false,
        reply: None,
    }))
}

impl Command for Idle {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        if !self.begun {
            turn.out.say("+ idling\r\n");
            self.begun = true;
            self.beat = turn.now.checked_add(turn.options.still_here);
        }
        if let Some(tell) = &mut self.tell {
            if let Some(next) = tell.next(turn) {
                return next;
            }
            match tell.lost() {
                Some(Lost::Deleted) => {
                    return Next::Bye(Ended::Deleted, None);
                }
                Some(Lost::Replaced) => {
                    return Next::Bye(Ended::Replaced, None);
                }
                lost => {
                    self.tired = lost.is_some();
                    self.tell = None;
                    if let Some(modseq) = Tell::settle(turn) {
                        turn.highest(modseq);
                    }
                }
            }
        }
        if let Some(reply) = self.reply.take() {
            return Next::Done(Finish::new(reply, Some(Permit::All)));
        }
        if self.beat.is_some_and(|beat| beat <= turn.now) {
            turn.out.say("* OK Still here\r\n");
            self.beat = turn.now.checked_add(turn.options.still_here);
            turn.state.changed |= std::mem::take(&mut self.tired);
        }
        if !self.tired && std::mem::take(&mut turn.state.changed) && turn.state.selected.is_some() {
            self.tell = Some(Box::new(Tell::new(Permit::All, Own::default())));
            return Next::More;
        }
        Next::Line(LINE, self.beat)
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

    fn line(&mut self, line: &[u8], _turn: &mut Turn<'_>) {
        self.reply = Some(if line.eq_ignore_ascii_case(b"DONE") {
            Reply::ok("Idle completed")
        } else {
            Reply::bad("Expected DONE")
        });
    }

    fn watches(&self) -> bool {
        // Also while news are told: a driver asks before the step that ends the telling.
        !self.tired
    }
}
