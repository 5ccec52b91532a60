//! A message on its way to the client (RETR, TOP): read in pieces, never held whole.

use super::stuffing::Stuffing;
use bytes::{Buf, Bytes};
use mailcore_base::mailbox::Uid;

/// A message that is being sent.
#[derive(Debug)]
pub(super) struct Retrieval {
    pub(super) number: u32,
    pub(super) uid: Uid,
    /// Its size as it was listed; none for TOP.
    pub(super) announced: Option<u64>,
    /// Where the next piece is to be read from.
    pub(super) offset: u64,
    /// The client has been told that the message follows.
    pub(super) begun: bool,
    stuffing: Stuffing,
    /// What was read and not yet sent.
    held: Bytes,
    ended: bool,
}

impl Retrieval {
    /// RETR of a message of this size.
    pub(super) fn whole(number: u32, uid: Uid, size: u64) -> Self {
        Self::new(number, uid, Some(size), None)
    }

    /// TOP of a message.
    pub(super) fn top(number: u32, uid: Uid, lines: u64) -> Self {
        Self::new(number, uid, None, Some(lines))
    }

    fn new(number: u32, uid: Uid, announced: Option<u64>, lines: Option<u64>) -> Self {
        Self {
            number,
            uid,
            announced,
            offset: 0,
            begun: false,
            stuffing: Stuffing::new(lines),
            held: Bytes::new(),
            ended: false,
        }
    }

    /// Takes in the piece that was read; none of it: the message is at its end.
    pub(super) fn read(&mut self, piece: Bytes) {
        self.ended = piece.is_empty();
        self.offset = self.offset.saturating_add(piece.len() as u64);
        self.held = piece;
    }

    /// A piece has to be read.
    pub(super) fn wants_piece(&self) -> bool {
        self.held.is_empty() && !self.ended
    }

    /// Writes at most `room` octets of what was read, and the dots that they need.
    pub(super) fn send(&mut self, room: usize, out: &mut Vec<u8>) {
        let piece = self.held.get(..room).unwrap_or(&self.held);
        self.stuffing.write(piece, out);
        self.held.advance(piece.len());
    }

    /// All that is wanted has been written.
    pub(super) fn complete(&self) -> bool {
        self.stuffing.enough() || (self.ended && self.held.is_empty())
    }

    /// Writes the end.
    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        self.stuffing.finish(out);
    }
}
