//! The greeting.

use crate::server::{
    facts::{Facts, Greeted, LoggedIn},
    question::{Connect, Refusal, Secured, Welcome},
    session::{Session, State},
};
use mailcore_base::{
    envelope::Text,
    login::TlsFacts,
    reply::{Code, Reply},
};
use std::time::Instant;

impl Session {
    /// The client is known. RFC 5321 §3.1: 220, or a refusal, after which hardly anything is answered.
    pub(in crate::server) fn connected(
        &mut self,
        now: Instant,
        connect: Connect,
        answer: Result<Welcome, Refusal>,
    ) {
        self.state = State::Command;
        self.denied = answer.is_err();
        self.discard = self.options.discard;
        let welcome = match answer {
            Ok(welcome) => welcome,
            Err(refusal) => return self.refuse(now, refusal),
        };
        let tls = welcome.tls.or(self.facts.tls.take());
        self.facts = Facts {
            peer: welcome.peer,
            trust: welcome.trust,
            tls,
            ..Facts::default()
        };
        if let Some(claimed) = connect.claimed {
            let extended = claimed.protocol.as_deref() == Some("ESMTP");
            self.facts.hello = claimed.hello.map(|name| Greeted { name, extended });
            let mechanism = Text::lossy(b"XCLIENT");
            self.facts.login = claimed.login.map(|name| LoggedIn { name, mechanism });
        }
        if let Some(code) = Code::new(220) {
            self.reply(
                now,
                &Reply::new(code, None, self.options.banner.as_str().to_owned()),
            );
        }
    }

    /// The client is known behind its TLS.
    pub(in crate::server) fn secured(
        &mut self,
        now: Instant,
        _: Secured,
        answer: Result<TlsFacts, Refusal>,
    ) {
        match answer {
            Ok(tls) => self.facts.tls = Some(tls),
            Err(refusal) => self.refuse(now, refusal.and_disconnect()),
        }
    }
}
