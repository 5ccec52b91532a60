//! The session: one connection's state, and what it wants next.

use super::{
    body::{Receiving, Stage},
    command,
    errors::Errors,
    facts::Facts,
    options::Options,
    pending::Pending,
    question::{Abandoned, Connect, Open, Question, Secured},
    step::{Ask, Content, Step},
    tally::{Ended, Last, Tally},
    transaction::Transaction,
    words::Say,
};
use crate::{Keywords, parse::Verb};
use mailcore_base::{
    envelope::Text,
    wire::{Io, Layer, Loss, Notice, Wire},
};
use std::{sync::Arc, time::Instant};

/// One SMTP or LMTP connection, from the server's side.
///
/// Bounds: one input and one output buffer as the options say, one command line, the transaction's envelope
/// (at most the recipient limit), and nothing else that a client could make grow.
#[derive(Debug)]
pub struct Session {
    pub(super) options: Arc<Options>,
    pub(super) wire: Wire,
    pub(super) facts: Facts,
    pub(super) transaction: Transaction,
    pub(super) pending: Pending,
    pub(super) state: State,
    pub(super) receiving: Option<Receiving>,
    /// Whoever answered [`Begin`] keeps content, and has not yet been told that it is over.
    pub(super) kept: bool,
    /// Keywords that this client is not told of.
    pub(super) discard: Keywords,
    /// The greeting was a refusal.
    pub(super) denied: bool,
    pub(super) errors: Errors,
    pub(super) tally: Tally,
    /// The command that has not been replied to; the verb, if it is one that is known.
    pub(super) running: Option<Option<Verb>>,
    pub(super) last: Last,
    /// The mechanism of the exchange that is going on.
    pub(super) mechanism: Option<Text>,
    pub(super) held: Option<(Instant, Vec<u8>)>,
    patience: Option<Instant>,
    notice: Option<Notice>,
    pub(super) ended: Option<Ended>,
}

/// What the next input is.
///
/// ```text
///  Start ─► Command ─┬─► Exchange ─► (AUTH's response) ─► Command
///                    ├─► Content ──► (until its end) ──► Command
///                    ├─► LongLine ─► (to its end) ─────► Command
///                    └─► Handshake ► (TLS) ─► Secured ─► Command
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing: who is it?
    Start,
    /// A command line.
    Command,
    /// The rest of a line that is too long.
    LongLine,
    /// A line of an AUTH exchange.
    Exchange,
    /// Content.
    Content,
    /// TLS.
    Handshake,
}

/// What is to be lent. Decided without borrowing.
enum Next {
    Read,
    Write,
    Wait(Instant),
    Layer,
    Close,
    Ask,
    Content,
}

impl Session {
    /// A session that has seen nothing. It asks who has connected, first of all.
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        let mut limits = options.limits;
        let discard = options.discard;
        limits.input = limits
            .input
            .max(options.line_limit)
            .max(options.auth_line_limit);
        Self {
            wire: Wire::new(limits),
            options,
            facts: Facts::default(),
            transaction: Transaction::default(),
            pending: Pending::None,
            state: State::Start,
            receiving: None,
            kept: false,
            denied: false,
            discard,
            errors: Errors::default(),
            tally: Tally::default(),
            running: None,
            last: Last::Connect,
            mechanism: None,
            held: None,
            patience: None,
            notice: None,
            ended: None,
        }
    }

    /// What is wanted next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        match self.advance(now) {
            Next::Read => Step::Io(self.wire.read(self.patience)),
            Next::Write => Step::Io(self.wire.write(now)),
            Next::Wait(until) => Step::Io(Io::Wait(Some(until))),
            Next::Layer => Step::Io(self.wire.layer(Layer::Tls)),
            Next::Close => Step::Io(Io::Close),
            Next::Ask => self.ask(),
            Next::Content => match &mut self.receiving {
                Some(receiving) => Step::Content(Content {
                    wire: &mut self.wire,
                    receiving,
                }),
                None => Step::Io(Io::Close),
            },
        }
    }

    /// Tells of something that happened outside the connection.
    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Shutdown if self.notice == Some(Notice::Kicked) => {}
            Notice::Shutdown | Notice::Kicked => {
                self.notice = Some(notice);
                self.wire.hurry();
            }
            _ => {}
        }
    }

    /// What is known of the connection.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The message that is coming in.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the client said last, for logs (`lost connection after RCPT`).
    #[must_use]
    pub fn last(&self) -> Last {
        self.last
    }

    /// Why the session ended, once it did.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    fn ask(&mut self) -> Step<'_> {
        let (facts, transaction, wire) = (&self.facts, &self.transaction, &mut self.wire);
        macro_rules! lend {
            ($($topic:ident)*) => {
                match &mut self.pending {
                    Pending::None => Step::Io(Io::Close),
                    $(Pending::$topic(open) => {
                        Step::Ask(Ask::$topic(Question::new(open, facts, transaction, wire)))
                    })*
                }
            };
        }
        lend!(Connect Hello Secured Auth Mail Rcpt Verify Etrn Unknown Begin Header Finish Abandoned)
    }

    /// Goes on until something is wanted. Every turn consumes input, an answer or a state.
    fn advance(&mut self, now: Instant) -> Next {
        loop {
            if let Some(next) = self.turn(now) {
                return next;
            }
        }
    }

    fn turn(&mut self, now: Instant) -> Option<Next> {
        if self.pending.is_answered() {
            self.answered(now);
            return None;
        }
        if let Some(loss) = self.wire.loss() {
            self.lose(loss);
        } else if !matches!(self.pending, Pending::None) {
            return Some(Next::Ask);
        } else if let Some((until, _)) = self.held {
            return self.release(until, now);
        }
        if self.kept
            && self
                .receiving
                .as_ref()
                .is_none_or(|content| content.refused().is_some())
        {
            self.pending = Pending::Abandoned(Open::new(Abandoned));
            return Some(Next::Ask);
        }
        if self.ended.is_some() {
            let unsent = self.wire.pending() && self.wire.loss().is_none();
            return Some(if unsent { Next::Write } else { Next::Close });
        }
        if self.wire.room() == 0 {
            return Some(Next::Write);
        }
        self.proceed(now)
    }

    fn proceed(&mut self, now: Instant) -> Option<Next> {
        if self.wire.hurried() {
            self.notice.get_or_insert(Notice::Shutdown);
        }
        // A message whose content is coming in is finished first, unless the session was singled out.
        let goes = match self.notice {
            Some(Notice::Kicked) => true,
            Some(_) => self.receiving.is_none() && self.state != State::Handshake,
            None => false,
        };
        if goes {
            self.part(now, Say::ShuttingDown, Ended::Shutdown);
            return None;
        }
        match self.state {
            State::Start => {
                self.pending = Pending::Connect(Open::new(Connect { claimed: None }));
                Some(Next::Ask)
            }
            State::Command | State::Exchange => self.next_line(now),
            State::LongLine => self.skip_line(now),
            State::Content => self.receive(now),
            State::Handshake => self.handshake(),
        }
    }

    /// The connection is of no use any more: an open question has no one to answer for.
    fn lose(&mut self, loss: Loss) {
        self.ended.get_or_insert(match loss {
            Loss::Stalled => Ended::Stalled,
            _ => Ended::Lost,
        });
        self.end(Ended::Lost);
        self.held = None;
        self.pending = Pending::None;
    }

    /// A reply that was held back goes out when its time has come; what is before it goes at once.
    fn release(&mut self, until: Instant, now: Instant) -> Option<Next> {
        if self.wire.pending() {
            return Some(Next::Write);
        }
        if now < until {
            return Some(Next::Wait(until));
        }
        if let Some((_, reply)) = self.held.take() {
            self.wire.output().extend_from_slice(&reply);
        }
        None
    }

    fn next_line(&mut self, now: Instant) -> Option<Next> {
        if self.errors.too_many(&self.options) {
            self.part(now, Say::TooManyErrors, Ended::Errors);
            return None;
        }
        let limit = self.options.line_limit.max(self.options.auth_line_limit);
        match self.wire.line(limit) {
            Ok(None) => self.read(now),
            Ok(Some(length)) => {
                self.patience = None;
                self.line(now, length);
                None
            }
            Err(_) if command::is_bdat(self.wire.input(), self.options.line_limit) => {
                self.bad_chunk(now, Say::BdatSyntax);
                None
            }
            Err(_) => {
                self.state = State::LongLine;
                None
            }
        }
    }

    fn skip_line(&mut self, now: Instant) -> Option<Next> {
        let input = self.wire.input();
        match memchr::memchr(b'\n', input) {
            Some(end) => {
                self.wire.consume(end + 1);
                self.state = State::Command;
                self.mechanism = None;
                self.running.get_or_insert(None);
                self.patience = None;
                self.say(now, Say::LineTooLong);
                None
            }
            None => {
                self.wire.consume(usize::MAX);
                self.read(now)
            }
        }
    }

    fn receive(&mut self, now: Instant) -> Option<Next> {
        let Some(receiving) = &mut self.receiving else {
            self.state = State::Command;
            return None;
        };
        let before = self.wire.input().len();
        let stage = receiving.advance(&mut self.wire);
        if self.wire.input().len() != before || stage == Stage::Content {
            self.patience = None;
        }
        match stage {
            Stage::Content => return Some(Next::Content),
            Stage::More => return self.read(now),
            stage => self.staged(now, stage),
        }
        None
    }

    fn handshake(&mut self) -> Option<Next> {
        if self.wire.pending() {
            return Some(Next::Write);
        }
        if self.wire.take_layered().is_none() {
            return Some(Next::Layer);
        }
        // RFC 3207 §4.2: nothing that was said before TLS counts.
        self.facts.hello = None;
        self.facts.login = None;
        self.discard = self.options.discard;
        self.reset();
        self.state = State::Command;
        self.pending = Pending::Secured(Open::new(Secured));
        Some(Next::Ask)
    }

    /// Wants more input, once everything ready has been handed over.
    fn read(&mut self, now: Instant) -> Option<Next> {
        if self.wire.take_expired() {
            self.part(now, Say::Timeout, Ended::Timeout);
            return None;
        }
        if self.wire.pending() {
            return Some(Next::Write);
        }
        if self.wire.ended() {
            self.end(Ended::Lost);
            return None;
        }
        if self.patience.is_none() {
            self.patience = now.checked_add(self.options.timeout);
        }
        Some(Next::Read)
    }

    /// Asks.
    pub(super) fn put(&mut self, pending: Pending) {
        self.pending = pending;
    }

    /// The transaction is gone, with all that belongs to it.
    pub(super) fn reset(&mut self) {
        self.transaction = Transaction::default();
        self.receiving = None;
        self.facts.forwarded = None;
    }

    /// The session ends once its output has been sent.
    pub(super) fn end(&mut self, ended: Ended) {
        self.ended.get_or_insert(ended);
        self.receiving = None;
        if let Some(verb) = self.running.take() {
            self.tally.add(verb, false);
        }
    }
}
