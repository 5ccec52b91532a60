//! UIDL (RFC 1939 §7).

use super::only_message;
use crate::pop3::session::{Sending, Session};
use mailcore_base::mailbox::Uid;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    if argument.is_empty() {
        session.ok("");
        session.sending = Sending::Ids(1);
        return;
    }
    match only_message(session, argument) {
        Ok((number, uid, _)) => {
            let id = id(session, uid);
            session.ok(&format!("{number} {id}"));
        }
        Err(wrong) => session.err(&wrong),
    }
}

/// Lines from this number on, as far as there is room.
pub(super) fn go_on(session: &mut Session, mut next: u32) {
    while session.wire.room() > 0 {
        let Some((uid, _)) = session.contents.message(next) else {
            session.write(&[".\r\n"]);
            session.sending = Sending::None;
            return;
        };
        if !session.contents.is_deleted(uid) {
            let line = format!("{next} {}\r\n", id(session, uid));
            session.write(&[&line]);
        }
        next += 1;
    }
    session.sending = Sending::Ids(next);
}

fn id(session: &Session, uid: Uid) -> String {
    if let Some(own) = session.contents.own_uidl(uid) {
        return own.to_owned();
    }
    let mut id = String::new();
    if let Some(validity) = session.contents.uid_validity() {
        session.options.uidl.write_to(uid, validity, &mut id);
    }
    id
}
