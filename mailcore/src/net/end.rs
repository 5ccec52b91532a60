//! Our end of a connection: does what a machine wants of the outside world, one [`Io`] at a time.
//!
//! Every await in here may be dropped: bytes are moved and told to the machine within one poll, a handshake
//! that was cut short is carried on. Nothing here decides protocol; it never writes a byte that no machine
//! asked for.

use super::bell::Bell;
use super::pump::Ended;
use super::stream::{Stream, Transport};
use mailcore_base::wire::{Io, Layer, Notice, Output, Room, Upgrade};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most that is read of a peer that goes on talking after the goodbye, in octets.
const DRAIN: usize = 256 * 1024;

/// The time that drivers go by: tokio's, so that tests can turn it.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Times of a connection that are not the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How often a machine may say that long work goes on; `None` for never.
    pub beat: Option<Duration>,
    /// How long a peer that closed its half behind its last command is believed to wait for the answer. It
    /// may be a script that piped its commands in, or one that hung up; TCP does not tell which.
    pub grace: Duration,
    /// After how long without traffic a compressed connection gives its codecs' memory back.
    pub calm: Duration,
    /// How long closing may take: sending what is left, and waiting for the peer to close its half.
    pub goodbye: Duration,
}

impl Default for Pace {
    /// A minute for the handshake, a beat every 10 s, 5 s of grace, calm after 5 s, 2 s to say goodbye.
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(60),
            beat: Some(Duration::from_secs(10)),
            grace: Duration::from_secs(5),
            calm: Duration::from_secs(5),
            goodbye: Duration::from_secs(2),
        }
    }
}

/// What became of an [`Io`]. The machine has been told already, but for [`Rung`](Self::Rung).
#[derive(Debug)]
#[must_use = "a notice that was rung has to be told to the machine"]
pub enum Happened {
    /// Bytes moved, a layer stands, or the peer closed its half.
    Moved,
    /// The deadline passed first.
    Expired,
    /// The bell rang first; nothing was taken of the step.
    Rung(Notice),
    /// The connection broke; the reason is for the log.
    Lost(io::Error),
    /// The machine is finished; [`End::close`] says goodbye.
    Closed,
    /// For a turn of a [`Dialog`](super::Dialog): it was a question, and it was answered or dropped.
    Answered,
}

/// Our end of a connection, with the bell of its session.
#[derive(Debug)]
pub struct End<S> {
    pub(super) stream: Stream<S>,
    pub(super) bell: Bell,
    pub(super) pace: Pace,
    /// Something was written since the last flush.
    pub(super) unflushed: bool,
    /// Octets read and written, above all layers.
    read: u64,
    written: u64,
    /// When the handshake that is under way has taken too long.
    handshake: Option<Instant>,
    /// The last question that was attended found nobody waiting for its answer.
    pub(super) abandoned: bool,
    /// What broke the connection while a question was open.
    pub(super) lost: Option<io::Error>,
}

impl<S: Transport> End<S> {
    /// Takes over a connection; `bell` calls its session.
    pub fn new(stream: Stream<S>, bell: Bell) -> Self {
        Self {
            stream,
            bell,
            pace: Pace::default(),
            unflushed: false,
            read: 0,
            written: 0,
            handshake: None,
            abandoned: false,
            lost: None,
        }
    }

    /// Sets times other than the usual ones.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The connection, for what is known of it.
    pub fn stream(&self) -> &Stream<S> {
        &self.stream
    }

    /// What broke the connection in the middle of its TLS handshake, if that is how it `ended`.
    pub(super) fn broken_handshake<'e>(&self, ended: &'e Ended) -> Option<&'e io::Error> {
        match ended {
            // We went ourselves: a shutdown, or an administrator.
            Ended::Lost(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Ended::Lost(error) if self.stream.is_half_secured() => Some(error),
            _ => None,
        }
    }

    /// Octets read and written so far, as the protocol counts them: above TLS and DEFLATE.
    pub fn octets(&self) -> (u64, u64) {
        (self.read, self.written)
    }

    /// The session's bell.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Puts TLS up before the machine says anything (implicit TLS), within the time for a handshake.
    ///
    /// # Errors
    /// When the handshake fails or takes too long, or a shutdown or a kick comes first.
    pub async fn secure(&mut self) -> io::Result<()> {
        let until = now().checked_add(self.pace.handshake);
        let (stream, bell) = (&mut self.stream, &self.bell);
        let step = |cx: &mut Context<'_>| {
            let grave = bell.poll_grave(cx);
            if grave.kicked || grave.shutdown {
                return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
            }
            stream.poll_layer(cx, Layer::Tls, &[])
        };
        before(until, step)
            .await
            .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Does what `io` wants, or as much of it as there is before the bell rings or the deadline passes.
    /// Dropped, nothing of it was done, but for a handshake, which the next call carries on.
    pub async fn race(&mut self, io: Io<'_>) -> Happened {
        match io {
            Io::Read(room) => self.read(room).await,
            Io::Write(output) => self.write(output).await,
            Io::Wait(until) => self.wait(until).await,
            Io::Layer(upgrade) => self.layer(upgrade).await,
            // Anything that this version does not know cannot be done, so the connection is over.
            _ => Happened::Closed,
        }
    }

    async fn read(&mut self, room: Room<'_>) -> Happened {
        let deadline = room.deadline();
        let calm = if self.stream.compressed() {
            now().checked_add(self.pace.calm)
        } else {
            None
        };
        let mut room = Some(room);
        let first = earlier(deadline, calm);
        let mut happened = before(first, |cx| self.poll_raced_read(cx, &mut room)).await;
        if happened.is_none() && first != deadline {
            self.stream.rest();
            happened = before(deadline, |cx| self.poll_raced_read(cx, &mut room)).await;
        }
        happened.unwrap_or_else(|| {
            if let Some(room) = room.take() {
                room.expired();
            }
            Happened::Expired
        })
    }

    fn poll_raced_read(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut Option<Room<'_>>,
    ) -> Poll<Happened> {
        if let Some(notice) = self.bell.heard() {
            return Poll::Ready(Happened::Rung(notice));
        }
        match self.poll_read(cx, room) {
            Poll::Ready(happened) => Poll::Ready(happened),
            Poll::Pending => self.bell.poll_hear(cx).map(Happened::Rung),
        }
    }

    /// Flushes and reads. A flush that has to wait does not keep the reading waiting: the peer may be
    /// waiting for us to read.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        lent: &mut Option<Room<'_>>,
    ) -> Poll<Happened> {
        let flushed = self.poll_flush(cx);
        let Some(room) = lent else {
            return Poll::Pending;
        };
        if let Poll::Ready(Err(error)) = flushed {
            if let Some(room) = lent.take() {
                room.failed();
            }
            return Poll::Ready(Happened::Lost(error));
        }
        let mut buffer = ReadBuf::new(room.spare());
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        let n = buffer.filled().len();
        if read.is_pending() {
            room.rest();
            return Poll::Pending;
        }
        match (ready!(read), lent.take()) {
            (Ok(()), Some(room)) => {
                room.filled(n);
                self.read = self.read.saturating_add(n as u64);
                Poll::Ready(Happened::Moved)
            }
            (Err(error), Some(room)) => {
                room.failed();
                Poll::Ready(Happened::Lost(error))
            }
            (_, None) => Poll::Pending,
        }
    }

    async fn write(&mut self, output: Output<'_>) -> Happened {
        let deadline = output.deadline();
        let mut output = Some(output);
        let step = |cx: &mut Context<'_>| {
            if let Some(notice) = self.bell.heard() {
                return Poll::Ready(Happened::Rung(notice));
            }
            match self.poll_write(cx, &mut output) {
                Poll::Ready(happened) => Poll::Ready(happened),
                Poll::Pending => self.bell.poll_hear(cx).map(Happened::Rung),
            }
        };
        match before(deadline, step).await {
            Some(happened) => happened,
            None => {
                if let Some(output) = output.take() {
                    output.expired();
                }
                Happened::Expired
            }
        }
    }

    /// One write, told to the machine in the same poll.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        lent: &mut Option<Output<'_>>,
    ) -> Poll<Happened> {
        let Some(output) = lent else {
            return Poll::Pending;
        };
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, output.bytes()));
        let Some(output) = lent.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match written {
            Ok(n) if n > 0 => {
                self.unflushed = true;
                output.sent(n);
                self.written = self.written.saturating_add(n as u64);
                Happened::Moved
            }
            Ok(_) => {
                output.failed();
                Happened::Lost(io::ErrorKind::WriteZero.into())
            }
            Err(error) => {
                output.failed();
                Happened::Lost(error)
            }
        })
    }

    /// Flushes what was written, once.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.unflushed = false;
        Poll::Ready(flushed)
    }

    async fn wait(&mut self, until: Option<Instant>) -> Happened {
        let step = |cx: &mut Context<'_>| {
            if let Poll::Ready(notice) = self.bell.poll_hear(cx) {
                return Poll::Ready(Happened::Rung(notice));
            }
            match self.poll_flush(cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Happened::Lost(error)),
                _ => Poll::Pending,
            }
        };
        before(until, step).await.unwrap_or(Happened::Expired)
    }

    async fn layer(&mut self, upgrade: Upgrade<'_>) -> Happened {
        let allowed = self.pace.handshake;
        let until = match self.handshake {
            Some(until) => Some(until),
            None => now().checked_add(allowed),
        };
        self.handshake = until;
        let layer = upgrade.layer();
        let step = |cx: &mut Context<'_>| {
            if let Some(notice) = self.bell.heard() {
                return Poll::Ready(Err(notice));
            }
            let stands = match self.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.stream.poll_layer(cx, layer, upgrade.early()),
                other => other,
            };
            match stands {
                Poll::Ready(result) => Poll::Ready(Ok(result)),
                Poll::Pending => self.bell.poll_hear(cx).map(Err),
            }
        };
        let stands = before(until, step).await;
        match stands {
            // Before TLS stands there are no words, and nobody waits for a peer that is silent in its handshake.
            Some(Err(Notice::Shutdown | Notice::Kicked)) if layer == Layer::Tls => {
                self.handshake = None;
                upgrade.failed();
                return Happened::Lost(io::ErrorKind::Interrupted.into());
            }
            Some(Err(notice)) => return Happened::Rung(notice),
            _ => {}
        }
        self.handshake = None;
        match stands {
            Some(Ok(Ok(()))) => {
                upgrade.done();
                Happened::Moved
            }
            Some(Ok(Err(error))) => {
                upgrade.failed();
                Happened::Lost(error)
            }
            _ => {
                upgrade.failed();
                Happened::Lost(io::ErrorKind::TimedOut.into())
            }
        }
    }

    /// Says goodbye: sends what is left, closes our half and reads the peer's rest for a moment, since a
    /// connection closed on unread input is reset, and a reset can take our last words with it.
    pub async fn close(mut self) {
        let until = now().checked_add(self.pace.goodbye);
        let mut room = [0; 1024];
        let mut drained = 0;
        let mut shut = false;
        let step = |cx: &mut Context<'_>| {
            if !shut {
                match ready!(Pin::new(&mut self.stream).poll_shutdown(cx)) {
                    Ok(()) => shut = true,
                    Err(_) => return Poll::Ready(()),
                }
            }
            loop {
                let mut buffer = ReadBuf::new(&mut room);
                let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
                drained += buffer.filled().len();
                if read.is_err() || buffer.filled().is_empty() || drained > DRAIN {
                    return Poll::Ready(());
                }
            }
        };
        before(until, step).await;
    }
}

pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, None) => a,
        (None, b) => b,
    }
}

/// Polls `step` until it is ready or the deadline has passed. A step that is ready at once costs no timer.
async fn before<T>(
    deadline: Option<Instant>,
    mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let first = std::future::poll_fn(|cx| Poll::Ready(step(cx))).await;
    if let Poll::Ready(value) = first {
        return Some(value);
    }
    let Some(deadline) = deadline else {
        return Some(std::future::poll_fn(step).await);
    };
    let mut alarm = pin!(tokio::time::sleep_until(deadline.into()));
    std::future::poll_fn(|cx| match step(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
    })
    .await
}
