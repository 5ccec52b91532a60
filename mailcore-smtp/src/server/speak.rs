//! Replies on their way out: counted, worded, and held back where a client has made too many mistakes.

use super::{
    errors::Cost,
    question::Refusal,
    session::Session,
    tally::{Ended, Last},
    words::Say,
};
use crate::parse::Verb;
use mailcore_base::reply::Reply;
use std::time::Instant;

impl Session {
    /// Says a last word.
    pub(super) fn part(&mut self, now: Instant, say: Say, ended: Ended) {
        self.end(ended);
        self.say(now, say);
    }

    /// Starts a command.
    pub(super) fn run(&mut self, verb: Option<Verb>) {
        self.running = Some(verb);
        self.last = verb.map_or(Last::Unknown, Last::Verb);
    }

    pub(super) fn say(&mut self, now: Instant, say: Say) {
        self.say_of(now, say, &[]);
    }

    pub(super) fn say_of(&mut self, now: Instant, say: Say, given: &[&str]) {
        let reply = self
            .options
            .flavour
            .say(say, self.options.hostname.as_ascii(), given);
        self.reply(now, &reply);
    }

    /// Says no.
    pub(super) fn refuse(&mut self, now: Instant, refusal: Refusal) {
        let (reply, disconnect) = refusal.into_parts();
        self.reply(now, &reply);
        if disconnect {
            self.end(Ended::Refused);
        }
    }

    /// Writes a reply, counts it, and holds it back if the client has made too many mistakes.
    pub(super) fn reply(&mut self, now: Instant, reply: &Reply) {
        let number = reply.code().number();
        if !(300..400).contains(&number)
            && let Some(verb) = self.running.take()
        {
            self.tally.add(verb, number < 400);
        }
        match self.errors.count(reply.code(), &self.options) {
            _ if self.ended.is_some() => self.write(reply),
            Cost::Nothing => self.write(reply),
            Cost::Delay => match (&mut self.held, now.checked_add(self.options.error_delay)) {
                (None, Some(until)) => {
                    let mut held = Vec::new();
                    reply.write_to(&mut held);
                    self.held = Some((until, held));
                }
                _ => self.write(reply),
            },
            Cost::Instead => {
                self.end(Ended::Errors);
                let host = self.options.hostname.as_ascii();
                let goodbye = self.options.flavour.say(Say::TooManyErrors, host, &[]);
                self.write(&goodbye);
            }
        }
    }

    /// Behind what is held back, if anything is.
    pub(super) fn write(&mut self, reply: &Reply) {
        match &mut self.held {
            Some((_, held)) => reply.write_to(held),
            None => reply.write_to(self.wire.output()),
        }
    }
}
