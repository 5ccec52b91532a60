//! How the rest of the server calls the one who runs the queue: mail has come, try all now, a message is not yours any
//! more. Orders are level-triggered: given twice they are given once, and they wait until they are heard.

use mailcore_store::queue::Identity;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Orders to a [`Runner`](super::Runner). Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Orders(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    bell: Arc<Notify>,
    heard: Mutex<Heard>,
}

/// What was ordered since somebody last looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Destinations that were given up for a while are to be tried again.
    pub(super) flush: bool,
    /// Messages that an administrator has put elsewhere.
    pub(super) forget: HashSet<Identity>,
    /// Messages that are to be tried whatever stands in the way.
    pub(super) urge: HashSet<Identity>,
}

impl Orders {
    /// Orders that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A message has come, or one was made due: look into the queue.
    pub fn look(&self) {
        self.0.bell.notify_one();
    }

    /// What [`look`](Self::look) rings, for those who have no other orders.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.0.bell)
    }

    /// Try everything that is due now, also where a destination was found dead (Postfix: postqueue -f).
    pub fn flush(&self) {
        self.give(|heard| heard.flush = true);
    }

    /// The message was held or removed: begin no further attempt. Those that run are not stopped.
    pub fn forget(&self, message: Identity) {
        self.give(|heard| {
            heard.forget.insert(message);
        });
    }

    /// Try this message, which was made due, also by a transport whose mail is deferred (Postfix: postqueue -i).
    pub fn urge(&self, message: Identity) {
        self.give(|heard| {
            heard.urge.insert(message);
        });
    }

    fn give(&self, order: impl FnOnce(&mut Heard)) {
        order(&mut self.board());
        self.0.bell.notify_one();
    }

    /// Waits until there is an order, be it no more than to look, and takes all there are.
    pub(super) async fn heard(&self) -> Heard {
        self.0.bell.notified().await;
        std::mem::take(&mut self.board())
    }

    fn board(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_wait_until_they_are_heard_and_are_heard_once() {
        let orders = Orders::new();
        orders.clone().look();
        orders.forget(Identity(7));
        orders.forget(Identity(7));
        let heard = orders.heard().await;
        assert!(!heard.flush);
        assert_eq!(heard.forget, HashSet::from([Identity(7)]));
        let none = tokio::time::timeout(std::time::Duration::ZERO, orders.heard());
        assert!(none.await.is_err(), "nothing is heard twice");
    }
}
