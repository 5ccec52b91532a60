//! LOGIN (draft-murchison-sasl-login): the name and the password asked for one after another. There is no
//! authorization identity.

use super::{Awaiting, Reason, Step, password};
use crate::Mechanism;

/// Asks for the name, unless it came along with the command.
pub(super) fn start(initial: Option<&[u8]>) -> Step {
    match initial {
        Some(name) if !name.is_empty() => Awaiting::LoginName.respond(name),
        // The prompts that clients know; some look at their words.
        _ => Step::challenge("Username:", Awaiting::LoginName),
    }
}

/// Takes the name and asks for the password.
pub(super) fn name(message: &[u8]) -> Step {
    match std::str::from_utf8(message) {
        Ok(name) => Step::challenge("Password:", Awaiting::LoginPassword(name.to_owned())),
        Err(_) => Step::fail(Reason::Malformed("the name in LOGIN is not UTF-8")),
    }
}

/// Takes the password and has both verified.
pub(super) fn password(name: String, message: &[u8]) -> Step {
    match std::str::from_utf8(message) {
        Ok(password) => password::ask(Mechanism::Login, None, &name, password),
        Err(_) => Step::refuse(
            name,
            Reason::Malformed("the password in LOGIN is not UTF-8"),
        ),
    }
}
