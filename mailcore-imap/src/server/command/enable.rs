//! ENABLE (RFC 5161): CONDSTORE and QRESYNC (RFC 7162 §3.1, §3.2.3). Unknown ones are passed over (RFC 5161 §3.1).

use super::{Opened, first};
use crate::parse::Cursor;
use crate::server::turn::{Once, Reply, Turn};

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    if turn.state.account.is_none() {
        turn.out.say("* ENABLED\r\n");
        let reply = Reply::ok("ENABLE ignored in non-authenticated state");
        return Ok(Once::reply(reply));
    }
    let mut enabled = String::new();
    while !at.rest().is_empty() {
        first(at)?;
        let name = at.keyword()?;
        if let "CONDSTORE" | "QRESYNC" = name.as_str() {
            enabled = format!("{enabled} {name}");
        }
    }
    if enabled.is_empty() {
        return Ok(Once::reply(Reply::ok("Enabled")));
    }
    turn.enable_condstore();
    if enabled.contains("QRESYNC") {
        turn.state.qresync = true;
        if let Some(selected) = turn.selected() {
            selected.view.tell_by_uid(true);
        }
    }
    turn.out.say(&format!("* ENABLED{enabled}\r\n"));
    Ok(Once::reply(Reply::ok("Enabled")))
}
