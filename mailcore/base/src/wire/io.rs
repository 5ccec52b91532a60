//! The four things a machine can want of the outside world, each a loan of its own buffers.

use super::{Loss, Wire};
use std::time::Instant;

/// What a machine wants next.
///
/// ```text
///            ┌────────── Read ──────────┐
///  step() ──►├────────── Write ─────────┤──► the driver did it (or part of it, or nothing) ──► step()
///            ├────────── Wait ──────────┤
///            ├────────── Layer ─────────┘
///            └────────── Close ───────────► the connection is over
/// ```
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Io<'s> {
    /// Bytes from the peer are wanted. All output has been handed over before this is said.
    Read(Room<'s>),
    /// Bytes are ready for the peer.
    Write(Output<'s>),
    /// Nothing is wanted before this instant, or before a notice where there is none.
    Wait(Option<Instant>),
    /// A layer (TLS, DEFLATE) is to be put around the connection before anything else passes.
    Layer(Upgrade<'s>),
    /// The connection is over; close it.
    Close,
}

/// Room for bytes from the peer: a loan of the machine's input buffer.
#[derive(Debug)]
pub struct Room<'s> {
    wire: &'s mut Wire,
    deadline: Option<Instant>,
}

impl<'s> Room<'s> {
    pub(super) fn new(wire: &'s mut Wire, deadline: Option<Instant>) -> Self {
        Self { wire, deadline }
    }

    /// Where to put the bytes; never empty. Its length bounds one read.
    pub fn spare(&mut self) -> &mut [u8] {
        self.wire.spare()
    }

    /// `n` bytes were put at the start of [`spare`](Self::spare). Zero means that the peer has closed its
    /// half of the connection. More than there is room for counts as all of it.
    pub fn filled(self, n: usize) {
        self.wire.filled(n);
    }

    /// When the machine's patience ends; tell it with [`expired`](Self::expired).
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The deadline passed before a byte came.
    pub fn expired(self) {
        self.wire.expire();
    }

    /// Reading failed: the connection is lost.
    pub fn failed(self) {
        self.wire.lose(Loss::Broken);
    }

    /// Nothing has come yet and the wait may be long: the machine gives back the buffers it does not need,
    /// so that an idle session stays small. [`spare`](Self::spare) takes one again.
    pub fn rest(&mut self) {
        self.wire.rest();
    }
}

/// Bytes for the peer: a loan of the machine's output buffer.
#[derive(Debug)]
pub struct Output<'s> {
    wire: &'s mut Wire,
    deadline: Option<Instant>,
}

impl<'s> Output<'s> {
    pub(super) fn new(wire: &'s mut Wire, deadline: Option<Instant>) -> Self {
        Self { wire, deadline }
    }

    /// What is to be sent; never empty.
    pub fn bytes(&self) -> &[u8] {
        self.wire.unsent()
    }

    /// The first `n` of [`bytes`](Self::bytes) were handed to the connection.
    pub fn sent(self, n: usize) {
        self.wire.sent(n);
    }

    /// When a peer that does not read has used up the machine's patience.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The deadline passed and the peer took nothing: the connection counts as lost.
    pub fn expired(self) {
        self.wire.lose(Loss::Stalled);
    }

    /// Writing failed: the connection is lost.
    pub fn failed(self) {
        self.wire.lose(Loss::Broken);
    }
}

/// A layer that can be put around a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// TLS. What the peer sent ahead of the handshake in the clear is discarded: it may have been injected.
    Tls,
    /// DEFLATE (RFC 4978). What was read ahead already belongs to the compressed stream.
    Deflate,
}

/// A layer to be put around the connection now.
#[derive(Debug)]
pub struct Upgrade<'s> {
    wire: &'s mut Wire,
    layer: Layer,
}

impl<'s> Upgrade<'s> {
    pub(super) fn new(wire: &'s mut Wire, layer: Layer) -> Self {
        Self { wire, layer }
    }

    /// Which layer.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// What was read ahead of the layer. For [`Layer::Deflate`] it is the first of the compressed bytes; for
    /// [`Layer::Tls`] it must not be used, and [`done`](Self::done) discards it.
    pub fn early(&self) -> &[u8] {
        self.wire.input()
    }

    /// The layer stands (for TLS: the handshake succeeded). Whatever was read ahead is no longer the machine's.
    pub fn done(self) {
        self.wire.layered(self.layer);
    }

    /// The layer could not be put up (a failed handshake): the connection is lost.
    pub fn failed(self) {
        self.wire.lose(Loss::Broken);
    }
}
