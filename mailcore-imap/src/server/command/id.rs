//! ID (RFC 2971): who is there, on both sides.

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::turn::{Once, Reply, Turn};
use crate::write;

/// RFC 2971 §3.3: fields, octets of a name, octets of a value.
const FIELDS: usize = 30;
const NAME: usize = 30;
const VALUE: usize = 1024;

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    // RFC 3501 §9: no string holds a NUL.
    if at.rest().contains(&0) {
        return Err(Wrong::ARGUMENTS);
    }
    // Like Dovecot: nobody is turned away for how he introduces himself.
    if let Ok(fields) = fields(at) {
        turn.facts.client = fields;
    }
    turn.out.say("* ID ");
    if turn.options.id.is_empty() {
        turn.out.say("NIL");
    } else {
        for (n, (name, value)) in turn.options.id.iter().enumerate() {
            turn.out.say(if n == 0 { "(" } else { " " });
            write::string(&mut turn.out.bytes, name.as_bytes());
            turn.out.say(" ");
            write::string(&mut turn.out.bytes, value.as_bytes());
        }
        turn.out.say(")");
    }
    turn.out.say("\r\n");
    Ok(Once::reply(Reply::ok("ID completed")))
}

fn fields(at: &mut Cursor<'_>) -> Result<Vec<(String, Option<String>)>, Wrong> {
    first(at)?;
    let mut name = None;
    let mut fields = Vec::new();
    if !at.word("NIL") {
        at.list(|at| {
            match name.take() {
                None => name = Some(short(&at.string()?, NAME)),
                Some(name) => fields.push((name, value(at)?)),
            }
            Ok(())
        })?;
        fields.truncate(FIELDS);
    }
    at.end()?;
    Ok(fields)
}

fn value(at: &mut Cursor<'_>) -> Result<Option<String>, Wrong> {
    if at.word("NIL") {
        return Ok(None);
    }
    Ok(Some(short(&at.string()?, VALUE)))
}

/// For logs: printable, and no longer than allowed.
fn short(text: &[u8], most: usize) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}
