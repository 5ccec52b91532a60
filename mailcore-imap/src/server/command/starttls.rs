//! STARTTLS (RFC 3501 §6.2.1). What the client sent ahead of the handshake is discarded with the input.

use super::Opened;
use crate::parse::Cursor;
use crate::server::capability;
use crate::server::turn::{Next, Once, Reply, Turn};

pub(super) fn open(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    Ok(Once::boxed(
        if capability::starttls(turn.state, turn.facts, turn.options) {
            Next::Secure(Reply::ok("Begin TLS negotiation now"))
        } else if turn.options.starttls {
            Next::Reply(Reply::bad("TLS is already active"))
        } else {
            Next::Reply(Reply::bad("TLS support isn't enabled"))
        },
    ))
}
