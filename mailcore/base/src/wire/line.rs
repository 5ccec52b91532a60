//! The line: what a machine lends while one of its questions is being answered.
//!
//! A store may take its time. While it works, ready output goes out, input is read ahead within the wire's
//! bounds, and a hang-up or a shutdown is seen. The line decides nothing about the protocol.

use super::{Io, Loss, Wire};
use std::time::Instant;

/// A connection that can be looked after while something else is awaited.
pub trait Meanwhile: Send {
    /// What the connection wants now. Never a layer and never a close.
    fn io(&mut self, now: Instant) -> Io<'_>;
    /// The connection is lost: nobody waits for the answer.
    fn gone(&self) -> bool;
    /// The peer has closed its half behind its last command. It may wait for the answer (a script that
    /// piped its commands in) or have hung up; TCP does not tell which. A driver gives it some grace.
    fn silent(&self) -> bool;
    /// The grace is over, or the session was ended from outside: the connection counts as lost
    /// ([`Loss::Left`]).
    fn abandon(&mut self);
    /// The server is going down; remembered for the machine, and write deadlines shrink.
    fn shutdown(&mut self);
    /// The `n`-th beat of a long piece of work: a machine may say so to its peer (RFC 9585 INPROGRESS).
    fn tick(&mut self, n: u32);
}

/// How a machine tells its peer that work goes on.
pub trait Pulse: Send + Sync {
    /// Writes the line for the `n`-th beat, or nothing.
    fn beat(&self, n: u32, out: &mut Vec<u8>);
}

/// The line of an open question: a loan of the machine's wire.
pub struct Line<'s> {
    wire: &'s mut Wire,
    pulse: Option<&'s dyn Pulse>,
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}

impl<'s> Line<'s> {
    /// Lends `wire`; long work is silent.
    pub fn new(wire: &'s mut Wire) -> Self {
        Self { wire, pulse: None }
    }

    /// Lends `wire`; long work is told to the peer through `pulse`.
    pub fn with_pulse(wire: &'s mut Wire, pulse: &'s dyn Pulse) -> Self {
        Self {
            wire,
            pulse: Some(pulse),
        }
    }
}

impl Meanwhile for Line<'_> {
    fn io(&mut self, now: Instant) -> Io<'_> {
        if self.wire.loss().is_some() {
            Io::Wait(None)
        } else if self.wire.pending() {
            self.wire.write(now)
        } else if !self.wire.ended() && !self.wire.full() {
            self.wire.read(None)
        } else {
            Io::Wait(None)
        }
    }

    fn gone(&self) -> bool {
        self.wire.loss().is_some()
    }

    fn silent(&self) -> bool {
        self.wire.ended() && self.wire.input().is_empty()
    }

    fn abandon(&mut self) {
        self.wire.lose(Loss::Left);
    }

    fn shutdown(&mut self) {
        self.wire.hurry();
    }

    fn tick(&mut self, n: u32) {
        if let Some(pulse) = self.pulse
            && self.wire.room() > 0
        {
            pulse.beat(n, self.wire.output());
        }
    }
}
