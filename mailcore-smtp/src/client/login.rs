//! AUTH (RFC 4954). What a mechanism says means nothing here; it is carried to and fro.

use super::{
    Stage, Trouble,
    due::Due,
    pending::Pending,
    question::{Authenticated, Challenge, LogIn, Open, Response},
    session::{Session, State},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mailcore_base::{
    envelope::Text,
    login::Secret,
    reply::{Class, Reply},
};
use std::time::Instant;

/// Challenges of one exchange; no mechanism has so many.
const MOST_CHALLENGES: u32 = 32;
/// Octets of a command line (RFC 5321 §4.5.3.1.4), which an initial response must not make longer (RFC 4954 §4).
const COMMAND_LINE: usize = 512;

/// An exchange that goes on.
#[derive(Debug)]
pub(super) struct Exchange {
    mechanism: Text,
    /// The initial response that was too long to go along with AUTH.
    held: Option<Secret>,
    challenges: u32,
    cancelled: Option<Text>,
}

impl Session {
    pub(super) fn login_chosen(&mut self, _: Instant, answer: LogIn) {
        match answer {
            LogIn::By(mechanism, initial) => self.start_login(mechanism, initial),
            LogIn::Without => self.state = State::Ready,
            LogIn::NoMechanism => self.part(Trouble::NoMechanism),
            LogIn::Failed(why) => self.part(Trouble::LoginFailed(why)),
        }
    }

    fn start_login(&mut self, mechanism: Text, initial: Option<Secret>) {
        let alone = format!("AUTH {mechanism}");
        let along = initial.as_ref().map(|secret| match secret.expose() {
            // RFC 4954 §4: an empty response must show that it is there.
            b"" => format!("{alone} =\r\n"),
            bytes => format!("{alone} {}\r\n", STANDARD.encode(bytes)),
        });
        let line = along.filter(|line| line.len() <= COMMAND_LINE);
        self.login = Some(Exchange {
            mechanism,
            held: initial.filter(|_| line.is_none()),
            challenges: 0,
            cancelled: None,
        });
        self.command(&line.unwrap_or(alone + "\r\n"), Due::Auth);
    }

    pub(super) fn answered_auth(&mut self, reply: Reply) {
        let Some(login) = &mut self.login else {
            return self.fail(Trouble::Garbled(Stage::Auth, None));
        };
        if let Some(why) = login.cancelled.take() {
            return self.part(Trouble::LoginFailed(why));
        }
        match reply.code().class() {
            Class::Completed => self.pending = Pending::Authenticated(Open::new(Authenticated)),
            Class::Intermediate => self.challenged(&reply),
            Class::Transient | Class::Permanent => self.part(Trouble::LoginRefused(reply)),
        }
    }

    fn challenged(&mut self, reply: &Reply) {
        let Some(login) = &mut self.login else { return };
        login.challenges += 1;
        let said = STANDARD.decode(reply.text().trim());
        match (said, login.held.take()) {
            _ if login.challenges > MOST_CHALLENGES => {
                self.cancel(Text::lossy(b"authentication protocol loop"));
            }
            (Err(_), _) => self.cancel(Text::lossy(b"malformed challenge")),
            (Ok(said), Some(initial)) if said.is_empty() => self.respond(&initial),
            (Ok(said), _) => {
                self.pending = Pending::Challenge(Open::new(Challenge(Secret::new(said))));
            }
        }
    }

    pub(super) fn responded(&mut self, _: Instant, answer: Response) {
        match answer {
            Response::Respond(secret) => self.respond(&secret),
            Response::Cancel(why) => self.cancel(why),
        }
    }

    fn respond(&mut self, secret: &Secret) {
        self.command(&(STANDARD.encode(secret.expose()) + "\r\n"), Due::Auth);
    }

    // RFC 4954 §4: a client cancels with "*"; the server answers that.
    fn cancel(&mut self, why: Text) {
        if let Some(login) = &mut self.login {
            login.cancelled = Some(why);
        }
        self.command("*\r\n", Due::Auth);
    }

    pub(super) fn login_judged(&mut self, _: Instant, answer: Result<(), Text>) {
        let login = self.login.take();
        match answer {
            Ok(()) => {
                self.facts.login = login.map(|login| login.mechanism);
                self.state = State::Ready;
            }
            Err(why) => self.part(Trouble::LoginFailed(why)),
        }
    }
}
