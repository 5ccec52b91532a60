//! From the go-ahead to the last reply: how the content of a message is taken, by DATA and by BDAT alike.

use super::{
    body::{Bounds, Receiving, Stage},
    options::Flavour,
    pending::Pending,
    question::{
        Abandoned, Begin, Finish, Header, Open, Outcome, Outcomes, Refusal, Verdict, temporary,
    },
    session::{Session, State},
    tally::{Ended, Last},
    words::Say,
};
use mailcore_base::reply::Reply;
use std::time::Instant;

impl Session {
    /// The bounds that hold for this client.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            size: self.options.size_limit,
            header: self.options.header_limit,
            ends: self.facts.trust.line_ends.unwrap_or(self.options.line_ends),
        }
    }

    /// Is content welcome?
    pub(super) fn ask_begin(&mut self) {
        self.put(Pending::Begin(Open::new(Begin)));
    }

    pub(super) fn begun(&mut self, now: Instant, _: Begin, verdict: Verdict) {
        self.kept = verdict.is_ok();
        match (verdict, &mut self.receiving) {
            (Ok(()), Some(_)) => self.state = State::Content,
            (Ok(()), None) => {
                self.receiving = Some(Receiving::data(self.bounds()));
                self.state = State::Content;
                self.say(now, Say::DataOk);
            }
            (Err(refusal), Some(receiving)) => {
                receiving.refuse(refusal);
                self.state = State::Content;
            }
            // RFC 5321 §3.3: a refused DATA leaves nothing to be read, and here nothing of its transaction.
            (Err(refusal), None) => {
                self.reset();
                self.refuse(now, refusal);
            }
        }
    }

    /// The content has come so far that something is to be done.
    pub(super) fn staged(&mut self, now: Instant, stage: Stage) {
        match stage {
            Stage::Content | Stage::More => {}
            Stage::HeaderDone => self.ask_header(),
            Stage::HeaderTooBig => self.refuse_content(Say::HeaderTooBig),
            Stage::TooBig => self.refuse_content(Say::TooBig),
            Stage::ChunkDone => self.chunk_done(now),
            Stage::Complete => self.complete(now),
            Stage::Refused => {
                self.reset();
                self.part(now, Say::BareNewline, Ended::BareNewline);
            }
        }
    }

    fn ask_header(&mut self) {
        let size = self.receiving.as_ref().map_or(0, Receiving::size);
        self.put(Pending::Header(Open::new(Header { size })));
    }

    pub(super) fn header_judged(&mut self, _: Instant, _: Header, verdict: Verdict) {
        if let (Err(refusal), Some(receiving)) = (verdict, &mut self.receiving) {
            receiving.refuse(refusal);
        }
    }

    fn refuse_content(&mut self, say: Say) {
        let reply = self
            .options
            .flavour
            .say(say, self.options.hostname.as_ascii(), &[]);
        if let Some(receiving) = &mut self.receiving {
            receiving.refuse(reply.into());
        }
    }

    fn chunk_done(&mut self, now: Instant) {
        self.state = State::Command;
        match self.receiving.as_ref() {
            Some(receiving) if receiving.refused().is_none() => {
                let size = receiving.chunk().to_string();
                self.say_of(now, Say::ChunkOk, &[&size]);
            }
            _ => self.refuse_message(now, false),
        }
    }

    fn complete(&mut self, now: Instant) {
        let Some(receiving) = &mut self.receiving else {
            return;
        };
        if receiving.refused().is_some() {
            self.state = State::Command;
            self.refuse_message(now, true);
            return;
        }
        if receiving.end_header() {
            // Content without an empty line is all header. The end is still there to be seen once more.
            self.ask_header();
            return;
        }
        let size = receiving.size();
        self.put(Pending::Finish(Open::new(Finish { size })));
    }

    /// The content was refused and has been swallowed: this is said, and the transaction is gone. Behind the last
    /// octet LMTP says it to each recipient (RFC 2033 §4.2).
    fn refuse_message(&mut self, now: Instant, complete: bool) {
        let refused = self
            .receiving
            .as_ref()
            .and_then(Receiving::refused)
            .cloned();
        let refusal = refused.unwrap_or_else(|| temporary().into());
        let recipients = self.transaction.envelope().recipients.len();
        let times = match self.options.flavour {
            Flavour::Lmtp if complete => recipients.max(1),
            _ => 1,
        };
        self.reset();
        for _ in 1..times {
            self.reply(now, refusal.reply());
        }
        self.refuse(now, refusal);
    }

    pub(super) fn finished(&mut self, now: Instant, finish: Finish, outcomes: Outcomes) {
        self.kept = false;
        self.state = State::Command;
        let size = finish.size.to_string();
        let chunked = self.transaction.is_chunked();
        match self.options.flavour {
            Flavour::Smtp => {
                let said = if chunked {
                    Say::QueuedChunk
                } else {
                    Say::Queued
                };
                let reply = self.outcome(single(outcomes), said, &size);
                self.last_reply(now, &[reply]);
            }
            Flavour::Lmtp => {
                let recipients = std::mem::take(&mut self.transaction.envelope_mut().recipients);
                let mut each = spread(outcomes, recipients.len());
                let replies: Vec<Reply> = recipients
                    .iter()
                    .map(|recipient| {
                        let outcome = each.next().unwrap_or_else(|| Err(temporary()));
                        self.outcome(outcome, Say::Queued, &recipient.path.to_string())
                    })
                    .collect();
                self.last_reply(now, &replies);
            }
        }
    }

    fn outcome(&self, outcome: Outcome, said: Say, second: &str) -> Reply {
        match outcome {
            Ok(id) => {
                self.options
                    .flavour
                    .say(said, self.options.hostname.as_ascii(), &[&id, second])
            }
            Err(reply) => Refusal::new(reply).reply().clone(),
        }
    }

    /// The message is done with, for better or worse.
    fn last_reply(&mut self, now: Instant, replies: &[Reply]) {
        self.reset();
        self.last = Last::Content;
        let good = replies.iter().any(|reply| !reply.code().is_refusal());
        if good {
            self.errors.forgive();
        }
        if let Some(verb) = self.running.take() {
            self.tally.add(verb, good);
        }
        let ends = replies
            .iter()
            .any(|reply| matches!(reply.code().number(), 421 | 521));
        replies.iter().for_each(|reply| self.reply(now, reply));
        if ends {
            self.end(Ended::Refused);
        }
    }

    pub(super) fn abandoned(&mut self, _: Instant, _: Abandoned, (): ()) {
        self.kept = false;
    }
}

/// What SMTP says of several outcomes: mail that was taken for anyone was taken.
fn single(outcomes: Outcomes) -> Outcome {
    match outcomes {
        Outcomes::All(outcome) => outcome,
        Outcomes::Each(each) => {
            let mut refused = None;
            for outcome in each {
                match outcome {
                    Ok(id) => return Ok(id),
                    Err(reply) => _ = refused.get_or_insert(reply),
                }
            }
            Err(refused.unwrap_or_else(temporary))
        }
    }
}

fn spread(outcomes: Outcomes, recipients: usize) -> impl Iterator<Item = Outcome> {
    let each = match outcomes {
        Outcomes::All(outcome) => vec![outcome; recipients],
        Outcomes::Each(each) => each,
    };
    each.into_iter()
}
