//! CAPABILITY (RFC 3501 §6.1.1).

use super::Opened;
use crate::parse::Cursor;
use crate::server::capability;
use crate::server::turn::{Once, Reply, Turn};

pub(super) fn open(_at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    turn.out.say("* CAPABILITY");
    capability::write_to(&mut turn.out.bytes, turn.state, turn.facts, turn.options);
    turn.out.say("\r\n");
    Ok(Once::reply(if turn.state.account.is_some() {
        Reply::ok("Capability completed")
    } else {
        turn.state.asked_capabilities = true;
        Reply::ok("Pre-login capabilities listed, post-login capabilities have more")
    }))
}
