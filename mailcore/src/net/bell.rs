//! The bell of a session: how the rest of the server calls it while it waits for its peer.
//!
//! Notices are level-triggered: ringing twice is ringing once, and a notice waits until it is heard. A bell
//! never carries anything but notices; what has changed is asked for elsewhere.

use mailcore_base::wire::Notice;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

const CHANGED: u8 = 1;
const SHUTDOWN: u8 = 2;
const KICKED: u8 = 4;

/// A bell that anyone may ring and one session hears. Clones are the same bell; it costs about 64 octets.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Clapper>);

#[derive(Debug, Default)]
struct Clapper {
    rung: AtomicU8,
    listener: Mutex<Option<Waker>>,
}

impl Bell {
    /// A bell that has not been rung.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the session `notice`. Notices of a kind that this version does not know are not told.
    pub fn ring(&self, notice: Notice) {
        let bit = match notice {
            Notice::Changed => CHANGED,
            Notice::Shutdown => SHUTDOWN,
            Notice::Kicked => KICKED,
            _ => return,
        };
        if self.0.rung.fetch_or(bit, Ordering::AcqRel) & bit != 0 {
            return;
        }
        let listener = self.listener().take();
        if let Some(waker) = listener {
            waker.wake();
        }
    }

    /// Takes a notice that has not been heard yet, the gravest first.
    pub fn heard(&self) -> Option<Notice> {
        if self.0.rung.load(Ordering::Acquire) == 0 {
            return None;
        }
        [
            (KICKED, Notice::Kicked),
            (SHUTDOWN, Notice::Shutdown),
            (CHANGED, Notice::Changed),
        ]
        .into_iter()
        .find(|(bit, _)| self.0.rung.fetch_and(!bit, Ordering::AcqRel) & bit != 0)
        .map(|(_, notice)| notice)
    }

    /// Waits for a notice and takes it. Only one task may wait on a bell: the latest one is woken.
    pub async fn hear(&self) -> Notice {
        std::future::poll_fn(|cx| self.poll_hear(cx)).await
    }

    /// [`hear`](Self::hear) for a future written by hand.
    pub fn poll_hear(&self, cx: &mut Context<'_>) -> Poll<Notice> {
        if let Some(notice) = self.heard() {
            return Poll::Ready(notice);
        }
        self.listen(cx);
        // What was rung before the listener was in place has woken nobody.
        match self.heard() {
            Some(notice) => Poll::Ready(notice),
            None => Poll::Pending,
        }
    }

    /// Whether any of the grave notices waits, without taking it.
    pub(super) fn poll_grave(&self, cx: &mut Context<'_>) -> Grave {
        self.listen(cx);
        let rung = self.0.rung.load(Ordering::Acquire);
        Grave {
            shutdown: rung & SHUTDOWN != 0,
            kicked: rung & KICKED != 0,
        }
    }

    fn listen(&self, cx: &mut Context<'_>) {
        let mut listener = self.listener();
        match &*listener {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => *listener = Some(cx.waker().clone()),
        }
    }

    fn listener(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The notices that matter while a question is open; both stay in the bell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grave {
    pub(super) shutdown: bool,
    pub(super) kicked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_waits_until_it_is_heard_and_is_heard_once() {
        let bell = Bell::new();
        bell.ring(Notice::Changed);
        bell.ring(Notice::Changed);
        bell.ring(Notice::Shutdown);
        assert_eq!(bell.heard(), Some(Notice::Shutdown));
        assert_eq!(bell.heard(), Some(Notice::Changed));
        assert_eq!(bell.heard(), None);
        bell.ring(Notice::Kicked);
        assert_eq!(bell.heard(), Some(Notice::Kicked));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let bell = Bell::new();
        let ringer = bell.clone();
        let waiting = tokio::spawn(async move { bell.hear().await });
        tokio::task::yield_now().await;
        ringer.ring(Notice::Changed);
        assert_eq!(waiting.await.unwrap(), Notice::Changed);
    }
}
