//! An account, and a message on its way into it.

use super::folder::SEPARATOR;
use super::handle::Handle;
use super::home::Home;
use super::parcel::Incoming;
use super::room::Room;
use super::transfer::Grip;
use super::works::{Works, answered, done};
use super::{edit, read, scan, transfer};
use crate::mailbox::{
    Access, Account, Append, Appended, Extensions, Listed, Mailbox, Stamp, Status, Ticket,
};
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use mailcore_base::mailbox::{MailboxName, SpecialUse, UidSet};
use std::sync::Arc;
use tokio::task::spawn_blocking;

#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) works: Arc<Works>,
    pub(super) home: Arc<Home>,
}

impl Tenant {
    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Home) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let home = self.home.clone();
        let work = move || work(&home).map_err(|e| e.at(&home.root));
        self.works.run(work).await
    }

    /// RFC 3501 §6.3.5: the messages go, INBOX stays.
    async fn rename_inbox(&self, to: &MailboxName) -> Result<()> {
        self.create(to, None).await?;
        let to = to.clone();
        let (inbox, taken, parcel) = self
            .run(move |home| {
                let (inbox, target) = (home.room(&MailboxName::inbox())?, home.room(&to)?);
                let (taken, parcel) =
                    transfer::take_up(&inbox, &UidSet::all(), &target, Grip::Firm)?;
                Ok((inbox, taken, parcel))
            })
            .await?;
        answered(self.works.post(parcel).await)?;
        let gone = move || edit::expunge(&inbox, &taken).map(drop);
        self.works.run(gone).await
    }
}

#[async_trait]
impl Account for Tenant {
    fn separator(&self) -> char {
        SEPARATOR
    }

    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        let after = after.cloned();
        self.run(move |home| home.list(after.as_ref(), limit)).await
    }

    async fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        let names = self.run(Home::subscriptions).await?;
        Ok(names.into_iter().collect())
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        let name = name.clone();
        self.run(move |home| home.subscribe(&name, on)).await
    }

    async fn status(&self, name: &MailboxName) -> Result<Status> {
        let name = name.clone();
        self.run(move |home| read::status(&*home.room(&name)?))
            .await
    }

    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        let name = name.clone();
        self.run(move |home| home.create(&name, special)).await
    }

    async fn delete(&self, name: &MailboxName) -> Result<()> {
        let name = name.clone();
        self.run(move |home| home.delete(&name)).await
    }

    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        if from.is_inbox() {
            return self.rename_inbox(to).await;
        }
        let (from, to) = (from.clone(), to.clone());
        self.run(move |home| home.rename(&from, &to)).await
    }

    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>> {
        let at_once = self.home.room_now(name);
        let room = match at_once.filter(|room| scan::is_current(room, false)) {
            Some(room) => room,
            None => {
                let name = name.clone();
                let opened = self.run(move |home| {
                    let room = home.room(&name)?;
                    scan::refresh(&room, &mut room.ledger(), None)?;
                    Ok(room)
                });
                opened.await?
            }
        };
        let (works, home) = (self.works.clone(), self.home.clone());
        Ok(Box::new(Handle::new(works, home, room, access)))
    }

    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>> {
        let at_once = self.home.room_now(name).filter(|room| room.is_seen());
        let room: Arc<Room> = match at_once {
            Some(room) => room,
            None => {
                let name = name.clone();
                let loaded = self.run(move |home| {
                    let room = home.room(&name)?;
                    scan::load(&room)?;
                    Ok(room)
                });
                loaded.await?
            }
        };
        Ok(Box::new(Writing {
            works: self.works.clone(),
            incoming: Some(Incoming::new(room)),
        }))
    }

    fn extensions(&self) -> Extensions {
        Extensions::default()
    }
}

/// A message that is being appended.
#[derive(Debug)]
struct Writing {
    works: Arc<Works>,
    /// None once it has failed.
    incoming: Option<Incoming>,
}

fn dead() -> Error {
    Error::new(Kind::Unavailable, "append has failed before")
}

#[async_trait]
impl Append for Writing {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        let incoming = self.incoming.as_mut().ok_or_else(dead)?;
        if !incoming.push(chunk) {
            return Ok(());
        }
        let mut incoming = self.incoming.take().ok_or_else(dead)?;
        let spilled = spawn_blocking(move || incoming.spill().map(|()| incoming));
        self.incoming = Some(done(spilled.await)?);
        Ok(())
    }

    async fn another(&mut self, stamp: Stamp) -> Result<()> {
        let mut incoming = self.incoming.take().ok_or_else(dead)?;
        if incoming.is_heavy() {
            let sealed = spawn_blocking(move || incoming.seal(stamp).map(|()| incoming));
            incoming = done(sealed.await)?;
        } else {
            incoming.seal(stamp)?;
        }
        self.incoming = Some(incoming);
        Ok(())
    }

    fn commit(self: Box<Self>, stamp: Stamp) -> Ticket {
        let Some(incoming) = self.incoming else {
            return Ticket::new(std::future::ready(Err(dead())));
        };
        let works = self.works;
        let placed = match incoming.is_heavy() {
            false => incoming.end(stamp).map(|parcel| works.post(parcel)),
            true => {
                // The rest of it must be written first. That goes on also if nobody waits.
                let ended = tokio::spawn(async move {
                    let parcel = done(spawn_blocking(move || incoming.end(stamp)).await)?;
                    answered(works.post(parcel).await)
                });
                return Ticket::new(async move { appended(done(ended.await)) });
            }
        };
        Ticket::new(async move { appended(answered(placed?.await)) })
    }
}

fn appended(placed: Result<super::parcel::Placed>) -> Result<Appended> {
    let placed = placed?;
    let uids: UidSet = placed.uids.into_iter().collect();
    if uids.is_empty() {
        return Err(Error::new(Kind::Unavailable, "delivery"));
    }
    Ok(Appended {
        uid_validity: placed.validity,
        uids,
    })
}
