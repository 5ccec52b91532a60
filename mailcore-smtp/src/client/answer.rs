//! An answer has been given: who goes on with it.

use super::{pending::Pending, session::Session};
use std::{mem, time::Instant};

impl Session {
    /// Takes the answer that was given.
    pub(super) fn answered(&mut self, now: Instant) {
        macro_rules! dispatch {
            ($($topic:ident => $method:ident,)*) => {
                match mem::replace(&mut self.pending, Pending::None) {
                    $(Pending::$topic(open) => {
                        if let Some(answer) = open.answer {
                            self.$method(now, answer);
                        }
                    })*
                    Pending::None => {}
                }
            };
        }
        dispatch! {
            Secured => secured,
            Authenticate => login_chosen,
            Challenge => responded,
            Authenticated => login_judged,
            Ready => ordered,
            Done => told,
        }
    }
}
