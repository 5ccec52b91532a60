//! NOOP and CHECK (RFC 3501 §6.1.2, §6.4.1): nothing but news. Like Dovecot they take any arguments.

use super::Opened;
use crate::parse::Cursor;
use crate::server::finish::Finish;
use crate::server::turn::{Reply, Turn};
use crate::server::view::Permit;

pub(super) fn noop(_at: &mut Cursor<'_>, _turn: &mut Turn<'_>) -> Opened {
    let reply = Reply::ok("NOOP completed");
    Ok(Box::new(Finish::new(reply, Some(Permit::All))))
}

pub(super) fn check(_at: &mut Cursor<'_>, _turn: &mut Turn<'_>) -> Opened {
    let reply = Reply::ok("Check completed");
    Ok(Box::new(Finish::new(reply, Some(Permit::All))))
}
