//! Commands as they are written. Every value in them is free of line ends by its type.

use super::Message;
use crate::Keyword;
use mailcore_base::{
    address::{Address, ForwardPath, Host, ReversePath},
    envelope::{Body, OriginalRecipient, Recipient, Submitter},
};
use std::fmt::{self, Write};

use super::Facts;

/// Which parameters go along with a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    size: bool,
    body: bool,
    /// SMTPUTF8 is said; without it, no octet of an envelope is outside ASCII.
    pub(super) utf8: bool,
    /// RET, ENVID, NOTIFY, ORCPT.
    pub(super) reports: bool,
    auth: bool,
    logged_in: bool,
}

impl Terms {
    pub(super) fn new(facts: &Facts, message: &Message) -> Self {
        let offers = &facts.offers;
        Self {
            size: offers.has(Keyword::Size),
            body: offers.has(Keyword::EightBitMime),
            utf8: offers.has(Keyword::SmtpUtf8) && needs_utf8(message),
            reports: offers.has(Keyword::Dsn),
            auth: offers.has(Keyword::Auth),
            logged_in: facts.login.is_some(),
        }
    }

    /// MAIL with its line end.
    pub(super) fn mail(self, message: &Message) -> String {
        let envelope = &message.envelope;
        let asked = &envelope.parameters;
        let mut line = Line(format!("MAIL FROM:<{}>", self.sender(&envelope.sender)));
        line.add(self.size, " SIZE=", Some(message.size));
        line.add(
            self.body,
            " BODY=",
            asked.body.filter(|body| *body != Body::BinaryMime),
        );
        line.add(self.utf8, " SMTPUTF8", Some(""));
        line.add(self.reports, " RET=", asked.ret);
        line.add(self.reports, " ENVID=", asked.envelope_id.as_ref());
        // RFC 4954 §5: whoever has logged in says for whom; it is us that are known, and not the sender.
        let unknown = self.logged_in.then_some(&Submitter::Unknown);
        line.add(self.auth, " AUTH=", asked.auth.as_ref().or(unknown));
        line.end()
    }

    /// RCPT with its line end.
    pub(super) fn rcpt(self, recipient: &Recipient) -> String {
        let asked = &recipient.parameters;
        let mut line = Line(format!("RCPT TO:<{}>", self.recipient(&recipient.path)));
        line.add(self.reports, " NOTIFY=", asked.notify);
        let original = asked.original.as_ref().map(|it| self.original(it));
        line.add(self.reports, " ORCPT=", original);
        line.end()
    }

    fn sender(self, path: &ReversePath) -> String {
        path.address()
            .map_or_else(|| path.to_string(), |address| self.address(address))
    }

    fn recipient(self, path: &ForwardPath) -> String {
        path.address()
            .map_or_else(|| path.to_string(), |address| self.address(address))
    }

    // RFC 6531 §3.2: without SMTPUTF8 a domain goes as A-labels.
    fn address(self, address: &Address) -> String {
        match address.host() {
            Host::Domain(domain) if !self.utf8 => {
                format!("{}@{}", address.local(), domain.as_ascii())
            }
            _ => address.to_string(),
        }
    }

    // RFC 6533 §3: utf-8-addr-unitext is for SMTPUTF8; to others it goes as utf-8-addr-xtext.
    fn original(self, original: &OriginalRecipient) -> String {
        let text = original.to_string();
        if self.utf8 || text.is_ascii() {
            return text;
        }
        let mut out = String::with_capacity(2 * text.len());
        for c in text.chars() {
            match c.is_ascii() {
                true => out.push(c),
                false => {
                    let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
                }
            }
        }
        out
    }
}

/// Whether it can only go to a peer that offers SMTPUTF8.
pub(super) fn needs_utf8(message: &Message) -> bool {
    let envelope = &message.envelope;
    let sender = match &envelope.sender {
        ReversePath::Null => true,
        ReversePath::Local(local) => local.is_ascii(),
        ReversePath::Address(address) => address.is_ascii(),
    };
    let ascii = |recipient: &Recipient| recipient.path.local().is_ascii();
    envelope.parameters.smtputf8 || !sender || !envelope.recipients.iter().all(ascii)
}

struct Line(String);

impl Line {
    fn add(&mut self, allowed: bool, keyword: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value.filter(|_| allowed) {
            // Writing to a text cannot fail.
            let _ = write!(self.0, "{keyword}{value}");
        }
    }

    fn end(mut self) -> String {
        self.0.push_str("\r\n");
        self.0
    }
}
