//! XFORWARD: a trusted filter tells of the client that a message came from, for logs.

use super::xclient::claimed;
use crate::{
    parse::{CommandLine, Verb},
    server::{session::Session, words::Say},
};
use std::time::Instant;

pub(super) const NAMES: [&str; 7] = ["NAME", "ADDR", "PROTO", "HELO", "SOURCE", "PORT", "IDENT"];

impl Session {
    pub(super) fn xforward(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !self.facts.trust.xforward {
            return self.say(now, Say::Insufficient);
        }
        if self.transaction.is_open() {
            return self.say(now, Say::InTransaction);
        }
        match claimed(line.arguments, &NAMES) {
            // A second command adds to the first: there may be more attributes than one line holds.
            Ok(more) => {
                let before = self
                    .facts
                    .forwarded
                    .take()
                    .map_or_else(Default::default, |before| *before);
                self.facts.forwarded = Some(Box::new(more.over(before)));
                self.say(now, Say::Ok);
            }
            Err(error) => self.bad_attribute(now, Verb::XForward, error),
        }
    }
}
