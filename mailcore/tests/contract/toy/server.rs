//! The toy's server machine.

use super::Step;
use mailcore_base::wire::{Layer, Limits, Line, Notice, Pulse, Wire};
use std::time::{Duration, Instant};

/// How long the client may be silent.
pub const SILENCE: Duration = Duration::from_secs(300);
const LINE: usize = 1000;

/// What the server asks its desk.
pub enum Ask<'m> {
    /// What is the answer to this word?
    Word(Question<'m, String>),
    /// Octets of a long answer from an offset, as many as there is room for.
    Bytes(Question<'m, (u64, usize)>),
    /// Content of a PUT: a loan.
    Content(Content<'m>),
    /// All content came: make it last.
    Commit(Question<'m, u64>),
    /// A layer stands.
    Secured(Question<'m, Layer>),
    /// A PUT was begun and will not be finished.
    Abandoned(Question<'m, ()>),
}

/// An open question: borrows the machine, is answered by value.
pub struct Question<'m, T> {
    asked: T,
    machine: &'m mut Server,
}

impl<T> Question<'_, T> {
    pub fn parts(&mut self) -> (&T, Line<'_>) {
        (&self.asked, Line::with_pulse(&mut self.machine.wire, &Beat))
    }
}

impl Question<'_, String> {
    pub fn answer(self, word: &str) {
        self.machine.say(&format!("= {word}"));
        self.machine.state = State::Ready;
    }
}

impl Question<'_, (u64, usize)> {
    /// Any non-empty prefix will do.
    pub fn answer(self, bytes: &[u8]) {
        let State::Long { at, length } = &mut self.machine.state else {
            return;
        };
        let bytes = &bytes[..bytes.len().min(self.asked.1)];
        self.machine.wire.output().extend_from_slice(bytes);
        *at += bytes.len() as u64;
        if at == length {
            self.machine.wire.output().extend_from_slice(b"\r\n");
            self.machine.state = State::Ready;
        }
    }
}

impl Question<'_, u64> {
    pub fn answer(self, length: u64) {
        let sum = self.asked;
        self.machine.say(&format!("OK {length} {sum}"));
        self.machine.state = State::Ready;
    }
}

impl Question<'_, Layer> {
    pub fn answer(self) {
        self.machine.state = State::Ready;
    }
}

impl Question<'_, ()> {
    pub fn answer(self) {
        self.machine.state = State::Over;
    }
}

/// Content, lent.
pub struct Content<'m> {
    machine: &'m mut Server,
    most: usize,
}

impl Content<'_> {
    pub fn bytes(&self) -> &[u8] {
        let input = self.machine.wire.input();
        &input[..input.len().min(self.most)]
    }

    pub fn taken(self, n: usize) {
        let State::Put { left, sum } = &mut self.machine.state else {
            return;
        };
        *sum += self.machine.wire.input()[..n]
            .iter()
            .map(|octet| u64::from(*octet))
            .sum::<u64>();
        *left -= n as u64;
        self.machine.wire.consume(n);
    }
}

struct Beat;

impl Pulse for Beat {
    fn beat(&self, n: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("* still working {n}\r\n").as_bytes());
    }
}

/// ```text
/// Greet ─► Ready ─┬─► Word ──────────────────► Ready
///                 ├─► Long ──────────────────► Ready
///                 ├─► Put ─► Commit ─────────► Ready
///                 │    └──────────► Abandoned ─► Over
///                 ├─► Layer ─► Secured ──────► Ready
///                 ├─► Idle ──────────────────► Ready
///                 └─► Over
/// ```
#[derive(Debug, Clone)]
enum State {
    Greet,
    Ready,
    Word(String),
    Long { at: u64, length: u64 },
    Put { left: u64, sum: u64 },
    Layer(Layer),
    Secured(Layer),
    Idle,
    Abandoned,
    Over,
}

/// What comes next, decided without borrowing.
enum Next {
    Read,
    Write,
    Layer(Layer),
    Close,
    Word(String),
    Bytes(u64, usize),
    Content(usize),
    Commit(u64),
    Secured(Layer),
    Abandoned,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    wire: Wire,
    state: State,
    silent: Option<Instant>,
    changed: bool,
    closing: bool,
}

impl Server {
    pub fn new(limits: Limits) -> Self {
        Self {
            wire: Wire::new(limits),
            state: State::Greet,
            silent: None,
            changed: false,
            closing: false,
        }
    }

    fn say(&mut self, line: &str) {
        let out = self.wire.output();
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn leave(&mut self, word: &str) -> Option<Next> {
        self.say(word);
        self.state = State::Over;
        None
    }

    fn advance(&mut self, now: Instant) -> Next {
        loop {
            self.notice_loss();
            if let Some(next) = self.turn(now) {
                return next;
            }
        }
    }

    /// The connection is lost: an open PUT is abandoned, all else is over.
    fn notice_loss(&mut self) {
        if self.wire.loss().is_some() {
            self.part();
        }
    }

    fn part(&mut self) {
        match self.state {
            State::Abandoned => {}
            State::Put { .. } => self.state = State::Abandoned,
            _ => self.state = State::Over,
        }
    }

    /// One transition; `None` to look again.
    fn turn(&mut self, now: Instant) -> Option<Next> {
        if self.wire.pending() && self.wire.room() == 0 {
            return Some(Next::Write);
        }
        match self.state.clone() {
            State::Greet => {
                self.say("HELLO");
                self.state = State::Ready;
                None
            }
            State::Ready | State::Idle => self.command(now),
            State::Word(word) => Some(Next::Word(word)),
            State::Long { at, length } => {
                let left = usize::try_from(length - at).unwrap_or(usize::MAX);
                Some(Next::Bytes(at, left.min(self.wire.room())))
            }
            State::Put { left: 0, sum } => Some(Next::Commit(sum)),
            State::Put { .. } if self.wire.input().is_empty() => self.want(now),
            State::Put { left, .. } => {
                self.silent = None;
                Some(Next::Content(usize::try_from(left).unwrap_or(usize::MAX)))
            }
            State::Layer(layer) => match self.wire.take_layered() {
                Some(layer) => {
                    self.state = State::Secured(layer);
                    None
                }
                None if self.wire.pending() => Some(Next::Write),
                None => Some(Next::Layer(layer)),
            },
            State::Secured(layer) => Some(Next::Secured(layer)),
            State::Abandoned => Some(Next::Abandoned),
            State::Over if self.wire.pending() => Some(Next::Write),
            State::Over => Some(Next::Close),
        }
    }

    /// Wants input; all output goes first.
    fn want(&mut self, now: Instant) -> Option<Next> {
        if self.wire.pending() {
            return Some(Next::Write);
        }
        if self.wire.ended() {
            self.part();
            return None;
        }
        if self.wire.take_expired() {
            return self.leave("* too slow");
        }
        self.silent.get_or_insert(now + SILENCE);
        Some(Next::Read)
    }

    fn command(&mut self, now: Instant) -> Option<Next> {
        if self.closing || self.wire.hurried() {
            return self.leave("* going down");
        }
        if self.changed && matches!(self.state, State::Idle) {
            self.changed = false;
            self.say("* changed");
        }
        let length = match self.wire.line(LINE) {
            Ok(Some(length)) => length,
            Ok(None) => return self.want(now),
            Err(_) => return self.leave("* line too long"),
        };
        self.silent = None;
        let line = String::from_utf8_lossy(&self.wire.input()[..length]).into_owned();
        self.wire.consume(length);
        if matches!(self.state, State::Idle) {
            self.state = State::Ready;
            self.say("idled");
        } else {
            self.obey(line.trim_end());
        }
        None
    }

    fn obey(&mut self, line: &str) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let number = argument.parse::<u64>().unwrap_or(0);
        match verb {
            "WORD" => self.state = State::Word(argument.to_owned()),
            "LONG" => {
                self.say(&format!("#{number}"));
                self.state = State::Long {
                    at: 0,
                    length: number,
                };
            }
            "PUT" => {
                self.state = State::Put {
                    left: number,
                    sum: 0,
                };
            }
            "TLS" | "PACK" => {
                self.say("READY");
                self.state = State::Layer(if verb == "TLS" {
                    Layer::Tls
                } else {
                    Layer::Deflate
                });
            }
            "IDLE" => self.state = State::Idle,
            "QUIT" => {
                self.say("BYE");
                self.state = State::Over;
            }
            _ => self.say("what?"),
        }
    }
}

impl Server {
    pub fn step(&mut self, now: Instant) -> Step<'_, Ask<'_>> {
        let next = self.advance(now);
        macro_rules! ask {
            ($kind:ident, $asked:expr) => {
                Step::Ask(Ask::$kind(Question {
                    asked: $asked,
                    machine: self,
                }))
            };
        }
        match next {
            Next::Read => Step::Io(self.wire.read(self.silent)),
            Next::Write => Step::Io(self.wire.write(now)),
            Next::Layer(layer) => Step::Io(self.wire.layer(layer)),
            Next::Close => Step::Io(mailcore_base::wire::Io::Close),
            Next::Word(word) => ask!(Word, word),
            Next::Bytes(at, room) => ask!(Bytes, (at, room)),
            Next::Content(most) => Step::Ask(Ask::Content(Content {
                machine: self,
                most,
            })),
            Next::Commit(sum) => ask!(Commit, sum),
            Next::Secured(layer) => ask!(Secured, layer),
            Next::Abandoned => ask!(Abandoned, ()),
        }
    }

    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Changed => self.changed = true,
            Notice::Shutdown => {
                self.closing = true;
                self.wire.hurry();
            }
            _ => self.state = State::Over,
        }
    }
}
