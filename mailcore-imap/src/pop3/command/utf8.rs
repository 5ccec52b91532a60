//! UTF8 (RFC 6856 §2.1): the client understands UTF-8 in headers.

use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session) {
    session.facts.utf8 = true;
    session.ok("UTF8 enabled.");
}
