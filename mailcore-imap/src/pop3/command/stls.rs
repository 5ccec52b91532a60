//! STLS (RFC 2595 §4). What was read ahead in the clear is discarded.

use super::connect;
use crate::pop3::ask::Link;
use crate::pop3::session::{Phase, Session};
use crate::pop3::{Ended, Failed};

pub(super) fn run(session: &mut Session) {
    if session.facts.tls.is_some() {
        session.err("TLS is already active.");
    } else if session.options.stls {
        session.ok("Begin TLS negotiation now.");
        session.phase = Phase::Handshake;
    } else {
        session.err("TLS support isn't enabled.");
    }
}

pub(super) fn answered(session: &mut Session, answer: Result<Link, Failed>) {
    match answer {
        Ok(link) => connect::take(session, link),
        Err(failed) => {
            session.say_err(failed.words());
            session.end(Ended::Refused);
        }
    }
}
