//! How commands and sessions end: the tagged reply, BYE, and what is said of commands that make no sense.

use super::command::Mistake;
use super::session::{Core, Do, Phase};
use super::turn::{Reply, Status};
use crate::parse::{Cursor, Wrong};
use std::borrow::Cow;
use std::time::Instant;

/// Longest tag that is said again.
const TAG: usize = 1024;

/// Why a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The client said LOGOUT.
    LoggedOut,
    /// The client was silent for too long.
    Timeout,
    /// The server goes down.
    Shutdown,
    /// An administrator ended it.
    Kicked,
    /// Too many commands made no sense.
    Errors,
    /// A line or a literal went on beyond all limits.
    Flood,
    /// Logins cannot be decided here at all.
    NoBackend,
    /// The login was right, and the user's mailboxes cannot be opened.
    Uninitialized,
    /// The mailbox that was selected is gone.
    Deleted,
    /// In the place of the mailbox that was selected there is another one.
    Replaced,
}

impl Ended {
    /// What stands behind BYE.
    fn words(self) -> &'static str {
        match self {
            Self::LoggedOut => "Logging out",
            Self::Timeout => "Disconnected for inactivity.",
            Self::Shutdown => "Server shutting down.",
            Self::Kicked => "Disconnected by administrator.",
            Self::Errors => "Too many invalid IMAP commands.",
            Self::Flood => "Input buffer full, aborting",
            Self::NoBackend => "Auth process broken",
            Self::Uninitialized => "Logged in, but initialization failed.",
            Self::Deleted => "Selected mailbox was deleted, have to disconnect.",
            Self::Replaced => "IMAP session state is inconsistent, please relogin.",
        }
    }
}

impl Core {
    pub(super) fn end(&mut self, reply: &Reply, next: Phase, now: Instant) -> Do {
        let Phase::Running(running) = std::mem::replace(&mut self.phase, next) else {
            return Do::Again;
        };
        self.since = Some(now);
        self.write_reply(&running.tag, reply, running.started, now);
        if reply.status == Status::Bad {
            self.state.wrong += 1;
            if self.state.wrong >= self.options.limits.wrong {
                return self.bye(Ended::Errors);
            }
        } else if self.state.account.is_some() {
            self.state.wrong = 0;
        }
        Do::Again
    }

    pub(super) fn say_bye(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
        self.out.say("* BYE ");
        self.out.say(why.words());
        self.out.say("\r\n");
    }

    pub(super) fn bye(&mut self, why: Ended) -> Do {
        self.say_bye(why);
        self.phase = Phase::Ending;
        Do::Again
    }

    /// `tag OK text (0.001 + 0.000 secs).`: after login Dovecot says how long it took, and how much of that it
    /// waited for its client, which is nothing here.
    pub(super) fn write_reply(
        &mut self,
        tag: &[u8],
        reply: &Reply,
        started: Instant,
        now: Instant,
    ) {
        let out = &mut self.out.bytes;
        out.extend_from_slice(if tag.is_empty() { b"*" } else { tag });
        out.extend_from_slice(match reply.status {
            Status::Ok => b" OK ",
            Status::No => b" NO ",
            Status::Bad => b" BAD ",
        });
        out.extend_from_slice(reply.text.as_bytes());
        if self.state.account.is_some() && !reply.bare {
            let spent = now.saturating_duration_since(started).as_millis().max(1);
            let (whole, rest) = (spent / 1000, spent % 1000);
            out.extend_from_slice(format!(" ({whole}.{rest:03} + 0.000 secs).").as_bytes());
        } else if !reply.bare && !reply.text.ends_with('.') {
            out.push(b'.');
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Tag and name of a command, the name upper-case and with both its words where it has two. Either is empty
/// where it is not right.
pub(super) fn words(text: &[u8]) -> (Vec<u8>, String) {
    let mut at = Cursor::new(text);
    let tag = at.run(|b| matches!(b, b'!'..=b'~') && !b"(){%*\"\\+".contains(&b));
    if tag.is_empty() || tag.len() > TAG || !matches!(at.peek(), None | Some(b' ')) {
        return (Vec::new(), String::new());
    }
    at.eat(b' ');
    let Ok(mut name) = at.keyword() else {
        return (tag.to_vec(), String::new());
    };
    if name == "UID" {
        // RFC 3501 §6.4.8
        at.eat(b' ');
        let second = at.keyword().unwrap_or_default();
        if second.is_empty() {
            return (tag.to_vec(), String::new());
        }
        name = format!("UID {second}");
    }
    (tag.to_vec(), name)
}

pub(super) fn is_http(text: &[u8]) -> bool {
    [
        &b"GET "[..],
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"OPTIONS ",
        b"CONNECT ",
    ]
    .iter()
    .any(|verb| text.starts_with(verb))
}

impl Mistake {
    /// The words behind BAD.
    pub(super) fn words(&self, name: &str, known: bool) -> Cow<'static, str> {
        match self {
            // Before login Dovecot's login process reads commands, and says little.
            Self::Wrong(Wrong(why)) if !known && !why.ends_with("arguments") => why.clone(),
            _ if !known => "Error in IMAP command received by server.".into(),
            Self::Tag => "Error in IMAP tag: Invalid tag".into(),
            _ if name.is_empty() => "Error in IMAP command: Invalid command name".into(),
            Self::Unknown => format!("Error in IMAP command {name}: Unknown command").into(),
            Self::Unselected => "No mailbox selected".into(),
            Self::Wrong(Wrong(why)) => format!("Error in IMAP command {name}: {why}").into(),
        }
    }
}
