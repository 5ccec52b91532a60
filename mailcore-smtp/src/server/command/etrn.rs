//! ETRN (RFC 1985).

use crate::{
    parse::CommandLine,
    server::{
        pending::Pending,
        question::{Etrn, Open, Verdict},
        session::Session,
        words::Say,
    },
};
use mailcore_base::{
    address::{Host, Repertoire},
    envelope::Text,
};
use std::time::Instant;

impl Session {
    pub(super) fn etrn(&mut self, now: Instant, line: &CommandLine<'_>) {
        if self.needs_hello() {
            return self.say(now, Say::EtrnNeedHello);
        }
        if self.transaction.is_open() {
            return self.say(now, Say::EtrnBusy);
        }
        let mut words = line.words();
        let (Some(argument), None) = (words.next(), words.next()) else {
            return self.say(now, Say::EtrnSyntax);
        };
        // RFC 1985 §5.3: @ asks for subdomains too, # for a queue of the server's own naming.
        let kind = argument.chars().next().filter(|c| matches!(c, '@' | '#'));
        let name = argument
            .get(kind.map_or(0, char::len_utf8)..)
            .unwrap_or_default();
        if Host::parse(name, Repertoire::Ascii).is_err() {
            return self.say(now, Say::EtrnBad);
        }
        let name = Text::lossy(name.as_bytes());
        self.put(Pending::Etrn(Open::new(Etrn { name, kind })));
    }

    pub(in crate::server) fn queue_started(
        &mut self,
        now: Instant,
        etrn: Etrn,
        verdict: Option<Verdict>,
    ) {
        match verdict {
            Some(Ok(())) => self.say(now, Say::EtrnOk),
            Some(Err(refusal)) => self.refuse(now, refusal),
            None => self.say_of(now, Say::EtrnUnavailable, &[&etrn.name]),
        }
    }
}
