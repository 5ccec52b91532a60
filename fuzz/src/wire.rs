//! The buffers between a machine and its driver, against a plain queue of octets: nothing is lost, repeated or held
//! beyond the limits, and a loan dropped changes nothing.

use crate::Choices;
use mailcore_base::wire::{Io, Layer, Limits, Loss, TooLong, Wire};
use std::time::{Duration, Instant};

/// The input is limits and a programme of what machine and driver do.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let limits = Limits {
        input: 1 + 37 * choices.below(256),
        output: 1 + choices.below(64),
        stalled: Duration::from_secs(300),
    };
    let mut pair = Pair {
        wire: Wire::new(limits),
        limits,
        unread: Vec::new(),
        unsent: Vec::new(),
        ended: false,
        now: Instant::now(),
        ticks: 0,
    };
    while !choices.is_empty() {
        let act = choices.octet();
        let n = usize::from(choices.octet());
        pair.act(act, n);
        pair.check();
    }
}

struct Pair {
    wire: Wire,
    limits: Limits,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    ended: bool,
    now: Instant,
    ticks: u8,
}

impl Pair {
    fn act(&mut self, act: u8, n: usize) {
        match act % 9 {
            0..=2 => self.receive(n, act >= 128),
            3 => self.line(1 + n),
            4 => {
                self.wire.consume(n);
                self.unread.drain(..n.min(self.unread.len()));
            }
            5 => {
                let bytes = vec![self.tick(); n];
                self.wire.output().extend_from_slice(&bytes);
                self.unsent.extend(bytes);
            }
            6 => self.send(n, act >= 128),
            7 => self.wire.rest(),
            _ if self.unsent.is_empty() => self.layer(n),
            _ => self.lose(n),
        }
    }

    /// The driver reads `n` octets, or only looks at the room there is.
    fn receive(&mut self, n: usize, dropped: bool) {
        if self.wire.full() || self.ended {
            return;
        }
        let mark = self.tick();
        let Io::Read(mut room) = self.wire.read(None) else {
            panic!("a read is a read");
        };
        let spare = room.spare();
        assert!(!spare.is_empty() && spare.len() <= self.limits.input);
        let n = n.min(spare.len());
        spare.fill(mark);
        if dropped {
            return;
        }
        self.ended = n == 0;
        self.unread.extend(std::iter::repeat_n(mark, n));
        room.filled(n);
    }

    fn line(&mut self, limit: usize) {
        let found = self.unread.iter().position(|b| *b == b'\n');
        let want = match found {
            Some(at) if at < limit => Ok(Some(at + 1)),
            None if self.unread.len() < limit => Ok(None),
            _ => Err(TooLong),
        };
        assert_eq!(self.wire.line(limit), want);
    }

    fn send(&mut self, n: usize, dropped: bool) {
        if !self.wire.pending() {
            return;
        }
        let Io::Write(output) = self.wire.write(self.now) else {
            panic!("a write is a write");
        };
        assert_eq!(output.bytes(), self.unsent);
        assert!(output.deadline().is_some_and(|at| at >= self.now));
        if !dropped {
            let n = n.min(self.unsent.len());
            output.sent(n);
            self.unsent.drain(..n);
        }
    }

    fn layer(&mut self, n: usize) {
        let layer = [Layer::Tls, Layer::Deflate][n % 2];
        let Io::Layer(upgrade) = self.wire.layer(layer) else {
            panic!("a layer is a layer");
        };
        assert_eq!(upgrade.early(), self.unread);
        if n.is_multiple_of(3) {
            return;
        }
        upgrade.done();
        self.unread.clear();
        assert_eq!(self.wire.take_layered(), Some(layer));
        assert_eq!(self.wire.take_layered(), None);
    }

    /// The peer is lost while output waits, and the machine starts over.
    fn lose(&mut self, n: usize) {
        let Io::Write(output) = self.wire.write(self.now) else {
            panic!("a write is a write");
        };
        match n % 8 {
            0 => output.expired(),
            1 => output.failed(),
            _ => return,
        }
        let loss = [Loss::Stalled, Loss::Broken][n % 8];
        assert_eq!(self.wire.loss(), Some(loss));
        assert!(!self.wire.pending());
        self.wire = Wire::new(self.limits);
        self.unread.clear();
        self.unsent.clear();
        self.ended = false;
    }

    /// A mark that differs from the last; every eighth is a line end.
    fn tick(&mut self) -> u8 {
        self.ticks = self.ticks.wrapping_add(1);
        match self.ticks % 8 {
            0 => b'\n',
            _ => self.ticks | 0x80,
        }
    }

    fn check(&self) {
        assert_eq!(self.wire.input(), self.unread);
        assert!(self.unread.len() <= self.limits.input);
        assert_eq!(self.wire.full(), self.unread.len() == self.limits.input);
        assert_eq!(self.wire.pending(), !self.unsent.is_empty());
        assert_eq!(self.wire.ended(), self.ended);
        let room = self.limits.output.saturating_sub(self.unsent.len());
        assert_eq!(self.wire.room(), room);
    }
}
