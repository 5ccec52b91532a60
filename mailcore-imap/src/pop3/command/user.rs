//! USER (RFC 1939 §7).

use crate::pop3::Refusal;
use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    if !session.facts.secured {
        return session.err(Refusal::Insecure.words());
    }
    match name(argument) {
        Some(name) => {
            session.name = Some(name);
            session.ok("");
        }
        None => session.err("[AUTH] Invalid username."),
    }
}

/// A user's name as a client may say it.
pub(super) fn name(said: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(said).ok()?;
    (!name.chars().any(char::is_control)).then(|| name.to_owned())
}
