//! One user's mailboxes in memory.

use super::MemoryStore;
use super::handle::Handle;
use super::room::{Letter, Room};
use crate::mailbox::{
    Access, Account, Append, Clock, Extensions, Listed, Mailbox, Stamp, Status, Ticket, clock,
    listing,
};
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use mailcore_base::mailbox::{MailboxName, SpecialUse, UidSet, UidValidity};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct MemoryAccount {
    shelf: Arc<Mutex<Shelf>>,
    clock: Clock,
}

/// An account's mailboxes by name.
#[derive(Debug)]
pub(super) struct Shelf {
    rooms: BTreeMap<MailboxName, (Arc<Room>, Option<SpecialUse>)>,
    subscribed: BTreeSet<MailboxName>,
    validity: NonZeroU32,
}

impl Shelf {
    pub(super) fn room(&self, name: &MailboxName) -> Result<Arc<Room>> {
        match self.rooms.get(name) {
            Some((room, _)) => Ok(room.clone()),
            None => Err(Error::new(Kind::NotFound, "mailbox")),
        }
    }

    fn add(&mut self, name: &MailboxName, special: Option<SpecialUse>) -> Result<Arc<Room>> {
        if self.rooms.contains_key(name) {
            return Err(Error::new(Kind::AlreadyExists, "mailbox"));
        }
        let room = Arc::new(Room::new(UidValidity(self.validity)));
        self.validity = self.validity.saturating_add(1); // a name that comes back is another mailbox
        self.rooms.insert(name.clone(), (room.clone(), special));
        Ok(room)
    }

    fn rename(&mut self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        let moves = listing::renamed(self.rooms.keys(), from, to)?;
        if moves.is_empty() {
            return Err(Error::new(Kind::NotFound, "mailbox"));
        }
        if self.rooms.contains_key(to) || moves.iter().any(|(_, to)| self.rooms.contains_key(to)) {
            return Err(Error::new(Kind::AlreadyExists, "mailbox"));
        }
        for (from, to) in moves {
            if let Some(room) = self.rooms.remove(&from) {
                self.rooms.insert(to, room);
            }
        }
        Ok(())
    }

    /// RFC 3501 §6.3.5: the messages go, INBOX stays.
    fn rename_inbox(&mut self, to: &MailboxName) -> Result<()> {
        let (inbox, target) = (self.room(&MailboxName::inbox())?, self.add(to, None)?);
        let mut from = inbox.state()?;
        let mut into = target.state()?;
        into.keywords = from.keywords.clone();
        for message in from.messages.values() {
            into.add(message.clone())?;
        }
        from.remove(&UidSet::all());
        drop(into);
        inbox.tell(from);
        Ok(())
    }
}

impl MemoryAccount {
    pub(super) fn new(clock: Clock) -> Self {
        let born = u32::try_from(clock::seconds(clock.now())).unwrap_or(1);
        let mut shelf = Shelf {
            rooms: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            validity: NonZeroU32::new(born).unwrap_or(NonZeroU32::MIN),
        };
        let inbox = Arc::new(Room::new(UidValidity(shelf.validity)));
        shelf.validity = shelf.validity.saturating_add(1);
        shelf.rooms.insert(MailboxName::inbox(), (inbox, None));
        Self {
            shelf: Arc::new(Mutex::new(shelf)),
            clock,
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Account for MemoryAccount {
    fn separator(&self) -> char {
        '/'
    }

    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        let shelf = self.shelf();
        let there = shelf.rooms.iter().map(|(n, (_, s))| (n.clone(), *s));
        Ok(listing::page(there, after, limit))
    }

    async fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        Ok(self.shelf().subscribed.iter().cloned().collect())
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        let mut shelf = self.shelf();
        match on {
            true => shelf.subscribed.insert(name.clone()),
            false => shelf.subscribed.remove(name),
        };
        Ok(())
    }

    async fn status(&self, name: &MailboxName) -> Result<Status> {
        let room = self.shelf().room(name)?;
        room.status()
    }

    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        self.shelf().add(name, special).map(drop)
    }

    async fn delete(&self, name: &MailboxName) -> Result<()> {
        if name.is_inbox() {
            return Err(Error::new(Kind::Denied, "INBOX stays"));
        }
        let removed = self.shelf().rooms.remove(name);
        match removed {
            Some((room, _)) => {
                room.close();
                Ok(())
            }
            None => Err(Error::new(Kind::NotFound, "mailbox")),
        }
    }

    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        let mut shelf = self.shelf();
        match from.is_inbox() {
            true => shelf.rename_inbox(to),
            false => shelf.rename(from, to),
        }
    }

    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>> {
        let room = self.shelf().room(name)?;
        Ok(Box::new(Handle::new(room, access, self.shelf.clone())))
    }

    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>> {
        Ok(Box::new(Incoming {
            room: self.shelf().room(name)?,
            done: Vec::new(),
            body: Vec::new(),
            octets: 0,
            clock: self.clock.clone(),
        }))
    }

    fn extensions(&self) -> Extensions {
        Extensions::default()
    }
}

#[derive(Debug)]
struct Incoming {
    room: Arc<Room>,
    /// The messages in front.
    done: Vec<Letter>,
    body: Vec<u8>,
    /// Of all of them.
    octets: usize,
    clock: Clock,
}

impl Incoming {
    fn end(&mut self, stamp: Stamp) {
        let date = stamp.date.unwrap_or_else(|| clock::date(self.clock.now()));
        self.done.push(Letter {
            body: std::mem::take(&mut self.body).into(),
            stamp,
            date,
        });
    }
}

#[async_trait]
impl Append for Incoming {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        let octets = self.octets.saturating_add(chunk.len());
        if octets > MemoryStore::LARGEST {
            return Err(Error::new(Kind::Limit, "message too large"));
        }
        self.octets = octets;
        self.body.extend_from_slice(chunk);
        Ok(())
    }

    async fn another(&mut self, stamp: Stamp) -> Result<()> {
        self.end(stamp);
        Ok(())
    }

    fn commit(mut self: Box<Self>, stamp: Stamp) -> Ticket {
        self.end(stamp);
        let done = self.room.deliver(self.done);
        Ticket::new(std::future::ready(done))
    }
}
