//! Orders and threads that were made of a mailbox's messages, kept beside it for whoever asks next, in whichever session.
//!
//! What a message is ordered by does not change under its UID. So an order of many serves for some of them, stays right
//! when others go, and takes in those that come; what is threaded serves for the same messages alone. Of one mailbox
//! a few orders are kept, of four octets a message, and the threads that were asked for last, of eight.

use mailcore_base::mailbox::{Uid, UidSet, UidValidity};
use mailcore_imap::sort::Criterion;
use mailcore_imap::thread::{Algorithm, Threads};
use mailcore_store::mailbox::Mailbox;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Orders that are kept of a mailbox: those that were asked for last.
const ORDERS: usize = 3;

/// What is kept of one mailbox.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    /// Under which it holds.
    validity: Option<UidValidity>,
    /// The one that was asked for last comes first.
    orders: Vec<(Arc<[Criterion]>, Arc<Order>)>,
    threads: Option<Arc<Threaded>>,
}

/// Messages in an order.
#[derive(Debug)]
pub(super) struct Order {
    uids: Vec<Uid>,
    members: UidSet,
}

#[derive(Debug)]
struct Threaded {
    by: Algorithm,
    members: UidSet,
    threads: Threads,
}

impl Kept {
    /// Of this mailbox; one of its own, where the store has no place for it.
    pub(super) fn of(mailbox: &dyn Mailbox) -> Arc<Self> {
        let pocket = mailbox.extensions().pocket;
        pocket.and_then(|pocket| pocket.of()).unwrap_or_default()
    }

    /// The messages in this order that were ordered last.
    pub(super) fn order(&self, validity: UidValidity, by: &Arc<[Criterion]>) -> Option<Arc<Order>> {
        let mut made = self.made(validity);
        let at = made.orders.iter().position(|(known, _)| known == by)?;
        let found = made.orders.remove(at);
        let order = Arc::clone(&found.1);
        made.orders.insert(0, found);
        Some(order)
    }

    /// From now on this is that order.
    pub(super) fn keep_order(
        &self,
        validity: UidValidity,
        by: &Arc<[Criterion]>,
        order: Arc<Order>,
    ) {
        let mut made = self.made(validity);
        made.orders.retain(|(known, _)| known != by);
        made.orders.truncate(ORDERS - 1);
        made.orders.insert(0, (Arc::clone(by), order));
    }

    /// The threads of just these messages, if they were made last.
    pub(super) fn threads(
        &self,
        validity: UidValidity,
        by: Algorithm,
        of: &UidSet,
    ) -> Option<Threads> {
        let last = self.made(validity).threads.clone()?;
        (last.by == by && last.members == *of).then(|| last.threads.clone())
    }

    /// These are the threads of these messages.
    pub(super) fn keep_threads(
        &self,
        validity: UidValidity,
        by: Algorithm,
        of: &UidSet,
        threads: &Threads,
    ) {
        let threaded = Threaded {
            by,
            members: of.clone(),
            threads: threads.clone(),
        };
        self.made(validity).threads = Some(Arc::new(threaded));
    }

    fn made(&self, validity: UidValidity) -> MutexGuard<'_, Made> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made.validity != Some(validity) {
            *made = Made {
                validity: Some(validity),
                ..Made::default()
            };
        }
        made
    }
}

impl Order {
    /// These are all its messages.
    pub(super) fn new(uids: Vec<Uid>) -> Self {
        let mut ascending = uids.clone();
        ascending.sort_unstable();
        Self {
            members: ascending.into_iter().collect(),
            uids,
        }
    }

    pub(super) fn uids(&self) -> &[Uid] {
        &self.uids
    }

    /// Those of these messages that are not in it.
    pub(super) fn lacks(&self, of: &UidSet) -> UidSet {
        of.difference(&self.members)
    }

    /// These messages, all of which are in it, in its order.
    pub(super) fn choose(&self, of: &UidSet) -> Vec<Uid> {
        if *of == self.members {
            return self.uids.clone();
        }
        let uids = self.uids.iter().copied();
        uids.filter(|uid| of.contains(*uid)).collect()
    }
}
