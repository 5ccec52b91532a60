//! RETR (RFC 1939 §5), and how a message is sent, for TOP too.

use super::only_message;
use crate::pop3::ask::Read;
use crate::pop3::retrieval::Retrieval;
use crate::pop3::session::{Sending, Session};
use crate::pop3::{Ended, Failed};
use bytes::Bytes;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    match only_message(session, argument) {
        Ok((number, uid, size)) => send(session, Retrieval::whole(number, uid, size)),
        Err(wrong) => session.err(&wrong),
    }
}

/// Sends a message. Nothing is said before its first octets are there.
pub(super) fn send(session: &mut Session, message: Retrieval) {
    session.sending = Sending::Message(Box::new(message));
}

/// A piece has been read.
pub(super) fn answered(session: &mut Session, answer: Result<Option<Bytes>, Failed>) {
    let Sending::Message(mut message) = std::mem::replace(&mut session.sending, Sending::None)
    else {
        return;
    };
    match answer {
        Ok(Some(piece)) => {
            if !std::mem::replace(&mut message.begun, true) {
                match message.announced {
                    Some(size) => session.ok(&format!("{size} octets")),
                    None => session.ok(""),
                }
            }
            message.read(piece);
            session.sending = Sending::Message(message);
        }
        // The client has been told that a message follows: a part must not look like the whole.
        _ if message.begun => session.end(Ended::Broken),
        Ok(None) => session.err(&format!("Message {} expunged.", message.number)),
        Err(failed) => session.err(failed.words()),
    }
}

/// Sends what was read, as far as there is room, or asks for more.
pub(super) fn go_on(session: &mut Session) {
    let Sending::Message(message) = &mut session.sending else {
        return;
    };
    let room = session.wire.room();
    if message.wants_piece() {
        let question = Read {
            uid: message.uid,
            offset: message.offset,
            most: room,
        };
        return session.ask(question);
    }
    let out = session.wire.output();
    let before = out.len();
    message.send(room, out);
    let complete = message.complete();
    if complete {
        message.finish(out);
    }
    let (whole, number, uid) = (message.announced.is_some(), message.number, message.uid);
    let written = (out.len() - before) as u64;
    let tally = &mut session.tally;
    if whole {
        tally.retrieved += u64::from(complete);
        tally.retrieved_octets += written;
    } else {
        tally.tops += u64::from(complete);
        tally.top_octets += written;
    }
    if complete {
        session.sending = Sending::None;
        if whole {
            session.contents.retrieved(number, uid);
        }
    }
}
