//! A client and its driver without a network: a script goes to a machine in pieces, what the machine says is kept, time
//! is a number. It holds a machine to the contract of `step()`: something is always lent, and a session ends.

use crate::mutation::Xorshift;
use mailcore_base::wire::{Io, Layer};
use std::time::Instant;

/// Turns that no session needs besides those for its octets.
const SPARE_TURNS: usize = 1_000;
/// Turns that one octet of script or answer may cost, pieces of one octet and dropped steps included.
const TURNS_EACH: usize = 12;

/// How the client leaves once its script is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It closes its half, and waits for the answers.
    HalfClose,
    /// It says nothing more until patience ends.
    Silence,
    /// The connection breaks.
    Break,
}

impl Leave {
    pub(crate) const ALL: [Self; 3] = [Self::HalfClose, Self::Silence, Self::Break];
}

/// How bytes travel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Travel {
    /// Octets that pass at a time, at least one.
    pub(crate) piece: usize,
    /// Whether steps are dropped now and then.
    pub(crate) drops: bool,
}

/// All at once.
pub(crate) const WHOLE: Travel = Travel {
    piece: usize::MAX,
    drops: false,
};

/// The far end of a session, and its driver.
pub(crate) struct Peer<'s> {
    script: &'s [u8],
    length: usize,
    leave: Leave,
    pub(crate) travel: Travel,
    dice: Xorshift,
    /// What the machine said.
    pub(crate) said: Vec<u8>,
    pub(crate) now: Instant,
    /// The machine said that it is over.
    pub(crate) closed: bool,
    /// Layers that were put up.
    pub(crate) layers: Vec<Layer>,
    turns: usize,
    /// No more than a line of the script at a time, as a peer does that waits to be asked for the next.
    pub(crate) by_line: bool,
}

impl<'s> Peer<'s> {
    pub(crate) fn new(script: &'s [u8], leave: Leave, travel: Travel) -> Self {
        Self {
            script,
            length: script.len(),
            leave,
            travel,
            dice: Xorshift::named("drops"),
            said: Vec::new(),
            now: Instant::now(),
            closed: false,
            layers: Vec::new(),
            turns: 0,
            by_line: false,
        }
    }

    /// Counts a turn; whether its step is to be dropped.
    pub(crate) fn drops_this_turn(&mut self) -> bool {
        self.turns += 1;
        let octets = self.length + self.said.len();
        assert!(
            self.turns <= SPARE_TURNS + TURNS_EACH * octets,
            "a session that goes on for ever; it said {}",
            self.said.escape_ascii()
        );
        self.travel.drops && self.dice.below(3) == 0
    }

    /// How much of the script may follow at once: up to the end of a line that ends in TLS (STARTTLS, STLS), since a
    /// lawful client sends nothing behind it before TLS stands. Written otherwise it is sent along with what follows.
    fn until_tls(&self, most: usize) -> usize {
        const LINE: &[u8] = b"TLS\r\n";
        let end = most.saturating_add(LINE.len()).min(self.script.len());
        let found = self.script[..end]
            .windows(LINE.len())
            .position(|w| w == LINE);
        found.map_or(end, |at| at + LINE.len()).min(most)
    }

    /// How much of the script may follow at once.
    fn until_line(&self, most: usize) -> usize {
        if !self.by_line {
            return self.until_tls(most);
        }
        let most = most.min(self.script.len());
        let found = self.script[..most].iter().position(|b| *b == b'\n');
        found.map_or(most, |at| at + 1)
    }

    /// Does what the machine wants of its connection.
    pub(crate) fn io(&mut self, io: Io<'_>) {
        match io {
            Io::Read(mut room) => {
                let spare = room.spare();
                assert!(!spare.is_empty(), "no room to read into");
                let n = self.until_line(spare.len().min(self.travel.piece));
                let (piece, rest) = self.script.split_at(n);
                spare[..n].copy_from_slice(piece);
                self.script = rest;
                match self.leave {
                    _ if n > 0 => room.filled(n),
                    Leave::HalfClose => room.filled(0),
                    Leave::Break => room.failed(),
                    Leave::Silence => {
                        let deadline = room.deadline().expect("nobody is waited for for ever");
                        self.now = self.now.max(deadline);
                        room.expired();
                    }
                }
            }
            Io::Write(output) => {
                assert!(!output.bytes().is_empty(), "nothing to write");
                let n = output.bytes().len().min(self.travel.piece);
                self.said.extend_from_slice(&output.bytes()[..n]);
                output.sent(n);
            }
            Io::Wait(until) => {
                let until = until.expect("nothing else would ever wake it");
                self.now = self.now.max(until);
            }
            Io::Layer(upgrade) => {
                self.layers.push(upgrade.layer());
                upgrade.done();
            }
            Io::Close => self.closed = true,
            other => panic!("what is {other:?}?"),
        }
    }
}

/// Scribbles into a loan before it is dropped, which must not matter.
pub(crate) fn scribble(io: Io<'_>) {
    if let Io::Read(mut room) = io {
        room.spare().fill(b'X');
    }
}
