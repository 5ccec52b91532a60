//! From a login to an open maildrop: what USER and PASS, APOP and AUTH have in common.

use crate::pop3::ask::Maildrop;
use crate::pop3::session::{Phase, Session};
use crate::pop3::{Ended, Failed, Page, Refusal};
use mailcore_base::mailbox::Uid;

/// How many messages are asked for at a time.
const PAGE: usize = 4096;

/// A login was decided.
pub(super) fn decided(session: &mut Session, outcome: Result<String, Refusal>) {
    match outcome {
        Ok(name) => {
            session.facts.login = Some(name);
            session.name = None;
            open(session, None);
        }
        Err(refusal) => session.err(refusal.words()),
    }
}

fn open(session: &mut Session, after: Option<Uid>) {
    let exclusive = session.options.exclusive;
    session.ask(Maildrop {
        after,
        most: PAGE,
        exclusive,
    });
}

/// A page of the maildrop has come. The client is in once it is known whole: what it is told of it never changes
/// (RFC 1939 §5).
pub(super) fn listed(session: &mut Session, answer: Result<Page, Failed>) {
    match answer {
        Ok(page) => {
            session.open = true;
            if session.contents.add(page) {
                let after = session.contents.after();
                return open(session, after);
            }
            session.tally.messages = session.contents.len();
            session.tally.size = session.contents.size();
            session.phase = Phase::Transaction;
            session.ok("Logged in.");
        }
        Err(failed) => {
            session.say_err(failed.words());
            session.end(Ended::Refused);
        }
    }
}
