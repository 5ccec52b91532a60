//! VRFY.

use crate::{
    parse::CommandLine,
    server::{
        options::Flavour,
        pending::Pending,
        question::{Open, Verdict, Verify},
        session::Session,
        words::Say,
    },
};
use mailcore_base::{address::ForwardPath, envelope::Text};
use std::time::Instant;

impl Session {
    pub(super) fn vrfy(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !self.options.verify {
            return self.say(now, Say::VerifyDisabled);
        }
        if self.options.flavour == Flavour::Lmtp {
            return self.say(
                now,
                if line.arguments.is_empty() {
                    Say::VerifySyntax
                } else {
                    Say::VerifyOk
                },
            );
        }
        let (argument, utf8) = declared(line.arguments);
        if argument.is_empty() {
            return self.say(now, Say::VerifySyntax);
        }
        match ForwardPath::parse_prefix(argument, self.repertoire()) {
            Ok((path, "")) if !self.undeclared(utf8, argument) => {
                let said = Text::lossy(argument.as_bytes());
                self.put(Pending::Verify(Open::new(Verify { said, path })));
            }
            Ok((_, "")) => self.say(now, Say::UnicodeUndeclared),
            Ok(_) => self.say(now, Say::BadVerify),
            Err(_) => self.say(now, Say::BadVerify),
        }
    }

    pub(in crate::server) fn verified(&mut self, now: Instant, verify: Verify, verdict: Verdict) {
        match verdict {
            // RFC 5321 §3.5.3: 252, since nothing was delivered to be sure.
            Ok(()) => self.say_of(now, Say::VerifyOk, &[&verify.said]),
            Err(refusal) => self.refuse(now, refusal),
        }
    }
}

/// RFC 6531 §3.7.4.2: SMTPUTF8 may follow the argument.
fn declared(arguments: &str) -> (&str, bool) {
    match arguments.rsplit_once([' ', '\t']) {
        Some((argument, word)) if word.eq_ignore_ascii_case("smtputf8") => {
            (argument.trim_end(), true)
        }
        _ => (arguments, false),
    }
}
