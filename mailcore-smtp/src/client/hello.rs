//! From the greeting to the first message: EHLO, HELO or LHLO, STARTTLS, and EHLO again.

use super::{
    Flavour, Offers, Stage, Tls, Trouble,
    due::Due,
    pending::Pending,
    question::{Authenticate, Open, Secured},
    session::{Session, State},
};
use crate::Keyword;
use mailcore_base::{
    envelope::Text,
    login::TlsFacts,
    reply::{Class, Reply},
};
use std::time::Instant;

impl Session {
    pub(super) fn greeted(&mut self, reply: Reply) {
        if reply.code().class() != Class::Completed {
            return self.part_over(Stage::Greeting, reply);
        }
        self.facts.greeted_by = first_word(&reply);
        self.say_hello();
    }

    pub(super) fn say_hello(&mut self) {
        let (verb, due) = match self.options.flavour {
            Flavour::Smtp => ("EHLO", Due::Ehlo),
            Flavour::Lmtp => ("LHLO", Due::Lhlo),
        };
        self.command(&format!("{verb} {}\r\n", self.options.hello), due);
    }

    // RFC 5321 §3.2: a server of old knows HELO only. Postfix, too, tries it whatever EHLO was refused with.
    pub(super) fn answered_ehlo(&mut self, reply: Reply) {
        if reply.code().class() == Class::Completed {
            return self.introduced(&reply, true);
        }
        self.command(&format!("HELO {}\r\n", self.options.hello), Due::Helo);
    }

    pub(super) fn answered_hello(&mut self, due: Due, reply: Reply) {
        match reply.code().class() {
            Class::Completed => self.introduced(&reply, due == Due::Lhlo),
            _ => self.part_over(due.stage(), reply),
        }
    }

    fn introduced(&mut self, reply: &Reply, extended: bool) {
        self.facts.hello = first_word(reply);
        if extended {
            self.facts.offers = Offers::parse(reply, self.options.discard);
        }
        let ours = |name: &Text| self.options.hostname.is(name);
        if self.options.detect_loops && self.facts.hello.as_ref().is_some_and(ours) {
            return self.part(Trouble::Loop);
        }
        self.secure();
    }

    fn secure(&mut self) {
        let wanted = self.facts.tls.is_none() && self.options.tls != Tls::Off;
        if wanted && self.facts.offers.has(Keyword::StartTls) {
            return self.command("STARTTLS\r\n", Due::StartTls);
        }
        if wanted && self.options.tls == Tls::Required {
            return self.part(Trouble::TlsNotOffered);
        }
        self.log_in();
    }

    pub(super) fn answered_starttls(&mut self, reply: Reply) {
        if reply.code().class() == Class::Completed {
            // RFC 3207 §5: whoever stands between may have added commands or replies to the clear part.
            match self.wire.input() {
                [] => self.state = State::Handshake,
                _ => self.fail(Trouble::Injected),
            }
        } else if self.options.tls == Tls::Required {
            self.part(Trouble::TlsRefused(reply));
        } else {
            self.log_in();
        }
    }

    /// The handshake is done, or the driver is to do it.
    pub(super) fn secured(&mut self, _: Instant, answer: Result<TlsFacts, Text>) {
        match answer {
            Ok(tls) => {
                self.facts.tls = Some(tls);
                self.say_hello();
            }
            Err(why) => self.part(Trouble::Untrusted(why)),
        }
    }

    /// TLS stands.
    pub(super) fn layered(&mut self) {
        // RFC 3207 §4.2: nothing that was learnt before is to be believed.
        self.facts.hello = None;
        self.facts.greeted_by = None;
        self.facts.offers = Offers::default();
        self.state = State::Talking;
        self.pending = Pending::Secured(Open::new(Secured));
    }

    // Where no login is offered, mail goes without one, as from Postfix: no password was heard, and a server that wants
    // one says so. Where AUTH names no mechanism that anybody knows, none will do.
    fn log_in(&mut self) {
        match self.options.login && self.facts.offers.has(Keyword::Auth) {
            true => self.pending = Pending::Authenticate(Open::new(Authenticate)),
            false => self.state = State::Ready,
        }
    }
}

/// A peer's name, as it stands first in its greeting and in its reply to EHLO.
fn first_word(reply: &Reply) -> Option<Text> {
    let word = reply.lines().next()?.split_whitespace().next()?;
    Some(Text::lossy(word.as_bytes()))
}
