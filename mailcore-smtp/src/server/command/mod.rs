//! Commands: one file for each. Here they are only told apart.

mod auth;
mod bdat;
mod connect;
mod data;
mod etrn;
mod hello;
mod mail;
mod noop;
mod quit;
mod rcpt;
mod rset;
mod starttls;
mod unknown;
mod vrfy;
mod xclient;
mod xforward;

use super::{
    options::{Flavour, StartTls},
    session::{Session, State},
    tally::Ended,
    words::Say,
};
use crate::parse::{CommandLine, Verb};
use mailcore_base::reply::Reply;
use std::time::Instant;

impl Session {
    /// A line is here, `length` octets with its end.
    pub(super) fn line(&mut self, now: Instant, length: usize) {
        let raw = self.wire.input().get(..length).unwrap_or_default();
        // SPEC: commands may end in LF. CRs before it belong to the line end.
        let end = raw
            .iter()
            .rposition(|b| !matches!(b, b'\r' | b'\n'))
            .map_or(0, |at| at + 1);
        let line = std::str::from_utf8(raw.get(..end).unwrap_or_default()).map(str::to_owned);
        let exchange = self.state == State::Exchange;
        let long = length > self.options.line_limit && !exchange && !is_auth(raw);
        let chunk = is_bdat(raw, self.options.line_limit) && !exchange;
        self.wire.consume(length);
        match line {
            // The octets that it announces follow, and must not be read as commands.
            _ if chunk && (long || line.is_err()) => self.bad_chunk(now, Say::BdatSyntax),
            _ if long => {
                self.run(None);
                self.say(now, Say::LineTooLong);
            }
            Ok(line) if exchange => self.response(now, &line),
            Err(_) if exchange => self.response(now, "\u{fffd}"),
            Ok(line) => self.command(now, &line),
            Err(_) => {
                self.run(None);
                self.say(now, Say::BadUtf8);
            }
        }
    }

    fn command(&mut self, now: Instant, line: &str) {
        let controls = line.chars().any(|c| c.is_control() && c != '\t');
        let line = CommandLine::split(line);
        let verb = Verb::parse(line.word).filter(|&verb| self.speaks(verb));
        self.run(verb);
        if self.is_ahead(verb) {
            self.part(now, Say::Synchronisation, Ended::Pipelining);
            return;
        }
        if self.options.flavour == Flavour::Lmtp && controls && verb != Some(Verb::Bdat) {
            self.say(now, Say::BadUtf8);
            return;
        }
        let refusal = verb.and_then(|verb| self.bars(verb));
        match (verb, refusal) {
            (Some(Verb::Bdat), refusal) => self.bdat(now, &line, refusal),
            (_, Some(reply)) => self.reply(now, &reply),
            (verb, None) => self.obey(now, verb, &line),
        }
    }

    fn obey(&mut self, now: Instant, verb: Option<Verb>, line: &CommandLine<'_>) {
        match verb {
            Some(Verb::Helo) => self.hello(now, line, false),
            Some(Verb::Ehlo | Verb::Lhlo) => self.hello(now, line, true),
            Some(Verb::StartTls) => self.starttls(now, line),
            Some(Verb::Auth) => self.auth(now, line),
            Some(Verb::Mail) => self.mail(now, line),
            Some(Verb::Rcpt) => self.rcpt(now, line),
            Some(Verb::Data) => self.data(now, line),
            Some(Verb::Bdat) => self.bdat(now, line, None),
            Some(Verb::Rset) => self.rset(now, line),
            Some(Verb::Noop) => self.noop(now),
            Some(Verb::Vrfy) => self.vrfy(now, line),
            Some(Verb::Etrn) => self.etrn(now, line),
            Some(Verb::Quit) => self.quit(now, line),
            Some(Verb::XClient) => self.xclient(now, line),
            Some(Verb::XForward) => self.xforward(now, line),
            None => self.unknown(now, line),
        }
    }

    /// Whether a verb belongs to the protocol that is spoken here. RFC 2033 §4.1: LMTP has neither HELO nor EHLO.
    fn speaks(&self, verb: Verb) -> bool {
        match (self.options.flavour, verb) {
            (Flavour::Smtp, verb) => verb != Verb::Lhlo,
            (Flavour::Lmtp, Verb::Helo | Verb::Ehlo | Verb::Etrn | Verb::XForward) => false,
            (Flavour::Lmtp, Verb::Auth) => !self.mechanisms().is_empty(),
            (Flavour::Lmtp, Verb::XClient) => self.facts.trust.xclient,
            (Flavour::Lmtp, _) => true,
        }
    }

    /// Whether the client has sent more behind a command whose answer it must wait for (RFC 2920 §3.1).
    fn is_ahead(&self, verb: Option<Verb>) -> bool {
        let Some(verb) = verb.filter(|verb| !matches!(verb, Verb::Quit | Verb::Bdat)) else {
            return false;
        };
        let extended = self
            .facts
            .hello
            .as_ref()
            .is_some_and(|hello| hello.extended);
        self.options.forbid_pipelining
            && !self.facts.trust.pipelining
            && !self.wire.input().is_empty()
            && (verb.ends_group() || !extended)
    }

    /// What is said to a verb that is not to be obeyed now, whatever its arguments.
    fn bars(&mut self, verb: Verb) -> Option<Reply> {
        use Verb::{Ehlo, Etrn, Helo, Lhlo, Noop, Quit, Rset, StartTls as Tls, Vrfy};
        if matches!(verb, Helo | Ehlo | Lhlo | Noop | Rset | Vrfy | Etrn) {
            self.errors.junk(&self.options);
        }
        let host = self.options.hostname.as_ascii();
        let say = |say, given: &[&str]| Some(self.options.flavour.say(say, host, given));
        if self.denied && verb != Quit {
            return say(Say::AccessDenied, &[&self.facts.peer.to_string()]);
        }
        let required = self.options.starttls == StartTls::Required && self.facts.tls.is_none();
        if required && !matches!(verb, Helo | Ehlo | Lhlo | Noop | Quit | Tls) {
            return say(Say::NeedTls, &[]);
        }
        None
    }

    /// Whether a command must wait until the client has said who it is.
    fn needs_hello(&self) -> bool {
        self.options.hello_required && self.facts.hello.is_none()
    }
}

/// Whether a line, however broken, announces a chunk. Only what a line may hold is looked at, so that it makes no
/// difference how much of a longer one has come.
pub(super) fn is_bdat(raw: &[u8], line_limit: usize) -> bool {
    let word = raw.get(..line_limit).unwrap_or(raw).trim_ascii_start();
    word.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"BDAT"))
        && word.get(4).is_none_or(|b| !b.is_ascii_graphic())
}

fn is_auth(raw: &[u8]) -> bool {
    raw.get(..5)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"AUTH "))
}
