//! RSET.

use crate::{
    parse::CommandLine,
    server::{session::Session, words::Say},
};
use std::time::Instant;

impl Session {
    pub(super) fn rset(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !line.arguments.is_empty() {
            return self.say(now, Say::RsetSyntax);
        }
        self.reset();
        self.say(now, Say::Ok);
    }
}
