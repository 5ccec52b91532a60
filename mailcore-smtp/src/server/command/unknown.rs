//! Verbs that are not known here.

use crate::{
    parse::CommandLine,
    server::{
        options::Flavour,
        pending::Pending,
        question::{Open, Unknown},
        session::Session,
        tally::Ended,
        words::Say,
    },
};
use mailcore_base::{envelope::Text, reply::Reply};
use std::time::Instant;

impl Session {
    pub(super) fn unknown(&mut self, now: Instant, line: &CommandLine<'_>) {
        if self.is_foreign(line.word) {
            return self.part(now, Say::NonSmtp, Ended::Foreign);
        }
        if line.word.is_empty() {
            return self.say(now, Say::BadSyntax);
        }
        if self.denied {
            let peer = self.facts.peer.to_string();
            return self.say_of(now, Say::AccessDenied, &[&peer]);
        }
        let word = Text::lossy(line.word.as_bytes());
        let arguments = Text::lossy(line.arguments.as_bytes());
        self.put(Pending::Unknown(Open::new(Unknown { word, arguments })));
    }

    /// Whether a word shows that the client does not speak SMTP: another protocol's verb, a header line, or
    /// something that no verb begins with.
    fn is_foreign(&self, word: &str) -> bool {
        if self.options.flavour == Flavour::Lmtp {
            return false;
        }
        let listed = self
            .options
            .forbidden
            .iter()
            .any(|verb| verb.eq_ignore_ascii_case(word));
        let strange = word.starts_with(|c: char| !c.is_ascii_alphabetic());
        let header = word.len() > 1 && word.ends_with(':');
        listed || strange || header
    }

    pub(in crate::server) fn unknown_answered(
        &mut self,
        now: Instant,
        _: Unknown,
        reply: Option<Reply>,
    ) {
        match reply {
            Some(reply) => self.reply(now, &reply),
            None => self.say(now, Say::Unknown),
        }
    }
}
