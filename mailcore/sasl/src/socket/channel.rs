//! What both machines have in common: the wire, the handshake's first line, and how it ends.

use super::words::{Malformed, Words, number};
use super::{LONGEST_LINE, MAJOR, PATIENCE};
use mailcore_base::wire::{Limits, Loss, Notice, Wire};
use std::time::Instant;

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The peer has closed, and nothing of it was open.
    Left,
    /// The peer does not speak this protocol.
    Broken(Malformed),
    /// The peer did not say who it is.
    Silent,
    /// The server goes down.
    Shutdown,
    /// An administrator ended it.
    Kicked,
    /// The connection broke.
    Lost(Loss),
}

/// The wire of a session with what is known of its end.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) wire: Wire,
    pub(super) ended: Option<Ended>,
    pub(super) shutting: bool,
    /// Until when the handshake may take; known from the first step on.
    until: Option<Instant>,
}

/// What a machine does next where its own work leaves nothing to do.
pub(super) enum Idle {
    Write,
    Read(Option<Instant>),
    Wait,
    Close,
}

impl Channel {
    /// A wire on which `greeting` is the first that is said: both ends speak at once.
    pub(super) fn new(greeting: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut wire = Wire::new(Limits::default());
        greeting(wire.output());
        Self {
            wire,
            ended: None,
            shutting: false,
            until: None,
        }
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Shutdown => {
                self.shutting = true;
                self.wire.hurry();
            }
            Notice::Kicked => self.end(Ended::Kicked),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, ended: Ended) {
        self.ended.get_or_insert(ended);
    }

    /// The machine's clock, before anything else of a step. `greeted`: the handshake is behind it.
    pub(super) fn look(&mut self, now: Instant, greeted: bool) {
        let until = *self.until.get_or_insert(now + PATIENCE);
        self.wire.take_expired();
        if let Some(loss) = self.wire.loss() {
            self.end(Ended::Lost(loss));
        }
        if !greeted && now >= until {
            self.end(Ended::Silent);
        }
    }

    /// Reads the next line, if it is there whole.
    pub(super) fn line<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        let length = match self.wire.line(LONGEST_LINE) {
            Ok(length) => length?,
            Err(_) => return Some(Err(Malformed("a line of more than 16384 octets"))),
        };
        let line = self.wire.input().get(..length - 1).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let result = match line.contains(&0) {
            // Others would take the line for shorter than it is.
            true => Err(Malformed("a NUL in a line")),
            false => read(line),
        };
        self.wire.consume(length);
        Some(result)
    }

    /// What remains to be done when no line and no answer is at hand. `busy`: answers are awaited; `next`: when the
    /// machine has something to do of its own.
    pub(super) fn idle(&mut self, busy: bool, greeted: bool, next: Option<Instant>) -> Idle {
        if self.ended.is_none() && !busy {
            if self.shutting {
                self.end(Ended::Shutdown);
            } else if self.wire.ended() {
                self.end(Ended::Left);
            }
        }
        if self.wire.loss().is_none() && self.wire.pending() {
            return Idle::Write;
        }
        if self.ended.is_some() {
            return Idle::Close;
        }
        if self.wire.ended() || self.shutting {
            return Idle::Wait;
        }
        Idle::Read(if greeted { next } else { self.until })
    }
}

/// Reads the first line, which tells the version.
pub(super) fn version(line: &[u8]) -> Result<(), Malformed> {
    let mut words = Words::of(line);
    let sent = words.word("an empty first line")?;
    let major = words.word("no version").unwrap_or_default();
    match (sent.as_str(), number(major.as_bytes())) {
        ("VERSION", Some(MAJOR)) => Ok(()),
        ("VERSION", Some(_)) => Err(Malformed("another version of the protocol")),
        _ => Err(Malformed("no VERSION line")),
    }
}
