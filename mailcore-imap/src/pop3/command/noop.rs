//! NOOP (RFC 1939 §5).

use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session) {
    session.ok("");
}
