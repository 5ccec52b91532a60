//! LOGOUT (RFC 3501 §6.1.3).

use super::Opened;
use crate::parse::Cursor;
use crate::server::Ended;
use crate::server::turn::{Next, Once, Reply, Turn};

pub(super) fn open(_at: &mut Cursor<'_>, _turn: &mut Turn<'_>) -> Opened {
    let reply = Reply::ok("Logout completed");
    Ok(Once::boxed(Next::Bye(Ended::LoggedOut, Some(reply))))
}
