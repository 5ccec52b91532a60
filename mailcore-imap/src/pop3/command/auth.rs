//! AUTH (RFC 5034). A mechanism's octets mean nothing here.

use super::entrance;
use crate::pop3::Refusal;
use crate::pop3::ask::{Authenticate, Exchange, Respond};
use crate::pop3::session::{Phase, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailcore_base::login::Secret;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    let (word, initial) = match memchr::memchr(b' ', argument) {
        Some(at) => (
            argument.get(..at).unwrap_or_default(),
            argument.get(at + 1..),
        ),
        None => (argument, None),
    };
    if word.is_empty() {
        return list(session);
    }
    let word = word.to_ascii_uppercase();
    let offered = session.mechanisms.iter().find(|m| m.as_bytes() == word);
    let Some(mechanism) = offered.cloned() else {
        let plain = matches!(&word[..], b"PLAIN" | b"LOGIN");
        let refusal = if plain && !session.facts.secured {
            Refusal::Insecure
        } else {
            Refusal::Mechanism
        };
        return session.err(refusal.words());
    };
    let initial = match initial.map(<[u8]>::trim_ascii) {
        None | Some(b"") => None,
        // RFC 5034 §4: an empty initial response.
        Some(b"=") => Some(Secret::new(Vec::new())),
        Some(text) => match STANDARD.decode(text) {
            Ok(octets) => Some(Secret::new(octets)),
            Err(_) => return session.err("[AUTH] Invalid base64 data in initial response"),
        },
    };
    session.ask(Authenticate { mechanism, initial });
}

/// AUTH alone, which older clients send to learn the mechanisms.
fn list(session: &mut Session) {
    session.ok("");
    for mechanism in std::mem::take(&mut session.mechanisms) {
        session.write(&[&mechanism, "\r\n"]);
        session.mechanisms.push(mechanism);
    }
    session.write(&[".\r\n"]);
}

/// A line of the exchange.
pub(super) fn respond(session: &mut Session, line: &[u8]) {
    session.phase = Phase::Authorization;
    if line == b"*" {
        return session.err("Authentication aborted by client.");
    }
    match STANDARD.decode(line) {
        Ok(octets) => session.ask(Respond {
            response: Secret::new(octets),
        }),
        Err(_) => session.err("[AUTH] Invalid base64 in response"),
    }
}

pub(super) fn answered(session: &mut Session, answer: Exchange) {
    match answer {
        Exchange::Challenge(octets) => {
            session.write(&["+ ", &STANDARD.encode(octets), "\r\n"]);
            session.phase = Phase::Exchange;
        }
        Exchange::Granted(name) => entrance::decided(session, Ok(name)),
        Exchange::Refused(refusal) => entrance::decided(session, Err(refusal)),
    }
}
