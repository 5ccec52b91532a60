//! APOP (RFC 1939 §7).

use super::user;
use crate::pop3::ask::Apop;
use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    let Some(timestamp) = session.apop.clone() else {
        return session.err("APOP not enabled.");
    };
    match parse(argument) {
        Some((name, digest)) => session.ask(Apop {
            name,
            timestamp,
            digest,
        }),
        None => session.err("Invalid parameters."),
    }
}

/// A name and 32 hexadecimal digits.
fn parse(argument: &[u8]) -> Option<(String, String)> {
    let space = memchr::memrchr(b' ', argument)?;
    let (name, digest) = argument.split_at(space);
    let digest = std::str::from_utf8(digest).ok()?.trim_start();
    let hex = digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit());
    let name = user::name(name).filter(|name| !name.is_empty())?;
    hex.then(|| (name, digest.to_ascii_lowercase()))
}
