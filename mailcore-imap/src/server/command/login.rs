//! LOGIN (RFC 3501 §6.2.3), and how a login ends whichever way it came.

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::Ended;
use crate::server::capability;
use crate::server::question::{Answer, Exchange, Login, Refusal, Want, Welcome};
use crate::server::state::Account;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use mailcore_base::login::Secret;

#[derive(Debug)]
struct Run {
    login: Login,
    outcome: Option<Exchange>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let name = at.astring()?;
    at.space()?;
    let secret = Secret::new(at.astring()?.into_owned());
    at.end()?;
    let name = String::from_utf8(name.into_owned()).map_err(|_| Wrong::ARGUMENTS)?;
    if !capability::plaintext_allowed(turn.state, turn.facts, turn.options) {
        turn.out.say(
            "* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. \
             If anyone was listening, the password was exposed.\r\n",
        );
        return Ok(Once::reply(refused_reply(Refusal::Insecure)));
    }
    Ok(Box::new(Run {
        login: Login { name, secret },
        outcome: None,
    }))
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match self.outcome.take() {
            None => Next::Ask(Want::Login(self.login.clone())),
            Some(Exchange::Granted(welcome)) => granted(&welcome, turn),
            Some(Exchange::Refused(refusal)) => refused(refusal),
            // A password has no challenges.
            Some(Exchange::Challenge(_)) => refused(Refusal::Unavailable),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Exchange(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}

/// The user is in: the capabilities have changed, and are said in the way that the client seems to know.
pub(super) fn granted(welcome: &Welcome, turn: &mut Turn<'_>) -> Next {
    turn.state.account = Some(Account {
        separator: welcome.separator,
    });
    turn.state.wrong = 0;
    turn.facts.login = Some(welcome.user.clone());
    let mut words = Vec::new();
    capability::write_to(&mut words, turn.state, turn.facts, turn.options);
    let words = String::from_utf8(words).unwrap_or_default();
    // RFC 3501 §7.1: a reply has one code, and a referral is told nowhere else.
    if turn.state.asked_capabilities || welcome.referral.is_some() {
        turn.out.say("* CAPABILITY");
        turn.out.say(&words);
        turn.out.say("\r\n");
    }
    let text = match &welcome.referral {
        Some(elsewhere) => elsewhere.text("Logged in, but you should use this server instead."),
        None if turn.state.asked_capabilities => "Logged in".to_owned(),
        None => format!("[CAPABILITY{words}] Logged in"),
    };
    Next::Reply(Reply::ok(text).bare())
}

pub(super) fn refused(refusal: Refusal) -> Next {
    match refusal {
        Refusal::NoBackend => Next::Bye(Ended::NoBackend, None),
        Refusal::Uninitialized => Next::Bye(Ended::Uninitialized, None),
        other => Next::Reply(refused_reply(other)),
    }
}

fn refused_reply(refusal: Refusal) -> Reply {
    Reply::no(match refusal {
        Refusal::Referred(elsewhere) => {
            return Reply::no(elsewhere.text("Try this server instead.")).bare();
        }
        Refusal::Credentials => "[AUTHENTICATIONFAILED] Authentication failed",
        Refusal::NotAuthorized => "[AUTHORIZATIONFAILED] Authorization failed",
        Refusal::Disabled => "[CONTACTADMIN] Account is disabled",
        Refusal::Expired => "[EXPIRED] Password expired",
        Refusal::Mechanism => "[ALERT] Unsupported authentication mechanism",
        Refusal::Insecure => {
            "[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections"
        }
        Refusal::Unavailable | Refusal::Uninitialized | Refusal::NoBackend => {
            "[UNAVAILABLE] Temporary authentication failure"
        }
    })
}
