//! The toy's client machine, and a desk that feeds it a script and keeps what it hears.

use super::Step;
use mailcore::net::{End, Transport};
use mailcore_base::wire::{Io, Layer, Limits, Line, Notice, Wire};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a client is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A line, answered by one line (or by a long answer).
    Say(String),
    /// A PUT of so many octets.
    Put(u64),
    /// A layer.
    Layer(Layer),
    /// No more orders: hang up.
    Leave,
}

/// What the client asks its desk.
pub enum Ask<'m> {
    /// What next?
    Order(Question<'m>),
    /// A line came.
    Heard(Heard<'m>),
    /// Octets of a long answer came: a loan.
    Body(Body<'m>),
}

pub struct Question<'m>(&'m mut Client);

impl Question<'_> {
    pub fn line(&mut self) -> Line<'_> {
        Line::new(&mut self.0.wire)
    }

    pub fn answer(self, order: Order) {
        self.0.order(order);
    }
}

pub struct Heard<'m> {
    machine: &'m mut Client,
    length: usize,
}

impl Heard<'_> {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.machine.wire.input()[..self.length])
            .trim_end()
            .to_owned()
    }

    pub fn taken(self) {
        let text = self.text();
        self.machine.wire.consume(self.length);
        self.machine.heard(&text);
    }
}

pub struct Body<'m> {
    machine: &'m mut Client,
    most: usize,
}

impl Body<'_> {
    pub fn bytes(&self) -> &[u8] {
        &self.machine.wire.input()[..self.most]
    }

    pub fn taken(self, n: usize) {
        self.machine.wire.consume(n);
        if let State::Body(left) = &mut self.machine.state {
            *left -= n as u64;
            if *left == 0 {
                self.machine.state = State::Replies;
            }
        }
    }
}

/// ```text
/// Replies ◄──────── (all came) ──────► Orders ─► Replies …
///    └─► Body ─► Replies                 └─► Over
///    └─► Layer ─► Orders
/// ```
#[derive(Debug, Clone)]
enum State {
    Replies,
    Body(u64),
    Layer(Layer),
    Orders,
    Sending(u64),
    Over,
}

/// The client.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    state: State,
    expected: u32,
    layer: Option<Layer>,
}

impl Client {
    /// Expects the greeting first.
    pub fn new(limits: Limits) -> Self {
        Self {
            wire: Wire::new(limits),
            state: State::Replies,
            expected: 1,
            layer: None,
        }
    }

    fn order(&mut self, order: Order) {
        self.expected = 1;
        self.state = State::Replies;
        let out = self.wire.output();
        match order {
            Order::Say(text) => out.extend_from_slice(format!("{text}\r\n").as_bytes()),
            Order::Put(length) => {
                out.extend_from_slice(format!("PUT {length}\r\n").as_bytes());
                self.state = State::Sending(length);
            }
            Order::Layer(layer) => {
                out.extend_from_slice(if layer == Layer::Tls {
                    b"TLS\r\n"
                } else {
                    b"PACK\r\n"
                });
                self.layer = Some(layer);
            }
            Order::Leave => self.state = State::Over,
        }
    }

    fn heard(&mut self, text: &str) {
        if let Some(length) = text.strip_prefix('#').and_then(|n| n.parse::<u64>().ok()) {
            // The CRLF behind the body comes as an empty line of its own.
            if length > 0 {
                self.state = State::Body(length);
            }
            return;
        }
        if text.starts_with('*') {
            return;
        }
        self.expected -= 1;
        if self.expected == 0 {
            self.state = match self.layer.take() {
                Some(layer) => State::Layer(layer),
                None => State::Orders,
            };
        }
    }
}

enum Next {
    Read,
    Write,
    Layer(Layer),
    Close,
    Order,
    Heard(usize),
    Body(usize),
}

impl Client {
    fn advance(&mut self) -> Next {
        loop {
            if self.wire.loss().is_some() {
                return Next::Close;
            }
            match self.state {
                State::Sending(left) => {
                    let n = left.min(self.wire.room() as u64);
                    let body = (0..n).map(super::octet).collect::<Vec<_>>();
                    self.wire.output().extend_from_slice(&body);
                    self.state = State::Sending(left - n);
                    if left == n {
                        self.state = State::Replies;
                    }
                    return Next::Write;
                }
                _ if self.wire.pending() => return Next::Write,
                State::Replies => match self.wire.line(1000) {
                    Ok(Some(length)) => return Next::Heard(length),
                    Ok(None) if self.wire.ended() => self.state = State::Over,
                    Ok(None) => return Next::Read,
                    Err(_) => self.state = State::Over,
                },
                State::Body(left) => {
                    let n = (self.wire.input().len() as u64).min(left) as usize;
                    if n > 0 {
                        return Next::Body(n);
                    }
                    if !self.wire.ended() {
                        return Next::Read;
                    }
                    self.state = State::Over;
                }
                State::Layer(layer) => match self.wire.take_layered() {
                    Some(_) => self.state = State::Orders,
                    None => return Next::Layer(layer),
                },
                State::Orders => return Next::Order,
                State::Over => return Next::Close,
            }
        }
    }
}

impl Client {
    pub fn step(&mut self, now: Instant) -> Step<'_, Ask<'_>> {
        match self.advance() {
            Next::Read => Step::Io(self.wire.read(now.checked_add(Duration::from_secs(3600)))),
            Next::Write => Step::Io(self.wire.write(now)),
            Next::Layer(layer) => Step::Io(self.wire.layer(layer)),
            Next::Close => Step::Io(Io::Close),
            Next::Order => Step::Ask(Ask::Order(Question(self))),
            Next::Heard(length) => Step::Ask(Ask::Heard(Heard {
                machine: self,
                length,
            })),
            Next::Body(most) => Step::Ask(Ask::Body(Body {
                machine: self,
                most,
            })),
        }
    }

    pub fn notice(&mut self, _: Notice) {
        self.state = State::Over;
    }
}

/// Gives orders and keeps what was heard; bodies are checked and counted, not kept.
#[derive(Debug, Default)]
pub struct Script {
    pub orders: VecDeque<Order>,
    pub heard: Vec<String>,
    pub body: u64,
    /// Octets of a body taken at a time, and the pause behind each: a slow reader.
    pub pace: Option<(usize, Duration)>,
}

impl Script {
    pub fn new(orders: impl IntoIterator<Item = Order>) -> Self {
        Self {
            orders: orders.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Script {
    pub async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) {
        match ask {
            Ask::Order(mut question) => {
                // A client looks after its line, too, while it makes up its mind.
                let thinking = tokio::task::yield_now();
                let mut line = question.line();
                if end.attend(&mut line, thinking).await.is_some() {
                    question.answer(self.orders.pop_front().unwrap_or(Order::Leave));
                }
            }
            Ask::Heard(heard) => {
                self.heard.push(heard.text());
                heard.taken();
            }
            Ask::Body(body) => {
                let mut n = body.bytes().len();
                if let Some((most, pause)) = self.pace {
                    n = n.min(most);
                    tokio::time::sleep(pause).await;
                }
                for (i, byte) in body.bytes()[..n].iter().enumerate() {
                    assert_eq!(*byte, super::octet(self.body + i as u64));
                }
                self.body += n as u64;
                body.taken(n);
            }
        }
    }
}
