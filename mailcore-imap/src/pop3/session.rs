//! The session: one connection's state, and what it wants next.

use super::ask::{Abandoned, Ask, Connect, Pending, Secured};
use super::maildrop::Contents;
use super::retrieval::Retrieval;
use super::{Ended, Facts, Options, Tally, command};
use mailcore_base::login::Secret;
use mailcore_base::wire::{Io, Layer, Loss, Notice, Wire};
use std::sync::Arc;
use std::time::Instant;

/// What a session wants next. **A step dropped is a step not taken: the session says it again.**
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something of the connection.
    Io(Io<'s>),
    /// An answer.
    Ask(Ask<'s>),
}

/// One client's POP3 session.
#[derive(Debug)]
pub struct Session {
    pub(super) options: Arc<Options>,
    pub(super) wire: Wire,
    pub(super) facts: Facts,
    pub(super) phase: Phase,
    pub(super) mechanisms: Vec<String>,
    /// The timestamp of the greeting, where APOP can be served.
    pub(super) apop: Option<String>,
    /// What USER said.
    pub(super) name: Option<String>,
    pub(super) contents: Contents,
    pub(super) sending: Sending,
    /// The driver has opened a maildrop, and has not been told that it is over.
    pub(super) open: bool,
    pub(super) tally: Tally,
    pending: Pending,
    /// Commands in a row that made no sense.
    wrong: u32,
    patience: Option<Instant>,
    notice: Option<Notice>,
    ended: Option<Ended>,
}

/// What the next line is.
///
/// ```text
///  Start ─► Authorization ─┬─► Exchange ──► (AUTH's last response) ─► Authorization
///                  ▲       ├─► Handshake ─► (TLS) ─► Authorization
///                  │       └─► (logged in, maildrop listed) ─► Transaction ─► (QUIT: Commit)
///                  └── refused
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody has been greeted.
    Start,
    /// A command of one who has not logged in.
    Authorization,
    /// A response of a SASL exchange.
    Exchange,
    /// None: TLS is to be put up.
    Handshake,
    /// A command of one who has.
    Transaction,
}

/// A long answer that is being sent; the session stops where the output is full, and goes on from there.
#[derive(Debug)]
pub(super) enum Sending {
    None,
    /// LIST, from this message number on.
    Sizes(u32),
    /// UIDL, from this message number on.
    Ids(u32),
    /// RETR, TOP.
    Message(Box<Retrieval>),
}

/// What is to be lent. Decided without borrowing.
enum Next {
    Read,
    Write,
    Layer,
    Close,
    Ask,
}

impl Session {
    /// A session with a client that has just connected. It asks who that is, first of all.
    pub fn new(options: Arc<Options>) -> Self {
        let mut limits = options.limits.wire;
        let line = options.limits.line.max(options.limits.sasl_line);
        limits.input = limits.input.max(line);
        Self {
            wire: Wire::new(limits),
            options,
            facts: Facts::default(),
            phase: Phase::Start,
            mechanisms: Vec::new(),
            apop: None,
            name: None,
            contents: Contents::default(),
            sending: Sending::None,
            open: false,
            tally: Tally::default(),
            pending: Pending::None,
            wrong: 0,
            patience: None,
            notice: None,
            ended: None,
        }
    }

    /// What the session wants next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        let next = loop {
            if let Some(next) = self.turn(now) {
                break next;
            }
        };
        match next {
            Next::Read => Step::Io(self.wire.read(self.patience)),
            Next::Write => Step::Io(self.wire.write(now)),
            Next::Layer => Step::Io(self.wire.layer(Layer::Tls)),
            Next::Close => Step::Io(Io::Close),
            Next::Ask => match self.pending.lend(&self.facts, &mut self.wire) {
                Some(ask) => Step::Ask(ask),
                None => Step::Io(Io::Close),
            },
        }
    }

    /// Tells the session something from outside its connection. What changes in the mailbox is no news here.
    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Changed => {}
            Notice::Shutdown if self.notice == Some(Notice::Kicked) => {}
            _ => {
                self.notice = Some(notice);
                self.wire.hurry();
            }
        }
    }

    /// What is known of the connection.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Why the session ended, once it did.
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// One turn; nothing is lent. Every turn consumes input, an answer or a state.
    fn turn(&mut self, now: Instant) -> Option<Next> {
        if let Some(answer) = self.pending.take_answer() {
            command::answered(self, answer);
            return None;
        }
        if let Some(loss) = self.wire.loss() {
            self.lose(loss);
        }
        if !matches!(self.pending, Pending::None) {
            return Some(Next::Ask);
        }
        if self.ended.is_some() {
            return self.leave();
        }
        if self.wire.room() == 0 {
            return Some(Next::Write);
        }
        // A message is not read in crumbs.
        if matches!(self.sending, Sending::Message(_))
            && self.wire.room() < self.options.limits.wire.output / 2
        {
            return Some(Next::Write);
        }
        if self.is_called_away() {
            return None;
        }
        match (self.phase, &self.sending) {
            (Phase::Start, _) => {
                self.ask(Connect);
                None
            }
            (Phase::Handshake, _) => self.handshake(),
            (_, Sending::None) => self.next_line(now),
            _ => {
                command::go_on(self);
                None
            }
        }
    }

    /// The connection is of no use any more: an open question has no one to answer for, unless the client has
    /// said QUIT.
    fn lose(&mut self, loss: Loss) {
        self.end(match loss {
            Loss::Stalled => Ended::Stalled,
            _ => Ended::Lost,
        });
        if !matches!(self.pending, Pending::Commit(_) | Pending::Abandoned(_)) {
            self.pending = Pending::None;
        }
    }

    fn leave(&mut self) -> Option<Next> {
        if self.open {
            self.ask(Abandoned);
            return None;
        }
        let unsent = self.wire.pending() && self.wire.loss().is_none();
        Some(if unsent { Next::Write } else { Next::Close })
    }

    /// A shutdown waits for the answer that is being sent; being kicked does not.
    fn is_called_away(&mut self) -> bool {
        if self.wire.hurried() {
            self.notice.get_or_insert(Notice::Shutdown);
        }
        let busy = !matches!(self.sending, Sending::None);
        let ended = match self.notice {
            Some(Notice::Kicked) => Ended::Kicked,
            Some(_) if !busy && self.phase != Phase::Handshake => Ended::Shutdown,
            _ => return false,
        };
        // In the middle of a message there are no words, only its end.
        if !busy && self.phase != Phase::Handshake {
            self.say_err(match ended {
                Ended::Kicked => "[SYS/TEMP] Disconnected by administrator.",
                _ => "[SYS/TEMP] Server shutting down.",
            });
        }
        self.end(ended);
        true
    }

    fn handshake(&mut self) -> Option<Next> {
        if self.wire.pending() {
            return Some(Next::Write);
        }
        if self.wire.take_layered().is_none() {
            return Some(Next::Layer);
        }
        // RFC 2595 §4: nothing that was said before TLS counts.
        self.name = None;
        self.facts.utf8 = false;
        self.wrong = 0;
        self.phase = Phase::Authorization;
        self.ask(Secured);
        None
    }

    fn next_line(&mut self, now: Instant) -> Option<Next> {
        let limits = &self.options.limits;
        let word = self.wire.input().get(..4).unwrap_or_default();
        let limit = match self.phase {
            Phase::Transaction => limits.line,
            Phase::Authorization if !word.eq_ignore_ascii_case(b"AUTH") => limits.line,
            _ => limits.line.max(limits.sasl_line),
        };
        match self.wire.line(limit) {
            Ok(None) => self.read(now),
            Ok(Some(length)) => {
                self.patience = None;
                // It may hold a password.
                let line = Secret::new(self.wire.input().get(..length).unwrap_or_default());
                self.wire.consume(length);
                let line = line.expose();
                // A command may end in LF alone (SPEC: typed by hand).
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                command::run(self, line.strip_suffix(b"\r").unwrap_or(line));
                None
            }
            Err(_) => {
                self.say_err(match self.phase {
                    Phase::Transaction => "Input line too long.",
                    _ => "Input buffer full, aborting",
                });
                self.end(Ended::LineTooLong);
                None
            }
        }
    }

    /// Wants more input, once everything ready has been handed over.
    fn read(&mut self, now: Instant) -> Option<Next> {
        if self.wire.take_expired() {
            self.say_err("Disconnected for inactivity.");
            self.end(Ended::Timeout);
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
            self.patience = now.checked_add(match self.phase {
                Phase::Transaction => self.options.idle_timeout,
                _ => self.options.login_timeout,
            });
        }
        Some(Next::Read)
    }

    // ---- for commands

    /// Asks.
    pub(super) fn ask(&mut self, question: impl Into<Pending>) {
        self.pending = question.into();
    }

    /// The session ends once its output has been sent.
    pub(super) fn end(&mut self, ended: Ended) {
        self.ended.get_or_insert(ended);
        self.sending = Sending::None;
    }

    /// Says yes.
    pub(super) fn ok(&mut self, text: &str) {
        self.wrong = 0;
        let space = if text.is_empty() { "" } else { " " };
        self.write(&["+OK", space, text, "\r\n"]);
    }

    /// Says no. After login, a client may do so many things wrong in a row.
    pub(super) fn err(&mut self, text: &str) {
        self.say_err(text);
        if self.phase == Phase::Transaction {
            self.wrong = self.wrong.saturating_add(1);
            if self.wrong > self.options.limits.wrong {
                self.say_err("Too many bad commands.");
                self.end(Ended::Errors);
            }
        }
    }

    /// Says that there is no such command to one who has not logged in.
    pub(super) fn stranger(&mut self) {
        self.say_err("Unknown command.");
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong >= self.options.limits.wrong_before_login {
            self.say_err("Too many invalid bad commands.");
            self.end(Ended::Errors);
        }
    }

    /// Says no, and counts nothing.
    pub(super) fn say_err(&mut self, text: &str) {
        self.write(&["-ERR ", text, "\r\n"]);
    }

    pub(super) fn write(&mut self, texts: &[&str]) {
        let out = self.wire.output();
        for text in texts {
            out.extend_from_slice(text.as_bytes());
        }
    }
}
