//! The buffers of one connection: bounded input, output up to a mark, and what is known of the peer's end.

use super::{Io, Layer, Output, Room, Upgrade};
use std::time::{Duration, Instant};

/// Smallest piece of input buffer that is taken at a time.
const CHUNK: usize = 4 * 1024;
/// How long a peer may leave output untouched once the server is going down.
const HURRY: Duration = Duration::from_secs(2);

/// The bounds of one connection's buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of input held, in octets; at least the longest line that the protocol accepts.
    pub input: usize,
    /// Output above which a machine stops producing until some of it was sent, in octets.
    pub output: usize,
    /// How long a peer may take no output before its connection counts as lost.
    pub stalled: Duration,
}

impl Default for Limits {
    /// 32 KiB each way and five minutes (RFC 5321 §4.5.3.2.7 asks a server to wait that long).
    fn default() -> Self {
        Self {
            input: 32 * 1024,
            output: 32 * 1024,
            stalled: Duration::from_secs(300),
        }
    }
}

/// Why a connection can no longer be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// Reading or writing failed, or a layer could not be put up.
    Broken,
    /// The peer took no output for too long.
    Stalled,
    /// The peer closed its half behind its last command, and the answer took too long to believe that it
    /// still waits; or the session was ended from outside.
    Left,
}

/// A line is longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line longer than its limit")]
pub struct TooLong;

/// The machine's side of one connection.
pub struct Wire {
    limits: Limits,
    /// Always initialised to its length, so that a read needs no zeroing each time; `start..end` is unread.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// How far behind `start` a line end has been looked for already: looking stays linear.
    scanned: usize,
    output: Vec<u8>,
    sent: usize,
    /// Since when the peer has taken nothing.
    waiting: Option<Instant>,
    ended: bool,
    expired: bool,
    hurried: bool,
    loss: Option<Loss>,
    layered: Option<Layer>,
}

/// Says how much is held, never what: input may hold a password.
impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("input", &(self.end - self.start))
            .field("output", &(self.output.len() - self.sent))
            .field("ended", &self.ended)
            .field("loss", &self.loss)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Empty buffers; nothing is allocated before it is needed.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            input: limits.input.max(1),
            output: limits.output.max(1),
            ..limits
        };
        Self {
            limits,
            input: Vec::new(),
            start: 0,
            end: 0,
            scanned: 0,
            output: Vec::new(),
            sent: 0,
            waiting: None,
            ended: false,
            expired: false,
            hurried: false,
            loss: None,
            layered: None,
        }
    }

    // ---- input, for the machine

    /// Bytes read and not yet consumed.
    pub fn input(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// The first `n` bytes of [`input`](Self::input) are done with.
    pub fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
        self.scanned = self.scanned.saturating_sub(n);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.scanned = 0;
        }
    }

    /// The length of the first line of the input with its LF, once it is there whole; the search remembers
    /// how far it came.
    ///
    /// # Errors
    /// [`TooLong`] once the line is known to be longer than `limit` octets (its LF included).
    pub fn line(&mut self, limit: usize) -> Result<Option<usize>, TooLong> {
        let input = self.input.get(self.start..self.end).unwrap_or_default();
        let behind = input.get(self.scanned..).unwrap_or_default();
        let found = memchr::memchr(b'\n', behind).map(|at| self.scanned + at + 1);
        match found {
            Some(length) if length > limit => Err(TooLong),
            Some(length) => Ok(Some(length)),
            None => {
                self.scanned = input.len();
                if input.len() >= limit {
                    Err(TooLong)
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// No more input fits before some is consumed.
    pub fn full(&self) -> bool {
        self.end - self.start >= self.limits.input
    }

    /// The peer has closed its half: no more input will come.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// A read deadline has passed since this was last asked.
    pub fn take_expired(&mut self) -> bool {
        std::mem::take(&mut self.expired)
    }

    /// The layer that has been put up since this was last asked.
    pub fn take_layered(&mut self) -> Option<Layer> {
        self.layered.take()
    }

    /// Why the connection can no longer be used, once it cannot.
    pub fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// The server is going down: patience with a peer that does not read is short from now on.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Whether [`hurry`](Self::hurry) was said, here or through a line.
    pub fn hurried(&self) -> bool {
        self.hurried
    }

    // ---- output, for the machine

    /// Where to write for the peer. A machine looks at [`room`](Self::room) before it writes anything long.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// How much more output is welcome, in octets; zero at and above the mark.
    pub fn room(&self) -> usize {
        self.limits
            .output
            .saturating_sub(self.output.len() - self.sent)
    }

    /// Output is ready.
    pub fn pending(&self) -> bool {
        self.sent < self.output.len()
    }

    // ---- loans, for the machine to hand out

    /// Lends the input buffer. The machine has consumed or refused what filled it.
    pub fn read(&mut self, deadline: Option<Instant>) -> Io<'_> {
        debug_assert!(!self.full(), "a full buffer cannot take more");
        Io::Read(Room::new(self, deadline))
    }

    /// Lends the output; its deadline counts from when the peer last took something.
    pub fn write(&mut self, now: Instant) -> Io<'_> {
        let since = *self.waiting.get_or_insert(now);
        let patience = if self.hurried {
            self.limits.stalled.min(HURRY)
        } else {
            self.limits.stalled
        };
        Io::Write(Output::new(self, since.checked_add(patience)))
    }

    /// Asks for a layer; all output has been sent.
    pub fn layer(&mut self, layer: Layer) -> Io<'_> {
        debug_assert!(!self.pending(), "output must leave before the layer stands");
        Io::Layer(Upgrade::new(self, layer))
    }

    /// Gives back every buffer that holds nothing.
    pub fn rest(&mut self) {
        if self.start == self.end {
            self.input = Vec::new();
        }
        if !self.pending() {
            self.output = Vec::new();
            self.sent = 0;
        }
    }

    // ---- what the loans tell

    pub(super) fn spare(&mut self) -> &mut [u8] {
        if self.end == self.input.len() {
            self.make_room();
        }
        let most = self.start + self.limits.input;
        let until = self.input.len().min(most.max(self.end));
        self.input.get_mut(self.end..until).unwrap_or_default()
    }

    /// Moves what is unread to the front, or takes a larger buffer: twice the size up to the limit.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.input.len() {
            let larger = (self.input.len() * 2).max(CHUNK).min(self.limits.input);
            self.input.resize(larger.max(self.input.len()), 0);
        }
    }

    pub(super) fn filled(&mut self, n: usize) {
        if n == 0 {
            self.ended = true;
        }
        self.end = self.end.saturating_add(n).min(self.input.len());
    }

    pub(super) fn expire(&mut self) {
        self.expired = true;
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        self.loss.get_or_insert(loss);
        self.output = Vec::new();
        self.sent = 0;
    }

    pub(super) fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn sent(&mut self, n: usize) {
        if n > 0 {
            self.waiting = None;
        }
        self.sent = self.sent.saturating_add(n).min(self.output.len());
        // A machine that writes as fast as its peer reads never has all of it sent: what was sent goes as
        // soon as it is half, so that the buffer stays small and each octet is moved about once.
        if self.sent >= self.output.len() - self.sent {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
    }

    pub(super) fn layered(&mut self, layer: Layer) {
        self.consume(usize::MAX);
        self.layered = Some(layer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(input: usize) -> Wire {
        Wire::new(Limits {
            input,
            output: 8,
            ..Limits::default()
        })
    }

    fn receive(wire: &mut Wire, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Io::Read(mut room) = wire.read(None) else {
                unreachable!()
            };
            let spare = room.spare();
            let n = spare.len().min(bytes.len());
            spare[..n].copy_from_slice(&bytes[..n]);
            room.filled(n);
            bytes = &bytes[n..];
        }
    }

    #[test]
    fn input_never_exceeds_its_limit() {
        let mut wire = wire(10);
        receive(&mut wire, b"0123456");
        wire.consume(5);
        receive(&mut wire, b"789abcde");
        assert!(wire.full());
        assert_eq!(wire.input(), b"56789abcde");
    }

    #[test]
    fn a_line_is_found_however_it_arrives_and_refused_once_too_long() {
        let mut wire = wire(64);
        receive(&mut wire, b"ab");
        assert_eq!(wire.line(8), Ok(None));
        receive(&mut wire, b"c\r\nrest");
        assert_eq!(wire.line(8), Ok(Some(5)));
        assert_eq!(wire.line(4), Err(TooLong));
        wire.consume(5);
        assert_eq!(wire.line(8), Ok(None));
        assert_eq!(wire.line(4), Err(TooLong));
    }

    #[test]
    fn what_a_wire_holds_is_not_shown() {
        let mut wire = wire(64);
        receive(&mut wire, b"PASS secret");
        wire.output().extend_from_slice(b"token");
        let shown = format!("{wire:?}");
        assert!(!shown.contains("secret") && !shown.contains("115, 101") && shown.contains("11"));
    }

    #[test]
    fn a_dropped_loan_changes_nothing() {
        let mut wire = wire(64);
        receive(&mut wire, b"ab");
        if let Io::Read(mut room) = wire.read(None) {
            room.spare().fill(b'x');
        }
        assert_eq!(wire.input(), b"ab");
        wire.output().extend_from_slice(b"hello");
        drop(wire.write(Instant::now()));
        assert!(wire.pending());
    }

    #[test]
    fn tls_discards_what_was_read_ahead() {
        let mut wire = wire(64);
        receive(&mut wire, b"RSET\r\n");
        let Io::Layer(upgrade) = wire.layer(Layer::Tls) else {
            unreachable!()
        };
        upgrade.done();
        assert_eq!(wire.input(), b"");
        assert_eq!(wire.take_layered(), Some(Layer::Tls));
        assert_eq!(wire.take_layered(), None);
    }

    #[test]
    fn a_resting_wire_holds_no_buffer() {
        let mut wire = wire(64);
        receive(&mut wire, b"ab");
        wire.consume(2);
        wire.rest();
        assert_eq!(wire.input.capacity() + wire.output.capacity(), 0);
    }

    #[test]
    fn output_that_never_drains_whole_does_not_grow() {
        let mut wire = wire(64);
        wire.output().extend_from_slice(b"12345678");
        for _ in 0..1000 {
            let Io::Write(output) = wire.write(Instant::now()) else {
                unreachable!()
            };
            output.sent(4);
            wire.output().extend_from_slice(b"abcd");
            assert!(wire.output.capacity() <= 32);
        }
        let Io::Write(output) = wire.write(Instant::now()) else {
            unreachable!()
        };
        assert_eq!(output.bytes(), b"abcdabcd");
    }

    #[test]
    fn patience_with_a_reader_counts_from_its_last_progress() {
        let mut wire = wire(64);
        let start = Instant::now();
        let later = start + Duration::from_secs(100);
        wire.output().extend_from_slice(b"hello");
        let Io::Write(output) = wire.write(start) else {
            unreachable!()
        };
        assert_eq!(output.deadline(), Some(start + Duration::from_secs(300)));
        output.sent(1);
        let Io::Write(output) = wire.write(later) else {
            unreachable!()
        };
        assert_eq!(output.deadline(), Some(later + Duration::from_secs(300)));
    }
}
