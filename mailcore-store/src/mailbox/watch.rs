//! Waiting for a mailbox to change, without a task, a thread or a descriptor for each session.

use mailcore_base::mailbox::ModSeq;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The level that one mailbox has reached, and who waits for it to rise.
#[derive(Default)]
pub(crate) struct Watch(Mutex<Level>);

#[derive(Default)]
struct Level {
    reached: u64,
    next: u64,
    waiting: Vec<(u64, Waker)>,
}

impl Watch {
    fn level(&self) -> MutexGuard<'_, Level> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mailbox is at `modseq`.
    pub(crate) fn ring(&self, modseq: ModSeq) {
        let woken = {
            let mut level = self.level();
            if modseq.0 <= level.reached {
                return;
            }
            level.reached = modseq.0;
            std::mem::take(&mut level.waiting)
        };
        for (_, waker) in woken {
            waker.wake();
        }
    }

    /// The mailbox is gone: whoever waits now or later has a reason to look.
    pub(crate) fn close(&self) {
        self.ring(ModSeq(u64::MAX));
    }

    /// Resolves once the level is past `known`.
    pub(crate) fn past(&self, known: ModSeq) -> Past<'_> {
        Past {
            watch: self,
            known: known.0,
            ticket: None,
        }
    }

    /// Whether anybody waits.
    #[cfg(feature = "files")]
    pub(crate) fn is_watched(&self) -> bool {
        !self.level().waiting.is_empty()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level();
        write!(
            f,
            "Watch({}, {} waiting)",
            level.reached,
            level.waiting.len()
        )
    }
}

pub(crate) struct Past<'w> {
    watch: &'w Watch,
    known: u64,
    ticket: Option<u64>,
}

impl Future for Past<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut level = self.watch.level();
        if level.reached > self.known {
            return Poll::Ready(());
        }
        // A ring that did not get past `known` has taken the waker off the list: put it back.
        if let Some((_, waker)) = level
            .waiting
            .iter_mut()
            .find(|(ticket, _)| Some(*ticket) == self.ticket)
        {
            waker.clone_from(cx.waker());
        } else {
            level.next += 1;
            let ticket = level.next;
            level.waiting.push((ticket, cx.waker().clone()));
            drop(level);
            self.ticket = Some(ticket);
        }
        Poll::Pending
    }
}

impl Drop for Past<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.watch.level().waiting.retain(|(t, _)| *t != ticket);
        }
    }
}
