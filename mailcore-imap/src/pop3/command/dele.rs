//! DELE (RFC 1939 §5): a mark; QUIT makes it true.

use super::only_message;
use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    match only_message(session, argument) {
        Ok((_, uid, size)) => {
            session.contents.delete(uid, size);
            session.ok("Marked to be deleted.");
        }
        Err(wrong) => session.err(&wrong),
    }
}
