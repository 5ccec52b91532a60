//! An answer has been given: who goes on with it.

use super::{pending::Pending, session::Session};
use std::{mem, time::Instant};

impl Session {
    /// Takes the answer that was given, and lets the command that asked go on.
    pub(super) fn answered(&mut self, now: Instant) {
        macro_rules! dispatch {
            ($($topic:ident => $method:ident,)*) => {
                match mem::replace(&mut self.pending, Pending::None) {
                    $(Pending::$topic(open) => {
                        if let Some(answer) = open.answer {
                            self.$method(now, open.asked, answer);
                        }
                    })*
                    Pending::None => {}
                }
            };
        }
        dispatch! {
            Connect => connected,
            Hello => greeted,
            Secured => secured,
            Auth => auth_went_on,
            Mail => sender_judged,
            Rcpt => recipient_judged,
            Verify => verified,
            Etrn => queue_started,
            Unknown => unknown_answered,
            Begin => begun,
            Header => header_judged,
            Finish => finished,
            Abandoned => abandoned,
        }
    }
}
