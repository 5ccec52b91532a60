//! MAIL.

use crate::{
    Keyword,
    parse::{Allowed, CommandLine, ParameterError, mail_parameters},
    server::{
        options::Flavour,
        pending::Pending,
        question::{Mail, Open, Verdict},
        session::Session,
        transaction::Transaction,
        words::Say,
    },
};
use mailcore_base::{
    address::{ParseError, Repertoire, ReversePath},
    envelope::Envelope,
};
use std::time::Instant;

impl Session {
    pub(super) fn mail(&mut self, now: Instant, line: &CommandLine<'_>) {
        if self.needs_hello() {
            return self.say(now, Say::NeedHello);
        }
        // RFC 5321 §4.1.4: MAIL must not be sent inside a transaction.
        if self.transaction.is_open() {
            return self.say(now, Say::NestedMail);
        }
        let Some((argument, spaced)) = line.behind("FROM:") else {
            return self.say(now, Say::MailSyntax);
        };
        if spaced && self.options.flavour == Flavour::Lmtp {
            return self.bad_space(now, "FROM");
        }
        match ReversePath::parse_prefix(argument, self.repertoire()) {
            Ok((sender, rest)) => self.mail_from(now, sender, rest),
            Err(error) => self.bad_path(now, "FROM", error),
        }
    }

    fn mail_from(&mut self, now: Instant, sender: ReversePath, rest: &str) {
        let parameters = match mail_parameters(rest, self.allowed()) {
            Ok(parameters) => parameters,
            Err(ParameterError::Bad("SIZE")) => return self.say(now, Say::BadSize),
            Err(ParameterError::Bad(keyword)) => {
                return self.say_of(now, Say::BadParameter, &[keyword]);
            }
            Err(ParameterError::Unsupported(text)) => {
                return self.say_of(now, Say::Unsupported, &[text]);
            }
        };
        if self.undeclared(parameters.smtputf8, &sender.to_string()) {
            return self.say(now, Say::UnicodeUndeclared);
        }
        // RFC 1870 §6.1: a declared size that is too large is refused at once.
        let large = |limit| parameters.size.is_some_and(|size| size > limit);
        if self.options.size_limit.is_some_and(large) {
            return self.say(now, Say::SizeExceeded);
        }
        self.put(Pending::Mail(Open::new(Mail { sender, parameters })));
    }

    pub(in crate::server) fn sender_judged(&mut self, now: Instant, mail: Mail, verdict: Verdict) {
        match verdict {
            Ok(()) => {
                let Mail { sender, parameters } = mail;
                let envelope = Envelope {
                    sender,
                    parameters,
                    recipients: Vec::new(),
                };
                self.transaction = Transaction::begin(envelope);
                self.say(now, Say::MailOk);
            }
            Err(refusal) => self.refuse(now, refusal),
        }
    }

    /// Which characters an address may have, before it is known whether SMTPUTF8 is said behind it.
    pub(super) fn repertoire(&self) -> Repertoire {
        match self.options.smtputf8 {
            true => Repertoire::Utf8,
            false => Repertoire::Ascii,
        }
    }

    /// RFC 6531 §3.5: a UTF-8 address needs a transaction that said SMTPUTF8.
    pub(super) fn undeclared(&self, declared: bool, path: &str) -> bool {
        self.options.strict_smtputf8 && !declared && !path.is_ascii()
    }

    pub(super) fn allowed(&self) -> Allowed {
        let smtp = self.options.flavour == Flavour::Smtp;
        Allowed {
            size: smtp || self.options.size_limit.is_some(),
            body: !self.discard.contains(Keyword::EightBitMime),
            smtputf8: smtp && self.options.smtputf8 && !self.discard.contains(Keyword::SmtpUtf8),
            dsn: smtp && !self.discard.contains(Keyword::Dsn),
            original: true,
            auth: !self.options.auth.clear.is_empty() || !self.options.auth.secured.is_empty(),
        }
    }

    pub(super) fn bad_path(&mut self, now: Instant, keyword: &str, error: ParseError) {
        let reply = self.options.flavour.bad_path(keyword, error);
        self.reply(now, &reply);
    }

    /// Dovecot's LMTP takes no space before the path.
    pub(super) fn bad_space(&mut self, now: Instant, keyword: &str) {
        self.say_of(now, Say::SpaceBeforePath, &[keyword]);
    }
}
