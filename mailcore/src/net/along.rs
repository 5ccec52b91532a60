//! Looking after the peer while something else is awaited: ready output goes out, input is read ahead within
//! the machine's bounds, and a hang-up, a shutdown and a kick are seen. Store calls are awaited through
//! [`End::attend`] or [`End::carry`], never bare.

use super::end::{End, Happened, earlier, now};
use super::stream::Transport;
use mailcore_base::wire::{Io, Meanwhile};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Reads and writes in one poll before other tasks get a turn.
const TURNS: usize = 32;

impl<S: Transport> End<S> {
    /// Awaits `work` for a peer that waits for it. `None` when nobody does any more, because the connection
    /// is lost, the grace of a half-closed one is over, or the session was kicked: the work is dropped, the
    /// question is to be dropped too, and the machine finds its connection lost.
    pub async fn attend<T>(
        &mut self,
        line: &mut impl Meanwhile,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        // Most answers are there at once.
        if let Poll::Ready(value) = once(work.as_mut()).await {
            return Some(value);
        }
        let grace = Some(self.pace.grace);
        let value = self.beside(line, work, grace).await;
        self.abandoned = value.is_none();
        if value.is_none() {
            line.abandon();
        }
        value
    }

    /// Awaits `work` whatever the peer does: for what must not be left half done, a commit, a copy.
    pub async fn carry<T>(
        &mut self,
        line: &mut impl Meanwhile,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        if let Poll::Ready(value) = once(work.as_mut()).await {
            return value;
        }
        match self.beside(line, work.as_mut(), None).await {
            Some(value) => value,
            None => work.await,
        }
    }

    /// Awaits `work` and looks after the line, as long as somebody is there; without a `grace`, somebody
    /// is until the connection is lost.
    async fn beside<T>(
        &mut self,
        line: &mut impl Meanwhile,
        mut work: Pin<&mut impl Future<Output = T>>,
        grace: Option<Duration>,
    ) -> Option<T> {
        let mut beats = Beats::new(self.pace.beat);
        let mut patience = None;
        let mut hurried = false;
        let mut alarm = pin!(None::<tokio::time::Sleep>);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(value) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            let grave = self.bell.poll_grave(cx);
            if grave.kicked {
                return Poll::Ready(None);
            }
            if grave.shutdown && !hurried {
                hurried = true;
                line.shutdown();
            }
            loop {
                let now = now();
                beats.strike(now, line);
                let stalled = self.poll_line(cx, line, now);
                if patience.is_none() && line.silent() {
                    patience = grace.and_then(|grace| now.checked_add(grace));
                }
                if line.gone() || patience.is_some_and(|until| until <= now) {
                    return Poll::Ready(None);
                }
                let Some(next) = earlier(earlier(beats.next, stalled), patience) else {
                    return Poll::Pending;
                };
                if poll_alarm(alarm.as_mut(), cx, next).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Does what the line wants until it has to wait; returns when the peer's time to read is over.
    fn poll_line(
        &mut self,
        cx: &mut Context<'_>,
        line: &mut impl Meanwhile,
        now: Instant,
    ) -> Option<Instant> {
        for _ in 0..TURNS {
            let turn = match line.io(now) {
                Io::Write(output) => {
                    let deadline = output.deadline();
                    if deadline.is_some_and(|deadline| deadline <= now) {
                        output.expired();
                        continue;
                    }
                    match self.poll_write(cx, &mut Some(output)) {
                        Poll::Ready(happened) => happened,
                        Poll::Pending => return deadline,
                    }
                }
                Io::Read(room) => match self.poll_read(cx, &mut Some(room)) {
                    Poll::Ready(happened) => happened,
                    Poll::Pending => return None,
                },
                _ => {
                    // A failed flush is told to the machine by the next read or write.
                    let _ = self.poll_flush(cx);
                    return None;
                }
            };
            if let Happened::Lost(error) = turn {
                self.lost.get_or_insert(error);
            }
        }
        cx.waker().wake_by_ref();
        None
    }
}

/// The beats of long work.
struct Beats {
    every: Option<Duration>,
    next: Option<Instant>,
    count: u32,
}

impl Beats {
    fn new(every: Option<Duration>) -> Self {
        Self {
            every,
            next: every.and_then(|every| now().checked_add(every)),
            count: 0,
        }
    }

    fn strike(&mut self, now: Instant, line: &mut impl Meanwhile) {
        if self.next.is_some_and(|next| next <= now) {
            self.count = self.count.saturating_add(1);
            line.tick(self.count);
            self.next = self.every.and_then(|every| now.checked_add(every));
        }
    }
}

fn poll_alarm(
    mut alarm: Pin<&mut Option<tokio::time::Sleep>>,
    cx: &mut Context<'_>,
    at: Instant,
) -> Poll<()> {
    let at = tokio::time::Instant::from_std(at);
    match alarm.as_mut().as_pin_mut() {
        Some(sleep) if sleep.deadline() != at => sleep.reset(at),
        Some(_) => {}
        None => alarm.set(Some(tokio::time::sleep_until(at))),
    }
    match alarm.as_pin_mut() {
        Some(sleep) => sleep.poll(cx),
        None => Poll::Pending,
    }
}

async fn once<F: Future>(mut work: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await
}
