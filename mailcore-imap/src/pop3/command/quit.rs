//! QUIT (RFC 1939 §4, §6): after login it enters the UPDATE state, where all marks become true at once.

use crate::pop3::ask::Commit;
use crate::pop3::session::{Phase, Session};
use crate::pop3::{Ended, Failed};
use mailcore_base::mailbox::UidSet;

pub(super) fn run(session: &mut Session) {
    if session.phase != Phase::Transaction {
        session.ok("Logging out");
        return session.end(Ended::LoggedOut);
    }
    let (deleted, mut seen) = session.contents.changes();
    if !session.options.marks_seen {
        seen = UidSet::new();
    }
    session.ask(Commit { deleted, seen });
}

pub(super) fn answered(session: &mut Session, answer: Result<(), Failed>) {
    session.open = false;
    let (deleted, _) = session.contents.changes();
    match answer {
        Ok(()) if deleted.is_empty() => session.ok("Logging out."),
        Ok(()) => {
            session.tally.deleted = u32::try_from(deleted.len()).unwrap_or(u32::MAX);
            session.ok("Logging out, messages deleted.");
        }
        Err(failed) => session.say_err(failed.words()),
    }
    session.end(Ended::LoggedOut);
}
