//! The greeting (RFC 1939 §4).

use crate::pop3::ask::{Link, Welcome};
use crate::pop3::session::{Phase, Session};
use crate::pop3::words::quoted;
use crate::pop3::{Ended, Failed};

pub(super) fn answered(session: &mut Session, answer: Result<Welcome, Failed>) {
    match answer {
        Ok(welcome) => {
            take(session, welcome.link);
            let greeting = quoted(session.options.greeting.as_bytes());
            // RFC 1939 §7: the timestamp is what APOP digests.
            match &welcome.apop {
                Some(stamp) => session.ok(&format!("{greeting} {stamp}")),
                None => session.ok(&greeting),
            }
            session.apop = welcome.apop;
            session.phase = Phase::Authorization;
        }
        Err(failed) => {
            session.say_err(failed.words());
            session.end(Ended::Refused);
        }
    }
}

/// What is known of the connection from now on.
pub(super) fn take(session: &mut Session, link: Link) {
    session.facts.peer = link.peer;
    session.facts.local = link.local;
    session.facts.tls = link.tls;
    session.facts.secured = link.secured;
    session.mechanisms = link.mechanisms;
}
