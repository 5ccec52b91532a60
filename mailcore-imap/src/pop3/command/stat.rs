//! STAT (RFC 1939 §5).

use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session) {
    let (messages, size) = session.contents.left();
    session.ok(&format!("{messages} {size}"));
}
