//! NAMESPACE (RFC 2342): one personal namespace without a prefix.

use super::Opened;
use crate::parse::Cursor;
use crate::server::turn::{Once, Reply, Turn};
use crate::write;

pub(super) fn open(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    let mut separator = [0; 4];
    let separator = turn.state.separator().encode_utf8(&mut separator);
    turn.out.say("* NAMESPACE ((\"\" ");
    write::string(&mut turn.out.bytes, separator.as_bytes());
    turn.out.say(")) NIL NIL\r\n");
    Ok(Once::reply(Reply::ok("Namespace completed")))
}
