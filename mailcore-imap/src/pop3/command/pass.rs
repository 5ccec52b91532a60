//! PASS (RFC 1939 §7). Spaces belong to the password.

use crate::pop3::Refusal;
use crate::pop3::ask::Login;
use crate::pop3::session::Session;
use mailcore_base::login::Secret;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    if !session.facts.secured {
        return session.err(Refusal::Insecure.words());
    }
    match session.name.take() {
        Some(name) => session.ask(Login {
            name,
            secret: Secret::new(argument),
        }),
        None => session.err("No username given."),
    }
}
