//! QUIT.

use crate::{
    parse::CommandLine,
    server::{options::Flavour, session::Session, tally::Ended, words::Say},
};
use std::time::Instant;

impl Session {
    pub(super) fn quit(&mut self, now: Instant, line: &CommandLine<'_>) {
        // Postfix does not mind an argument.
        if !line.arguments.is_empty() && self.options.flavour == Flavour::Lmtp {
            return self.say(now, Say::QuitSyntax);
        }
        self.say(now, Say::Bye);
        self.reset();
        self.end(Ended::Quit);
    }
}
