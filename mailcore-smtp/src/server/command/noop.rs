//! NOOP, with or without an argument (RFC 5321 §4.1.1.9).

use crate::server::{session::Session, words::Say};
use std::time::Instant;

impl Session {
    pub(super) fn noop(&mut self, now: Instant) {
        self.say(now, Say::Ok);
    }
}
