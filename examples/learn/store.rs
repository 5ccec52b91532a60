//! A mail store of your own: any other store, with a limit on each message that comes in. The traits have no default
//! methods, so the compiler names whatever a wrapper forgets; the conformance suite tells whether it keeps the rest
//! of the contract. A store from nothing fills the same traits, `Mailbox` besides.
//!
//!     cargo run --example store            # delivers a small message and one that is too large
//!     cargo test --example store           # the conformance suite of mail stores

use mailcore::async_trait;
use mailcore::base::mailbox::{MailboxName, SpecialUse};
use mailcore::store::auth::User;
use mailcore::store::mailbox::{
    Access, Account, Append, Extensions, Listed, MailStore, Mailbox, MemoryStore, Stamp, Status,
    Ticket,
};
use mailcore::store::{Error, Kind, Result};
use std::sync::Arc;

/// A store, an account or an append that takes at most so many octets of a message.
#[derive(Debug)]
struct Limited<B> {
    octets: usize,
    below: B,
}

fn limited<B>(octets: usize, below: B) -> Limited<B> {
    Limited { octets, below }
}

#[async_trait]
impl<S: MailStore> MailStore for Limited<S> {
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>> {
        let below = self.below.account(user).await?;
        Ok(Arc::new(limited(self.octets, below)))
    }
}

#[async_trait]
impl Account for Limited<Arc<dyn Account>> {
    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>> {
        let below = self.below.append(name).await?;
        Ok(Box::new(limited(self.octets, below)))
    }

    fn separator(&self) -> char {
        self.below.separator()
    }
    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        self.below.list(after, limit).await
    }
    async fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        self.below.subscriptions().await
    }
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.below.subscribe(name, on).await
    }
    async fn status(&self, name: &MailboxName) -> Result<Status> {
        self.below.status(name).await
    }
    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        self.below.create(name, special).await
    }
    async fn delete(&self, name: &MailboxName) -> Result<()> {
        self.below.delete(name).await
    }
    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        self.below.rename(from, to).await
    }
    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>> {
        self.below.open(name, access).await
    }
    fn extensions(&self) -> Extensions {
        self.below.extensions()
    }
}

#[async_trait]
impl Append for Limited<Box<dyn Append>> {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        // The kind decides what the peer is told; the words are for the log.
        let left = self.octets.checked_sub(chunk.len());
        self.octets = left.ok_or_else(|| Error::new(Kind::OverQuota, "too large a message"))?;
        self.below.write(chunk).await
    }

    async fn another(&mut self, stamp: Stamp) -> Result<()> {
        self.below.another(stamp).await
    }

    fn commit(self: Box<Self>, stamp: Stamp) -> Ticket {
        self.below.commit(stamp)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = limited(100, MemoryStore::new());
    let account = store.account(&User::new("alice@example.test")).await?;
    for size in [90, 110] {
        let mut append = account.append(&MailboxName::inbox()).await?;
        match append.write(&vec![b'x'; size]).await {
            Ok(()) => println!(
                "{size} octets: UID {}",
                append.commit(Stamp::default()).await?.uids
            ),
            Err(error) => println!("{size} octets: {error}"),
        }
    }
    Ok(())
}

#[cfg(test)]
#[tokio::test]
async fn it_conforms() {
    let store = limited(64 << 20, MemoryStore::new());
    mailcore::store::conform::mailbox::all(&store, &|name| {
        User::new(format!("{name}@example.test"))
    })
    .await;
}
