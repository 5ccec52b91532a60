//! The DEFLATE layer (RFC 4978) around a stream: adapts the pure codecs to polled reads and writes.
//!
//! What is held is inflated before the socket is touched, and a read never takes more from the socket than
//! one small buffer: a decompression bomb waits in the socket. [`rest`](Deflated::rest) gives all of it back.

use mailcore_base::wire::{Deflater, Inflater};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Compressed bytes read at a time, in octets.
const HELD: usize = 4 * 1024;
/// Compressed bytes kept for the socket before more is taken, in octets.
const PACKED: usize = 16 * 1024;

/// The state of a DEFLATE layer; the stream below is lent to each call.
#[derive(Debug, Default)]
pub(super) struct Deflated {
    inflater: Inflater,
    deflater: Deflater,
    /// Compressed input; what is before `start` was inflated already.
    held: Vec<u8>,
    start: usize,
    /// Compressed output; what is before `sent` left already.
    packed: Vec<u8>,
    sent: usize,
}

impl Deflated {
    /// A layer whose first compressed bytes were read ahead of it.
    pub(super) fn new(early: &[u8]) -> Self {
        Self {
            held: early.to_vec(),
            ..Self::default()
        }
    }

    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let held = self.held.get(self.start..).unwrap_or_default();
            let progress = self
                .inflater
                .inflate(held, buf.initialize_unfilled())
                .map_err(|corrupt| io::Error::new(io::ErrorKind::InvalidData, corrupt))?;
            self.start += progress.consumed;
            if progress.produced > 0 {
                buf.advance(progress.produced);
                return Poll::Ready(Ok(()));
            }
            if self.inflater.ended() {
                return Poll::Ready(Ok(()));
            }
            if self.start >= self.held.len() && ready!(self.poll_take(below, cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads compressed bytes into the empty `held`; gives the buffer back when there are none yet.
    fn poll_take<S: AsyncRead + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.start = 0;
        self.held.resize(HELD, 0);
        let mut room = ReadBuf::new(&mut self.held);
        let taken = Pin::new(below).poll_read(cx, &mut room);
        let n = room.filled().len();
        match taken {
            Poll::Ready(Ok(())) => {
                self.held.truncate(n);
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(error)) => {
                self.held = Vec::new();
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.held = Vec::new();
                Poll::Pending
            }
        }
    }

    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let filled = self.packed.len();
            if filled < PACKED {
                self.packed.resize(PACKED, 0);
                let room = self.packed.get_mut(filled..).unwrap_or_default();
                let progress = self.deflater.deflate(bytes, room);
                self.packed.truncate(filled + progress.produced);
                if progress.consumed > 0 || bytes.is_empty() {
                    return Poll::Ready(Ok(progress.consumed));
                }
            }
            ready!(self.poll_send(below, cx))?;
        }
    }

    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.deflater.dirty() {
            let filled = self.packed.len();
            if filled < PACKED {
                self.packed.resize(PACKED, 0);
                let room = self.packed.get_mut(filled..).unwrap_or_default();
                let produced = self.deflater.flush(room);
                self.packed.truncate(filled + produced);
            } else {
                ready!(self.poll_send(below, cx))?;
            }
        }
        ready!(self.poll_send(below, cx))?;
        Pin::new(below).poll_flush(cx)
    }

    /// Hands all that is packed to the stream below.
    fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.packed.len() {
            let unsent = self.packed.get(self.sent..).unwrap_or_default();
            let n = ready!(Pin::new(&mut *below).poll_write(cx, unsent))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        self.packed.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Gives back the codecs and buffers that hold nothing.
    pub(super) fn rest(&mut self) {
        self.deflater.rest();
        if self.start >= self.held.len() {
            self.inflater.rest();
            self.held = Vec::new();
            self.start = 0;
        }
        if self.packed.is_empty() {
            self.packed = Vec::new();
        }
    }
}
