//! Commands, one file each. This one only says which is which.

mod apop;
mod auth;
mod capa;
mod connect;
mod dele;
mod entrance;
mod last;
mod list;
mod noop;
mod pass;
mod quit;
mod retr;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

use super::ask::Answer;
use super::session::{Phase, Sending, Session};
use super::words::quoted;
use super::{Ended, argument};
use mailcore_base::mailbox::Uid;

/// A line has come, its end taken off.
pub(super) fn run(session: &mut Session, line: &[u8]) {
    if session.phase == Phase::Exchange {
        return auth::respond(session, line);
    }
    let (word, argument) = match memchr::memchr(b' ', line) {
        Some(at) => line.split_at(at),
        None => (line, &b""[..]),
    };
    let word = word.to_ascii_uppercase();
    if session.phase == Phase::Transaction {
        transaction(session, &word, argument.trim_ascii_start());
    } else {
        authorization(session, &word, argument);
    }
}

/// Of one who has not logged in. `argument` still has its space in front.
fn authorization(session: &mut Session, word: &[u8], argument: &[u8]) {
    let argument = argument.strip_prefix(b" ").unwrap_or(argument);
    match word {
        b"APOP" => apop::run(session, argument),
        b"AUTH" => auth::run(session, argument),
        b"CAPA" => capa::run(session),
        b"PASS" => pass::run(session, argument),
        b"QUIT" => quit::run(session),
        b"STLS" => stls::run(session),
        b"USER" => user::run(session, argument),
        b"UTF8" => utf8::run(session),
        // A browser, made to speak to us by a page (cross-protocol attacks).
        b"GET" | b"POST" | b"HEAD" | b"PUT" | b"OPTIONS" => {
            session.stranger();
            session.end(Ended::Errors);
        }
        _ => session.stranger(),
    }
}

/// Of one who has logged in.
fn transaction(session: &mut Session, word: &[u8], argument: &[u8]) {
    match word {
        b"CAPA" => capa::run(session),
        b"DELE" => dele::run(session, argument),
        b"LAST" if session.options.last => last::run(session),
        b"LIST" => list::run(session, argument),
        b"NOOP" => noop::run(session),
        b"QUIT" => quit::run(session),
        b"RETR" => retr::run(session, argument),
        b"RSET" => rset::run(session),
        b"STAT" => stat::run(session),
        b"TOP" => top::run(session, argument),
        b"UIDL" => uidl::run(session, argument),
        b"" => session.err("Unknown command."),
        _ => session.err(&format!("Unknown command: {}", quoted(word))),
    }
}

/// A question has been answered.
pub(super) fn answered(session: &mut Session, answer: Answer) {
    match answer {
        Answer::Connect(answer) => connect::answered(session, answer),
        Answer::Secured(answer) => stls::answered(session, answer),
        Answer::Login(answer) => entrance::decided(session, answer),
        Answer::Apop(answer) => entrance::decided(session, answer),
        Answer::Authenticate(answer) | Answer::Respond(answer) => {
            auth::answered(session, answer);
        }
        Answer::Maildrop(answer) => entrance::listed(session, answer),
        Answer::Read(answer) => retr::answered(session, answer),
        Answer::Commit(answer) => quit::answered(session, answer),
        Answer::Abandoned(()) => session.open = false,
    }
}

/// There is room for more of a long answer.
pub(super) fn go_on(session: &mut Session) {
    match session.sending {
        Sending::None => {}
        Sending::Sizes(next) => list::go_on(session, next),
        Sending::Ids(next) => uidl::go_on(session, next),
        Sending::Message(_) => retr::go_on(session),
    }
}

/// The message that a command is about: number, UID and size.
///
/// # Errors
/// What to say where there is none, or it is deleted.
fn message(session: &Session, number: u32) -> Result<(u32, Uid, u64), argument::Wrong> {
    match session.contents.message(number) {
        None => Err(format!("There's no message {number}.")),
        Some((uid, _)) if session.contents.is_deleted(uid) => Err("Message is deleted.".into()),
        Some((uid, size)) => Ok((number, uid, size)),
    }
}

/// The same, where the number is all there is of the argument.
fn only_message(session: &Session, argument: &[u8]) -> Result<(u32, Uid, u64), argument::Wrong> {
    message(session, argument::only_number(argument)?)
}
