//! ENABLE (RFC 5161). No extension that has to be enabled is in yet; unknown ones are passed over
//! (RFC 5161 §3.1).

use super::{Opened, first};
use crate::parse::Cursor;
use crate::server::turn::{Once, Reply, Turn};

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    if turn.state.account.is_none() {
        turn.out.say("* ENABLED\r\n");
        let reply = Reply::ok("ENABLE ignored in non-authenticated state");
        return Ok(Once::reply(reply));
    }
    while !at.rest().is_empty() {
        first(at)?;
        at.keyword()?;
    }
    Ok(Once::reply(Reply::ok("Enabled")))
}
