//! The session: one connection's state, and what it wants next.

use super::{
    Content, Ended, Facts, Flavour, Message, Options, Order, Stage, Tls, Trouble,
    due::{Due, Dues},
    login::Exchange,
    pending::Pending,
    question::{Open, Question, Ready},
    sending::Sending,
    step::{Ask, Step},
};
use mailcore_base::{
    login::TlsFacts,
    reply::{Reader, Reply},
    wire::{Io, Layer, Loss, Notice, Wire},
};
use std::{ops::Range, sync::Arc, time::Instant};

/// One SMTP or LMTP connection, from the client's side.
///
/// Bounds: one input and one output buffer as the options say, one reply of at most [`Reader::MAX`] octets, the
/// envelope of one message, and nothing else that a peer could make grow.
#[derive(Debug)]
pub struct Session {
    pub(super) options: Arc<Options>,
    pub(super) wire: Wire,
    pub(super) facts: Facts,
    pub(super) state: State,
    pub(super) pending: Pending,
    pub(super) dues: Dues,
    reader: Reader,
    pub(super) login: Option<Exchange>,
    pub(super) sending: Option<Sending>,
    /// Something is left of the last message over there, or the connection has rested: RSET comes first.
    pub(super) probe: bool,
    rested: Option<Instant>,
    /// There may be something to do, though nothing was ordered.
    changed: bool,
    patience: Option<Instant>,
    notice: Option<Notice>,
    ended: Option<Ended>,
}

/// What goes on.
///
/// ```text
///  Talking ─► Handshake ─► Talking ─► Ready ◄──► Sending
///     └──────────────────────────────►  ▲
///                                       └─────► Resting
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A reply is due, or a question about the connection is open.
    Talking,
    /// TLS.
    Handshake,
    /// Nothing.
    Ready,
    /// Nothing, for so long.
    Resting(Instant),
    /// A message.
    Sending,
}

/// What is to be lent. Decided without borrowing.
pub(super) enum Next {
    Read,
    Write,
    Layer,
    Close,
    Ask,
    Content(Range<u64>),
}

impl Session {
    /// A session on a connection that was just made, in the clear (or on a Unix socket).
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        let mut limits = options.limits;
        limits.stalled = options.timeouts.transfer;
        let mut dues = Dues::default();
        dues.push(Due::Greeting, 0);
        Self {
            wire: Wire::new(limits),
            options,
            facts: Facts::default(),
            state: State::Talking,
            pending: Pending::None,
            dues,
            reader: Reader::new(),
            login: None,
            sending: None,
            probe: false,
            rested: None,
            changed: false,
            patience: None,
            notice: None,
            ended: None,
        }
    }

    /// A session on a connection that stands under TLS from its first octet.
    #[must_use]
    pub fn secured_by(options: Arc<Options>, tls: TlsFacts) -> Self {
        let mut session = Self::new(options);
        session.facts.tls = Some(tls);
        session
    }

    /// What is wanted next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        match self.advance(now) {
            Next::Read => Step::Io(self.wire.read(self.patience)),
            Next::Write => Step::Io(self.wire.write(now)),
            Next::Layer => Step::Io(self.wire.layer(Layer::Tls)),
            Next::Close => Step::Io(Io::Close),
            Next::Ask => self.ask(),
            Next::Content(range) => Step::Ask(Ask::Content(Content::new(self, range))),
        }
    }

    /// Tells of something that happened outside the connection. [`Notice::Changed`] ends a rest.
    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Changed => {
                self.changed = true;
                self.awake();
            }
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

    /// The message that is being sent.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.sending.as_ref().map(Sending::message)
    }

    /// How far the conversation has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if let Some(due) = self.dues.first() {
            return due.stage();
        }
        match (self.state, &self.pending, &self.sending) {
            (State::Handshake, ..) | (_, Pending::Secured(_), _) => Stage::StartTls,
            (State::Talking, ..) => Stage::Auth,
            (State::Sending, _, Some(sending)) => sending.stage(),
            _ => Stage::Idle,
        }
    }

    /// How the session ended, once it did.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    fn ask(&mut self) -> Step<'_> {
        let (facts, wire) = (&self.facts, &mut self.wire);
        macro_rules! lend {
            ($($topic:ident)*) => {
                match &mut self.pending {
                    Pending::None => Step::Io(Io::Close),
                    $(Pending::$topic(open) => {
                        Step::Ask(Ask::$topic(Question::new(open, facts, wire)))
                    })*
                }
            };
        }
        lend!(Secured Authenticate Challenge Authenticated Ready Done)
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
        if self.ended.is_none() && self.look() {
            return None;
        }
        if !matches!(self.pending, Pending::None) {
            return Some(Next::Ask);
        }
        if self.ended.is_some() {
            let unsent = self.wire.pending() && self.wire.loss().is_none();
            return Some(if unsent { Next::Write } else { Next::Close });
        }
        match self.state {
            State::Talking => Some(self.listen(now)),
            State::Handshake => self.shake_hands(),
            State::Ready => {
                let rested = self.rested.take();
                self.changed = false;
                self.pending = Pending::Ready(Open::new(Ready { rested }));
                None
            }
            State::Resting(until) => Some(self.rest(until)),
            State::Sending => self.send(now),
        }
    }

    /// Sees what has happened to the connection. Whether anything has.
    fn look(&mut self) -> bool {
        // What the peer said comes before that it left.
        if self.state != State::Handshake && self.hear() {
            return true;
        }
        if let Some(loss) = self.wire.loss() {
            self.lose(loss);
        } else if self.wire.ended() {
            self.leave();
        } else if self.wire.take_expired() {
            self.expire();
        } else if self.wire.hurried() || self.notice.is_some() {
            return self.heed();
        } else {
            return false;
        }
        true
    }

    /// Reads one reply, if there is one.
    fn hear(&mut self) -> bool {
        let input = self.wire.input();
        if input.is_empty() {
            return false;
        }
        match self.reader.feed(input) {
            Ok((used, reply)) => {
                self.wire.consume(used);
                let Some(reply) = reply else { return false };
                self.patience = None;
                self.heard(reply);
            }
            Err(why) => self.fail(Trouble::Garbled(self.stage(), Some(why))),
        }
        true
    }

    fn heard(&mut self, reply: Reply) {
        let stage = self.stage();
        let due = self.dues.pop();
        // RFC 5321 §3.8: 421 may answer anything, and nothing comes behind it.
        if reply.code().number() == 421 && due != Some(Due::Quit) {
            return self.fail(match due {
                Some(Due::StartTls) if self.options.tls == Tls::Required => {
                    Trouble::TlsRefused(reply)
                }
                Some(Due::Auth) => Trouble::LoginRefused(reply),
                _ => Trouble::Said { stage, reply },
            });
        }
        match due {
            Some(Due::Greeting) => self.greeted(reply),
            Some(Due::Ehlo) => self.answered_ehlo(reply),
            Some(due @ (Due::Helo | Due::Lhlo)) => self.answered_hello(due, reply),
            Some(Due::StartTls) => self.answered_starttls(reply),
            Some(Due::Auth) => self.answered_auth(reply),
            Some(Due::Quit) => self.ended = Some(Ended::Quit),
            Some(due) => self.answered_sending(due, reply),
            None if reply.code().is_refusal() => self.fail(Trouble::Said { stage, reply }),
            None => self.fail(Trouble::Garbled(stage, None)),
        }
    }

    fn lose(&mut self, loss: Loss) {
        let stage = self.stage();
        self.fail(match loss {
            _ if self.state == State::Handshake => Trouble::Handshake,
            Loss::Stalled => Trouble::TimedOut(stage),
            _ => Trouble::Lost(stage),
        });
    }

    /// The peer has closed.
    fn leave(&mut self) {
        match self.dues.first() {
            Some(Due::Quit) => self.ended = Some(Ended::Quit),
            _ => self.fail(Trouble::Lost(self.stage())),
        }
    }

    fn expire(&mut self) {
        match self.state {
            State::Resting(_) => self.awake(),
            _ => self.fail(Trouble::TimedOut(self.stage())),
        }
    }

    /// Goes when told to: at once, or when the message that is being sent has come to its end.
    fn heed(&mut self) -> bool {
        let kicked = self.notice == Some(Notice::Kicked);
        match self.state {
            _ if kicked => self.fail(Trouble::Stopped),
            State::Sending | State::Handshake => return false,
            _ if matches!(self.pending, Pending::Done(_)) => return false,
            _ if self.dues.first() == Some(Due::Quit) => return false,
            State::Ready | State::Resting(_) => self.quit(),
            State::Talking => self.fail(Trouble::Stopped),
        }
        true
    }

    fn shake_hands(&mut self) -> Option<Next> {
        if self.wire.take_layered().is_some() {
            self.layered();
            return None;
        }
        Some(if self.wire.pending() {
            Next::Write
        } else {
            Next::Layer
        })
    }

    fn rest(&mut self, until: Instant) -> Next {
        if self.wire.pending() {
            return Next::Write;
        }
        self.patience = Some(until);
        Next::Read
    }

    fn awake(&mut self) {
        if matches!(self.state, State::Resting(_)) {
            self.state = State::Ready;
        }
    }

    /// Sends what there is, and waits for the next reply.
    pub(super) fn listen(&mut self, now: Instant) -> Next {
        if self.wire.pending() {
            self.patience = None;
            return Next::Write;
        }
        if let (None, Some(due)) = (self.patience, self.dues.first()) {
            self.patience = now.checked_add(due.patience(&self.options.timeouts));
        }
        Next::Read
    }

    /// Writes a command whose reply is due.
    pub(super) fn command(&mut self, line: &str, due: Due) {
        self.wire.output().extend_from_slice(line.as_bytes());
        self.dues.push(due, line.len());
        if self.state != State::Sending {
            self.state = State::Talking;
        }
    }

    /// An order was given.
    pub(super) fn ordered(&mut self, now: Instant, order: Order) {
        match order {
            Order::Send(message) => self.begin(*message),
            // What has changed since is to be seen first; but whoever would have rested may have been left meanwhile.
            Order::Rest(_) if self.changed => self.probe = true,
            Order::Rest(until) => {
                self.state = State::Resting(until);
                self.rested = Some(now);
                self.probe = true;
            }
            Order::Quit => self.quit(),
        }
    }

    fn quit(&mut self) {
        self.pending = Pending::None;
        match self.options.await_quit {
            true => self.command("QUIT\r\n", Due::Quit),
            false => self.goodbye(Ended::Quit),
        }
    }

    /// The peer refused, so that there is nothing more to be said.
    pub(super) fn part_over(&mut self, stage: Stage, reply: Reply) {
        self.part(Trouble::Said { stage, reply });
    }

    /// Says goodbye, because of this.
    pub(super) fn part(&mut self, trouble: Trouble) {
        let polite = self.dues.is_empty();
        self.fail(trouble);
        if polite {
            self.wire.output().extend_from_slice(b"QUIT\r\n");
        }
    }

    fn goodbye(&mut self, ended: Ended) {
        self.wire.output().extend_from_slice(b"QUIT\r\n");
        self.ended = Some(ended);
    }

    /// Closes without a word, because of this. A message that is on its way is told of first.
    pub(super) fn fail(&mut self, trouble: Trouble) {
        self.dues.clear();
        self.login = None;
        if !matches!(self.pending, Pending::Done(_)) {
            self.pending = Pending::None;
        }
        self.close_message(&trouble);
        self.ended.get_or_insert(Ended::Trouble(trouble));
    }

    /// Whether this peer is spoken to in LMTP.
    pub(super) fn is_lmtp(&self) -> bool {
        self.options.flavour == Flavour::Lmtp
    }
}
