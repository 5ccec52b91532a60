//! TOP (RFC 1939 §7): the header and some lines. No more of the message is read than that.

use super::{message, retr};
use crate::pop3::argument;
use crate::pop3::retrieval::Retrieval;
use crate::pop3::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) {
    let found = argument::number_and_lines(argument)
        .and_then(|(number, lines)| Ok((message(session, number)?, lines)));
    match found {
        Ok(((number, uid, _), lines)) => retr::send(session, Retrieval::top(number, uid, lines)),
        Err(wrong) => session.err(&wrong),
    }
}
