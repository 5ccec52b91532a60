//! RCPT.

use crate::{
    parse::{CommandLine, ParameterError, rcpt_parameters},
    server::{
        options::Flavour,
        pending::Pending,
        question::{Open, Rcpt, Verdict},
        session::Session,
        words::Say,
    },
};
use mailcore_base::{address::ForwardPath, envelope::Recipient};
use std::time::Instant;

impl Session {
    pub(super) fn rcpt(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !self.transaction.is_open() {
            return self.say(now, Say::NeedMail);
        }
        // RFC 3030 §2: once a chunk was sent, nothing but further chunks may follow.
        if self.transaction.is_chunked() {
            return self.say(now, Say::RcptAfterBdat);
        }
        let Some((argument, spaced)) = line.behind("TO:") else {
            return self.say(now, Say::RcptSyntax);
        };
        if spaced && self.options.flavour == Flavour::Lmtp {
            return self.bad_space(now, "TO");
        }
        if argument.is_empty() && self.options.flavour == Flavour::Smtp {
            return self.say(now, Say::RcptSyntax);
        }
        if argument.starts_with("<>") && self.options.flavour == Flavour::Lmtp {
            return self.say(now, Say::NullRecipient);
        }
        match ForwardPath::parse_prefix(argument, self.repertoire()) {
            Ok((path, rest)) => self.rcpt_to(now, path, rest),
            Err(error) => self.bad_path(now, "TO", error),
        }
    }

    fn rcpt_to(&mut self, now: Instant, path: ForwardPath, rest: &str) {
        let parameters = match rcpt_parameters(rest, self.allowed()) {
            Ok(parameters) => parameters,
            Err(ParameterError::Bad(keyword)) => {
                return self.say_of(now, Say::BadRcptParameter, &[keyword]);
            }
            Err(ParameterError::Unsupported(text)) => {
                return self.say_of(now, Say::Unsupported, &[text]);
            }
        };
        let envelope = self.transaction.envelope();
        if self.undeclared(envelope.parameters.smtputf8, &path.to_string()) {
            return self.say(now, Say::UnicodeUndeclared);
        }
        // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
        if envelope.recipients.len() >= self.options.recipient_limit {
            return self.say(now, Say::TooManyRecipients);
        }
        self.put(Pending::Rcpt(Open::new(Rcpt { path, parameters })));
    }

    pub(in crate::server) fn recipient_judged(
        &mut self,
        now: Instant,
        rcpt: Rcpt,
        verdict: Verdict,
    ) {
        match verdict {
            Ok(()) => {
                let Rcpt { path, parameters } = rcpt;
                self.transaction.envelope_mut().recipients.push(Recipient {
                    parameters,
                    ..Recipient::new(path)
                });
                self.say(now, Say::RcptOk);
            }
            Err(refusal) => self.refuse(now, refusal),
        }
    }
}
