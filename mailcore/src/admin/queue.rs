//! The queue as an administrator sees and changes it: pages of messages, hold, release, retry, delete.

use crate::intake::QueueId;
use crate::log;
use crate::queue::Orders;
use mailcore_store::Result;
use mailcore_store::body::Body;
use mailcore_store::queue::{Entry, Identity, Lane, Queue};
use std::sync::Arc;

/// Messages that are looked at in one go.
const PAGE: usize = 500;

/// Which messages are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one.
    All,
    /// The ones shown under this queue id: hardly ever more than one, and then they cannot be told apart by it.
    Id(String),
}

/// The queue of a running server, and its runner's ear.
#[derive(Debug, Clone)]
pub struct QueueDesk {
    queue: Arc<dyn Queue>,
    orders: Orders,
}

impl QueueDesk {
    /// A desk over this queue, whose runner hears `orders`.
    pub fn new(queue: Arc<dyn Queue>, orders: Orders) -> Self {
        Self { queue, orders }
    }

    /// The page of messages behind `after`; empty at the end.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    pub async fn page(&self, after: Option<Identity>) -> Result<Vec<Entry>> {
        self.queue.page(None, after, PAGE).await
    }

    /// The message shown under this queue id.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    pub async fn find(&self, id: &str) -> Result<Option<Entry>> {
        Ok(self
            .select(None, &Selection::Id(id.to_owned()))
            .await?
            .pop())
    }

    /// A message's content.
    ///
    /// # Errors
    /// When the queue cannot be read for now.
    pub async fn content(&self, message: Identity) -> Result<Option<Arc<dyn Body>>> {
        self.queue.content(message).await
    }

    /// Puts messages on hold (postsuper -h); says how many.
    ///
    /// # Errors
    /// When it could not be made durable; some may be on hold then.
    pub async fn hold(&self, which: &Selection) -> Result<usize> {
        let mut done = 0;
        for entry in self.select(None, which).await? {
            if !matches!(entry.lane, Lane::Hold | Lane::Corrupt) {
                done += usize::from(self.put(&entry, Lane::Hold, "placed on hold").await?);
                self.orders.forget(entry.identity);
            }
        }
        Ok(done)
    }

    /// Releases messages from hold (postsuper -H); says how many.
    ///
    /// # Errors
    /// When it could not be made durable; some may be released then.
    pub async fn release(&self, which: &Selection) -> Result<usize> {
        let mut done = 0;
        for entry in self.select(Some(Lane::Hold), which).await? {
            done += usize::from(
                self.put(&entry, Lane::Deferred, "released from hold")
                    .await?,
            );
        }
        self.orders.look();
        Ok(done)
    }

    /// Tries deferred messages now (postqueue -f, -i); says how many.
    ///
    /// # Errors
    /// When it could not be made durable; some may be tried then.
    pub async fn retry(&self, which: &Selection) -> Result<usize> {
        let mut done = 0;
        for entry in self.select(Some(Lane::Deferred), which).await? {
            self.orders.urge(entry.identity);
            done += usize::from(self.put(&entry, Lane::Deferred, "requeued").await?);
        }
        self.orders.flush();
        Ok(done)
    }

    /// Deletes messages (postsuper -d), without a report to anybody; says how many.
    ///
    /// # Errors
    /// When it could not be made durable; some may be gone then.
    pub async fn delete(&self, which: &Selection) -> Result<usize> {
        let mut done = 0;
        for entry in self.select(None, which).await? {
            if self.queue.remove(entry.identity).await? {
                note(&entry, "removed");
                done += 1;
            }
            self.orders.forget(entry.identity);
        }
        Ok(done)
    }

    /// Puts a message into a lane, and says so in the log; false where it has gone meanwhile.
    async fn put(&self, entry: &Entry, lane: Lane, what: &str) -> Result<bool> {
        match self.queue.assign(entry.identity, lane).await {
            Ok(()) => {
                note(entry, what);
                Ok(true)
            }
            Err(error) if error.kind() == mailcore_store::Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn select(&self, lane: Option<Lane>, which: &Selection) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.queue.page(lane, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some(last.identity);
            found.extend(
                page.into_iter()
                    .filter(|entry| is_meant(which, entry.identity)),
            );
        }
    }
}

/// `ID: placed on hold`: what an administrator did leaves a trace.
fn note(entry: &Entry, what: &str) {
    let id = QueueId::of(entry.identity);
    log::postfix::info("postfix/postsuper", format_args!("{id}: {what}"));
}

fn is_meant(which: &Selection, message: Identity) -> bool {
    match which {
        Selection::All => true,
        Selection::Id(id) => QueueId::of(message).to_string() == *id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::envelope::Envelope;
    use mailcore_store::queue::MemoryQueue;
    use std::time::{Duration, SystemTime};

    async fn put(queue: &Arc<dyn Queue>) -> Identity {
        let draft = queue.create().await.unwrap();
        let arrived = SystemTime::now();
        let header = bytes::Bytes::from_static(b"Subject: x\r\n\r\n");
        draft
            .commit(header, Envelope::default(), arrived, Lane::Incoming)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn messages_are_held_released_and_deleted_by_their_id() {
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(Identity(1), 1 << 30));
        let desk = QueueDesk::new(Arc::clone(&queue), Orders::new());
        let (one, two) = (put(&queue).await, put(&queue).await);
        let id = Selection::Id(QueueId::of(one).to_string());
        assert_eq!(desk.hold(&id).await.unwrap(), 1);
        assert_eq!(desk.hold(&id).await.unwrap(), 0, "it is on hold");
        let now = SystemTime::now() + Duration::from_secs(60);
        let claimed = queue.claim(now, Duration::from_secs(1), 9).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].entry.identity, two);
        assert_eq!(desk.release(&Selection::All).await.unwrap(), 1);
        assert_eq!(desk.delete(&id).await.unwrap(), 1);
        assert!(
            desk.find(&QueueId::of(one).to_string())
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(desk.page(None).await.unwrap().len(), 1);
    }
}
