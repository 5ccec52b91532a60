//! LAST (RFC 1460 §5): the highest message number that was retrieved.

use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session) {
    let last = session.contents.last();
    session.ok(&last.to_string());
}
