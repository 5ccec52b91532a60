//! One session's hold on a mailbox in memory.

use super::account::Shelf;
use super::room::Room;
use crate::body::Body;
use crate::mailbox::{Access, Copied, Extensions, Fields, Mailbox, Record};
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use bytes::Bytes;
use mailcore_base::mailbox::{
    Changes, FlagChange, FlagOp, Flags, MailboxName, ModSeq, Uid, UidSet, UidValidity,
};
use mailcore_base::message::write_chosen_fields;
use mailcore_base::search::Query;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(super) struct Handle {
    room: Arc<Room>,
    access: Access,
    shelf: Arc<Mutex<Shelf>>,
    recent: Mutex<UidSet>,
}

impl Handle {
    pub(super) fn new(room: Arc<Room>, access: Access, shelf: Arc<Mutex<Shelf>>) -> Self {
        Self {
            room,
            access,
            shelf,
            recent: Mutex::default(),
        }
    }

    fn writable(&self) -> Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(Error::new(Kind::Denied, "mailbox is opened for reading")),
        }
    }
}

#[async_trait]
impl Mailbox for Handle {
    fn uid_validity(&self) -> UidValidity {
        self.room.validity
    }

    async fn sync(&self, known: Option<ModSeq>) -> Result<Changes> {
        let mut state = self.room.state()?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        *recent = match self.access {
            Access::Read => state.unclaimed.clone(),
            Access::Write => {
                let claimed = recent.union(&std::mem::take(&mut state.unclaimed));
                state.present(&claimed).into_iter().collect()
            }
        };
        let flagged = match known {
            None => Vec::new(),
            Some(known) => {
                let messages = state.messages.iter();
                let later = messages.filter(|(_, m)| m.modseq > known);
                later.map(|(uid, m)| (*uid, m.flags, m.modseq)).collect()
            }
        };
        Ok(Changes::new(state.snapshot(self.room.validity), flagged))
    }

    async fn changed(&self, known: ModSeq) {
        self.room.watch.past(known).await;
    }

    fn recent(&self) -> UidSet {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.clone()
    }

    async fn records(&self, uids: &UidSet, fields: Fields, out: &mut Vec<Record>) -> Result<()> {
        let state = self.room.state()?;
        for range in uids.ranges() {
            for (uid, message) in state.messages.range(range) {
                let mut record = Record::new(*uid, message.flags, message.modseq);
                record.date = fields.contains(Fields::DATE).then_some(message.date);
                record.size = fields
                    .contains(Fields::SIZE)
                    .then_some(message.body.len() as u64);
                record.headers = fields
                    .contains(Fields::HEADERS)
                    .then(|| chosen(&message.body));
                out.push(record);
            }
        }
        Ok(())
    }

    async fn body(&self, uid: Uid) -> Result<Option<Arc<dyn Body>>> {
        let state = self.room.state()?;
        let body = state.messages.get(&uid).map(|m| m.body.clone());
        Ok(body.map(|bytes| Arc::new(Held(bytes)) as Arc<dyn Body>))
    }

    async fn flag(
        &self,
        uids: &UidSet,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<UidSet> {
        self.writable()?;
        let mut state = self.room.state()?;
        let present = state.present(uids);
        let keywords = match change.op {
            FlagOp::Remove => {
                let known = change.keywords.iter();
                known
                    .filter_map(|k| state.keywords.flag(k))
                    .fold(Flags::NONE, Flags::union)
            }
            _ if present.is_empty() => Flags::NONE,
            _ => state.keywords(&change.keywords)?,
        };
        let mut later = UidSet::new();
        let modseq = ModSeq(state.modseq.0 + 1);
        let mut touched = false;
        for uid in present {
            let Some(message) = state.messages.get_mut(&uid) else {
                continue;
            };
            if unchanged_since.is_some_and(|since| message.modseq > since) {
                later.insert(uid);
                continue;
            }
            let flags = change.apply(message.flags, keywords);
            if flags != message.flags {
                message.flags = flags;
                message.modseq = modseq;
                touched = true;
            }
        }
        if touched {
            state.modseq = modseq;
        }
        self.room.tell(state);
        Ok(later)
    }

    async fn expunge(&self, uids: &UidSet) -> Result<UidSet> {
        self.writable()?;
        let mut state = self.room.state()?;
        let removed = state.remove(uids);
        self.room.tell(state);
        Ok(removed)
    }

    async fn first_unseen(&self) -> Result<Option<Uid>> {
        let state = self.room.state()?;
        let mut messages = state.messages.iter();
        let unseen = messages.find(|(_, message)| !message.flags.contains(Flags::SEEN));
        Ok(unseen.map(|(uid, _)| *uid))
    }

    async fn expunged(&self, since: ModSeq) -> Result<Option<UidSet>> {
        Ok(self.room.state()?.expunges.since(since))
    }

    async fn copy(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied> {
        let target = {
            let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.room(target)?
        };
        // Taken out first: source and target may be one mailbox.
        let (taken, names) = {
            let state = self.room.state()?;
            let taken: Vec<_> = state
                .present(uids)
                .into_iter()
                .filter_map(|uid| Some((uid, state.messages.get(&uid)?.clone())))
                .collect();
            (taken, state.keywords.clone())
        };
        let mut copied = Copied {
            uid_validity: target.validity,
            from: UidSet::new(),
            to: UidSet::new(),
        };
        let mut state = target.state()?;
        let used = taken
            .iter()
            .fold(Flags::NONE, |all, (_, m)| all.union(m.flags));
        let used: Vec<_> = used
            .keywords()
            .filter_map(|n| names.iter().nth(n).cloned())
            .collect();
        state.keywords(&used)?; // all find a place, or nothing is copied
        for (uid, mut message) in taken {
            let keywords = message
                .flags
                .keywords()
                .filter_map(|n| state.keywords.flag(names.iter().nth(n)?));
            message.flags = keywords.fold(message.flags.system(), Flags::union);
            message.identity = None; // a delivery came here once, its copies did not
            copied.to.insert(state.add(message)?);
            copied.from.insert(uid);
        }
        target.tell(state);
        Ok(copied)
    }

    async fn relocate(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied> {
        self.writable()?;
        let copied = self.copy(uids, target).await?;
        let gone = self.expunge(&copied.from).await?;
        let (moved, doubled) = copied.part(&gone);
        if !doubled.is_empty() {
            // Somebody else has moved them, or removed them: they are not to be here as well.
            let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            let target = shelf.room(target)?;
            let mut state = target.state()?;
            state.remove(&doubled);
            target.tell(state);
        }
        Ok(moved)
    }

    async fn search(&self, _: &Query, _: &UidSet) -> Result<Option<UidSet>> {
        Ok(None)
    }

    fn extensions(&self) -> Extensions {
        let pocket = self.room.pocket.get_or_init(Arc::default);
        Extensions {
            pocket: Some(Arc::clone(pocket)),
        }
    }
}

/// The chosen fields of a message's header.
fn chosen(message: &[u8]) -> Bytes {
    let mut fields = Vec::new();
    write_chosen_fields(message, &mut fields);
    fields.into()
}

/// A message's octets.
#[derive(Debug)]
struct Held(Bytes);

#[async_trait]
impl Body for Held {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let within = |at: u64| usize::try_from(at).map_or(self.0.len(), |at| at.min(self.0.len()));
        let (from, until) = (within(range.start), within(range.end));
        Ok(self.0.slice(from..until.max(from)))
    }
}
