//! Mailboxes on a medium that takes its time: a message that is posted is begun to be written a while later. So whoever does
//! not wait for it goes on meanwhile.

use crate::chance::Chance;
use async_trait::async_trait;
use mailcore::base::mailbox::{MailboxName, SpecialUse};
use mailcore::store::Result;
use mailcore::store::auth::User;
use mailcore::store::mailbox::{
    Access, Account, Append, Extensions, Listed, MailStore, Mailbox, Stamp, Status, Ticket,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

#[derive(Debug)]
pub struct Slow {
    inner: Arc<dyn MailStore>,
    chance: Arc<Mutex<Chance>>,
}

impl Slow {
    pub fn new(inner: Arc<dyn MailStore>, chance: Chance) -> Self {
        Self {
            inner,
            chance: Arc::new(Mutex::new(chance)),
        }
    }
}

#[async_trait]
impl MailStore for Slow {
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>> {
        let inner = self.inner.account(user).await?;
        Ok(Arc::new(SlowAccount {
            inner,
            chance: Arc::clone(&self.chance),
        }))
    }
}

#[derive(Debug)]
struct SlowAccount {
    inner: Arc<dyn Account>,
    chance: Arc<Mutex<Chance>>,
}

#[async_trait]
impl Account for SlowAccount {
    fn separator(&self) -> char {
        self.inner.separator()
    }
    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        self.inner.list(after, limit).await
    }
    async fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        self.inner.subscriptions().await
    }
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.inner.subscribe(name, on).await
    }
    async fn status(&self, name: &MailboxName) -> Result<Status> {
        self.inner.status(name).await
    }
    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        self.inner.create(name, special).await
    }
    async fn delete(&self, name: &MailboxName) -> Result<()> {
        self.inner.delete(name).await
    }
    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        self.inner.rename(from, to).await
    }
    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>> {
        self.inner.open(name, access).await
    }
    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>> {
        let inner = self.inner.append(name).await?;
        let pause = {
            let mut chance = self.chance.lock().unwrap();
            match chance.once_in(3) {
                true => chance.seconds(4),
                false => Duration::ZERO,
            }
        };
        Ok(Box::new(SlowAppend { inner, pause }))
    }
    fn extensions(&self) -> Extensions {
        self.inner.extensions()
    }
}

#[derive(Debug)]
struct SlowAppend {
    inner: Box<dyn Append>,
    pause: Duration,
}

#[async_trait]
impl Append for SlowAppend {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.inner.write(chunk).await
    }
    fn commit(self: Box<Self>, stamp: Stamp) -> Ticket {
        Ticket::new(async move {
            sleep(self.pause).await;
            self.inner.commit(stamp).await
        })
    }
}
