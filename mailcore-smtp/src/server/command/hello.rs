//! HELO, EHLO and LHLO.

use crate::{
    Keyword,
    parse::{CommandLine, Verb},
    server::{
        facts::Greeted,
        options::{Flavour, StartTls},
        pending::Pending,
        question::{Hello, Offer, Open, Refusal},
        session::Session,
        words::Say,
    },
};
use mailcore_base::{
    envelope::Text,
    reply::{Code, Reply},
};
use std::time::Instant;

impl Session {
    pub(super) fn hello(&mut self, now: Instant, line: &CommandLine<'_>, extended: bool) {
        let Some(name) = line.words().next() else {
            let verb = if extended { Verb::Ehlo } else { Verb::Helo };
            return self.say_of(now, Say::HelloSyntax, &[verb.name()]);
        };
        let name = Text::lossy(name.as_bytes());
        self.put(Pending::Hello(Open::new(Hello { name, extended })));
    }

    /// RFC 5321 §4.1.4: a greeting that is accepted ends any transaction. So does one that is not: policy is
    /// asked anew.
    pub(in crate::server) fn greeted(
        &mut self,
        now: Instant,
        hello: Hello,
        answer: Result<Offer, Refusal>,
    ) {
        self.reset();
        let offer = match answer {
            Ok(offer) => offer,
            Err(refusal) => return self.refuse(now, refusal),
        };
        // What is hidden from a client is not done for it either.
        self.discard = self.options.discard | offer.discard;
        let lines = match hello.extended {
            true => self.announcement(&offer),
            false => self.options.hostname.to_string(),
        };
        self.facts.hello = Some(Greeted {
            name: hello.name,
            extended: hello.extended,
        });
        if let Some(code) = Code::new(250) {
            self.reply(now, &Reply::new(code, None, lines));
        }
    }

    /// The lines of the answer to EHLO or LHLO.
    fn announcement(&self, offer: &Offer) -> String {
        let mut lines = vec![self.options.hostname.to_string()];
        for keyword in self.order() {
            if self.offers(*keyword) {
                self.announce(*keyword, &mut lines);
            }
        }
        lines.extend(offer.extra.iter().map(ToString::to_string));
        lines.join("\n")
    }

    fn order(&self) -> &'static [Keyword] {
        use Keyword::{
            Auth, Chunking, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Pipelining, Size,
            SmtpUtf8, StartTls, Vrfy, XClient, XForward,
        };
        match self.options.flavour {
            Flavour::Smtp => &[
                Pipelining,
                Size,
                Vrfy,
                Etrn,
                StartTls,
                Auth,
                XClient,
                XForward,
                EnhancedStatusCodes,
                EightBitMime,
                Dsn,
                SmtpUtf8,
                Chunking,
            ],
            // What Dovecot's LMTP announces, and what the options add.
            Flavour::Lmtp => &[
                EightBitMime,
                Auth,
                Chunking,
                EnhancedStatusCodes,
                Pipelining,
                Size,
                StartTls,
                XClient,
            ],
        }
    }

    /// Whether options and state let a keyword be announced.
    fn offers(&self, keyword: Keyword) -> bool {
        match keyword {
            keyword if self.discard.contains(keyword) => false,
            Keyword::Size => {
                self.options.flavour == Flavour::Smtp || self.options.size_limit.is_some()
            }
            Keyword::Vrfy => self.options.verify,
            Keyword::StartTls => self.offers_tls(),
            Keyword::Auth => !self.mechanisms().is_empty(),
            Keyword::XClient => self.facts.trust.xclient,
            Keyword::XForward => self.facts.trust.xforward,
            Keyword::SmtpUtf8 => self.options.smtputf8,
            _ => true,
        }
    }

    fn announce(&self, keyword: Keyword, lines: &mut Vec<String>) {
        match keyword {
            Keyword::Size => lines.push(match self.options.size_limit {
                Some(limit) => format!("SIZE {limit}"),
                None => "SIZE".to_owned(),
            }),
            Keyword::Auth => {
                let list: Vec<_> = self.mechanisms().iter().map(|name| name.as_str()).collect();
                let list = list.join(" ");
                lines.push(format!("AUTH {list}"));
                if self.options.auth.broken_clients {
                    lines.push(format!("AUTH={list}"));
                }
            }
            Keyword::XClient => lines.push(format!("XCLIENT {}", super::xclient::NAMES.join(" "))),
            Keyword::XForward => {
                lines.push(format!("XFORWARD {}", super::xforward::NAMES.join(" ")))
            }
            keyword => lines.push(keyword.name().to_owned()),
        }
    }

    /// Whether STARTTLS would be taken now.
    pub(super) fn offers_tls(&self) -> bool {
        let hidden = self.discard.contains(Keyword::StartTls);
        self.options.starttls != StartTls::Off && self.facts.tls.is_none() && !hidden
    }

    /// The mechanisms that are offered now.
    pub(super) fn mechanisms(&self) -> &[Text] {
        match self.facts.tls {
            _ if self.discard.contains(Keyword::Auth) => &[],
            Some(_) => &self.options.auth.secured,
            None => &self.options.auth.clear,
        }
    }
}
