//! LIST (RFC 1939 §5).

use super::only_message;
use crate::pop3::session::{Sending, Session};
use std::io::Write as _;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    if argument.is_empty() {
        let (messages, _) = session.contents.left();
        session.ok(&format!("{messages} messages:"));
        session.sending = Sending::Sizes(1);
        return;
    }
    match only_message(session, argument) {
        Ok((number, _, size)) => session.ok(&format!("{number} {size}")),
        Err(wrong) => session.err(&wrong),
    }
}

/// Lines from this number on, as far as there is room.
pub(super) fn go_on(session: &mut Session, mut next: u32) {
    while session.wire.room() > 0 {
        let Some((uid, size)) = session.contents.message(next) else {
            session.write(&[".\r\n"]);
            session.sending = Sending::None;
            return;
        };
        if !session.contents.is_deleted(uid) {
            // Writing to a Vec cannot fail.
            let _ = write!(session.wire.output(), "{next} {size}\r\n");
        }
        next += 1;
    }
    session.sending = Sending::Sizes(next);
}
