//! A driver for tests: input in pieces, output in pieces, any step dropped, time as told.

use super::desk::Desk;
use mailcore_base::wire::{Io, Layer};
use mailcore_imap::server::{Options, Session, Step};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a dialogue is driven.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Most octets given or taken at a time.
    pub piece: usize,
    /// Of a hundred steps, so many are dropped.
    pub drops: u32,
    pub seed: u64,
}

/// One client's connection.
pub struct Connection {
    pub session: Session,
    pub now: Instant,
    manner: Manner,
    input: VecDeque<u8>,
    ended: bool,
    /// What the client has received and not looked at.
    pub received: Vec<u8>,
    pub closed: bool,
    told_closed: bool,
    random: u64,
    pub steps: usize,
    /// The client takes no output.
    pub deaf: bool,
    /// Most output that was ready at once.
    pub most_ready: usize,
    /// After so many answers every question is declined.
    pub decline_from: Option<usize>,
    answers: usize,
}

impl Connection {
    pub fn new(options: Options, manner: Manner) -> Self {
        let mut session = Session::new(Arc::new(options));
        super::desk::local(session.facts_mut());
        Self {
            session,
            now: Instant::now(),
            manner,
            input: VecDeque::new(),
            ended: false,
            received: Vec::new(),
            closed: false,
            told_closed: false,
            random: manner.seed | 1,
            steps: 0,
            deaf: false,
            most_ready: 0,
            decline_from: None,
            answers: 0,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
    }

    pub fn half_close(&mut self) {
        self.ended = true;
    }

    pub fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn dice(&mut self) -> u32 {
        // xorshift: good enough to drop steps with.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % 100) as u32
    }

    /// Runs until the session wants something that nobody gives.
    pub fn run(&mut self, desk: &mut Desk) {
        let piece = self.manner.piece;
        while !self.closed {
            self.steps += 1;
            assert!(self.steps < 3_000_000, "it never ends");
            let drop_it = self.dice() < self.manner.drops;
            match self.session.step(self.now) {
                Step::Io(Io::Read(mut room)) => {
                    if self.input.is_empty() && !self.ended {
                        room.rest();
                        if room.deadline().is_some_and(|at| at <= self.now) {
                            room.expired();
                            continue;
                        }
                        return;
                    }
                    if drop_it {
                        continue;
                    }
                    let spare = room.spare();
                    let n = spare.len().min(piece).min(self.input.len());
                    for (to, from) in spare.iter_mut().zip(self.input.drain(..n)) {
                        *to = from;
                    }
                    room.filled(n);
                }
                Step::Io(Io::Write(output)) => {
                    self.most_ready = self.most_ready.max(output.bytes().len());
                    if self.deaf {
                        if output.deadline().is_some_and(|at| at <= self.now) {
                            output.expired();
                            continue;
                        }
                        return;
                    }
                    if drop_it {
                        continue;
                    }
                    let n = output.bytes().len().min(piece);
                    self.received.extend_from_slice(&output.bytes()[..n]);
                    output.sent(n);
                }
                Step::Io(Io::Layer(upgrade)) => {
                    if drop_it {
                        continue;
                    }
                    if upgrade.layer() == Layer::Deflate {
                        // What was read ahead is the layer's, and comes out of it in front of what follows.
                        let early = upgrade.early().to_vec();
                        upgrade.done();
                        for octet in early.into_iter().rev() {
                            self.input.push_front(octet);
                        }
                        self.received.extend_from_slice(b"<DEFLATE>\r\n");
                        continue;
                    }
                    assert_eq!(upgrade.layer(), Layer::Tls);
                    // What is still in the clear is for the handshake, which it breaks; it is never ours.
                    self.input.clear();
                    upgrade.done();
                    self.received.extend_from_slice(b"<TLS>\r\n");
                }
                Step::Io(Io::Close) => self.closed = true,
                Step::Io(_) => return,
                Step::Ask(ask) => {
                    if drop_it {
                        continue;
                    }
                    self.answers += 1;
                    if self.decline_from.is_some_and(|from| self.answers > from) {
                        ask.decline();
                    } else {
                        desk.answer(ask);
                    }
                }
                Step::Content(content) => {
                    if drop_it {
                        continue;
                    }
                    let n = content.bytes().len().min(piece);
                    match desk.content(&content.bytes()[..n]) {
                        Ok(()) => content.taken(n),
                        Err(failed) => content.refused(failed),
                    }
                }
                _ => return,
            }
        }
    }

    /// What has been received since the last look, as text; what is not printable is escaped.
    pub fn look(&mut self) -> String {
        let mut out = String::new();
        for b in std::mem::take(&mut self.received) {
            match b {
                b'\n' | b' '..=b'~' => out.push(char::from(b)),
                b'\r' => {}
                other => out.push_str(&format!("\\x{other:02x}")),
            }
        }
        if self.closed && !std::mem::replace(&mut self.told_closed, true) {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str("<closed>\n");
        }
        out
    }
}
