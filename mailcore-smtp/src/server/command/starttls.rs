//! STARTTLS (RFC 3207).

use crate::{
    parse::CommandLine,
    server::{
        session::{Session, State},
        words::Say,
    },
};
use std::time::Instant;

impl Session {
    pub(super) fn starttls(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !line.arguments.is_empty() {
            return self.say(now, Say::StartTlsSyntax);
        }
        if self.facts.tls.is_some() {
            return self.say(now, Say::TlsActive);
        }
        if !self.offers_tls() {
            return self.say(now, Say::NotImplemented);
        }
        // The wire drops what was read ahead when the layer stands; what was said before is dropped here.
        self.reset();
        self.say(now, Say::StartTls);
        self.state = State::Handshake;
    }
}
