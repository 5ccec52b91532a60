//! RSET (RFC 1939 §5): takes back every mark.

use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session) {
    session.contents.reset();
    session.ok("");
}
