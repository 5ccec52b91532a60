//! AUTHENTICATE (RFC 3501 §6.2.2, RFC 4959). Mechanisms are somebody else's; here only base64 and lines.

use super::{Opened, first, login};
use crate::parse::{Cursor, Wrong};
use crate::server::capability;
use crate::server::question::{Answer, Authenticate, Exchange, Refusal, Respond, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mailcore_base::login::Secret;

/// ```text
///   Ask ──► Challenge ──line──► Ask …
///    └────────┴──► Over
/// ```
#[derive(Debug)]
enum Run {
    Begin(Authenticate),
    Respond(Respond),
    Challenge(Vec<u8>),
    Waiting,
    Over(Exchange),
    Broken(Reply),
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let mechanism = at.keyword()?;
    let initial = if at.rest().is_empty() {
        None
    } else {
        at.space()?;
        let word = at.run(|b| b > b' ');
        at.end()?;
        if word.is_empty() {
            return Err(Wrong::MISSING);
        }
        Some(word)
    };
    let offered = turn.options.mechanisms.iter().find(|m| m.name == mechanism);
    let Some(offered) = offered else {
        let reply = Reply::no("[ALERT] Unsupported authentication mechanism");
        return Ok(Once::reply(reply));
    };
    if offered.plaintext && !capability::plaintext_allowed(turn.state, turn.facts, turn.options) {
        let reply = Reply::no("[PRIVACYREQUIRED] Plaintext authentication disabled");
        return Ok(Once::reply(reply));
    }
    let initial = match initial {
        None => None,
        // RFC 4959 §3: one that is there and empty.
        Some(b"=") => Some(Secret::new(Vec::new())),
        Some(word) => match decode(word) {
            Some(initial) => Some(initial),
            None => {
                let reply = Reply::bad("Invalid base64 data in initial response").bare();
                return Ok(Once::reply(reply));
            }
        },
    };
    Ok(Box::new(Run::Begin(Authenticate { mechanism, initial })))
}

fn decode(text: &[u8]) -> Option<Secret> {
    STANDARD.decode(text).ok().map(Secret::new)
}

fn no_base64() -> Reply {
    Reply::no("[ALERT] Invalid base64 in response").bare()
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match std::mem::replace(self, Self::Waiting) {
            Self::Begin(begin) => {
                *self = Self::Begin(begin.clone());
                Next::Ask(Want::Authenticate(begin))
            }
            Self::Respond(respond) => {
                *self = Self::Respond(respond.clone());
                Next::Ask(Want::Respond(respond))
            }
            Self::Challenge(challenge) => {
                turn.out.say("+ ");
                turn.out.say(&STANDARD.encode(challenge));
                turn.out.say("\r\n");
                Next::More
            }
            Self::Waiting => Next::Line(turn.options.limits.sasl_line, None),
            Self::Over(Exchange::Granted(welcome)) => login::granted(&welcome, turn),
            Self::Over(Exchange::Refused(refusal)) => login::refused(refusal),
            Self::Over(Exchange::Challenge(_)) => login::refused(Refusal::Unavailable),
            Self::Broken(reply) => Next::Reply(reply),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        *self = match answer {
            Answer::Exchange(Exchange::Challenge(challenge)) => Self::Challenge(challenge),
            Answer::Exchange(over) => Self::Over(over),
            _ => return,
        };
    }

    fn line(&mut self, line: &[u8], _turn: &mut Turn<'_>) {
        *self = if line == b"*" {
            Self::Broken(Reply::bad("Authentication aborted by client"))
        } else {
            match decode(line) {
                Some(response) => Self::Respond(Respond { response }),
                None => Self::Broken(no_base64()),
            }
        };
    }
}
