//! AUTH (RFC 4954). What the mechanisms say is not looked into.

use crate::{
    parse::CommandLine,
    server::{
        facts::LoggedIn,
        pending::Pending,
        question::{Auth, AuthAnswer, AuthFailure, Open},
        session::{Session, State},
        words::Say,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mailcore_base::{envelope::Text, login::Secret};
use std::time::Instant;

/// What Postfix says where the backend gave no reason.
const NO_REASON: &str = "(reason unavailable)";

impl Session {
    pub(super) fn auth(&mut self, now: Instant, line: &CommandLine<'_>) {
        if let Some(say) = self.auth_mistake() {
            return self.say(now, say);
        }
        let mut words = line.words();
        let (Some(mechanism), initial, None) = (words.next(), words.next(), words.next()) else {
            return self.say(now, Say::AuthSyntax);
        };
        let offered = self
            .mechanisms()
            .iter()
            .find(|name| name.eq_ignore_ascii_case(mechanism));
        let Some(mechanism) = offered.map(|name| Text::lossy(name.to_ascii_uppercase().as_bytes()))
        else {
            return self.say(now, Say::AuthMechanism);
        };
        let initial = match initial {
            None => None,
            Some(text) => match decode(text, true) {
                Some(secret) => Some(secret),
                None => return self.say(now, Say::BadBase64Initial),
            },
        };
        self.mechanism = Some(mechanism.clone());
        self.put(Pending::Auth(Open::new(Auth::Start { mechanism, initial })));
    }

    fn auth_mistake(&self) -> Option<Say> {
        if self.needs_hello() {
            Some(Say::NeedHello)
        } else if self.mechanisms().is_empty() {
            Some(Say::AuthNotEnabled)
        } else if self.transaction.is_open() {
            // RFC 4954 §4: not during a mail transaction, and only once.
            Some(Say::InTransaction)
        } else {
            self.facts.login.is_some().then_some(Say::AlreadyLoggedIn)
        }
    }

    /// A line of the exchange.
    pub(super) fn response(&mut self, now: Instant, line: &str) {
        self.state = State::Command;
        // RFC 4954 §4: "*" cancels.
        if line == "*" {
            self.mechanism = None;
            return self.say(now, Say::Aborted);
        }
        match decode(line, false) {
            Some(response) => self.put(Pending::Auth(Open::new(Auth::Response(response)))),
            None => {
                self.mechanism = None;
                self.say(now, Say::BadBase64);
            }
        }
    }

    pub(in crate::server) fn auth_went_on(&mut self, now: Instant, _: Auth, answer: AuthAnswer) {
        match answer {
            AuthAnswer::Challenge(challenge) => {
                self.state = State::Exchange;
                self.say_of(now, Say::GoAhead, &[&STANDARD.encode(challenge)]);
            }
            AuthAnswer::Succeeded(name) => {
                let mechanism = self.mechanism.take().unwrap_or_default();
                self.facts.login = Some(LoggedIn { name, mechanism });
                self.reset();
                self.say(now, Say::AuthOk);
            }
            AuthAnswer::Failed(failure) => {
                self.mechanism = None;
                self.auth_failed(now, failure);
            }
        }
    }

    fn auth_failed(&mut self, now: Instant, failure: AuthFailure) {
        let (say, reason) = match failure {
            AuthFailure::Credentials(reason) => (Say::AuthFailed, reason),
            AuthFailure::Temporary(reason) => (Say::AuthTemporary, reason),
            AuthFailure::EncryptionRequired => (Say::AuthEncryption, None),
            AuthFailure::TooWeak => (Say::AuthWeak, None),
        };
        self.say_of(now, say, &[reason.as_deref().unwrap_or(NO_REASON)]);
    }
}

/// RFC 4954 §4: "=" stands for an empty initial response.
fn decode(text: &str, initial: bool) -> Option<Secret> {
    match text {
        "=" if initial => Some(Secret::new(Vec::new())),
        text => STANDARD.decode(text).ok().map(Secret::new),
    }
}
