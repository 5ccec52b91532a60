//! One mailbox in memory, shared by all handles on it.

use crate::mailbox::expunges::Expunges;
use crate::mailbox::watch::Watch;
use crate::mailbox::{Appended, Pocket, Stamp, Status};
use crate::queue::Identity;
use crate::{Error, Kind, Result};
use bytes::Bytes;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{
    Flags, Keyword, Keywords, ModSeq, Snapshot, Uid, UidMap, UidSet, UidValidity,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

#[derive(Debug)]
pub(super) struct Room {
    state: Mutex<State>,
    pub(super) watch: Watch,
    pub(super) pocket: OnceLock<Arc<Pocket>>,
    pub(super) validity: UidValidity,
}

/// A message as it is kept. Copies share the octets.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) flags: Flags,
    pub(super) modseq: ModSeq,
    pub(super) date: DateTime,
    pub(super) body: Bytes,
    pub(super) identity: Option<Identity>,
}

/// A message on its way in.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) body: Bytes,
    pub(super) stamp: Stamp,
    pub(super) date: DateTime,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) messages: BTreeMap<Uid, Message>,
    pub(super) keywords: Arc<Keywords>,
    /// Those that no session has been told of.
    pub(super) unclaimed: UidSet,
    pub(super) modseq: ModSeq,
    pub(super) expunges: Expunges,
    pub(super) gone: bool,
    /// None once the last UID is given.
    next: Option<Uid>,
    uids: Option<Arc<UidMap>>,
}

impl Room {
    pub(super) fn new(validity: UidValidity) -> Self {
        Self {
            state: Mutex::new(State {
                messages: BTreeMap::new(),
                keywords: Arc::default(),
                unclaimed: UidSet::new(),
                modseq: ModSeq(1),
                expunges: Expunges::default(),
                gone: false,
                next: Some(Uid::FIRST),
                uids: None,
            }),
            watch: Watch::default(),
            pocket: OnceLock::new(),
            validity,
        }
    }

    /// The state of a mailbox that is still there.
    pub(super) fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.gone {
            true => Err(Error::new(Kind::NotFound, "mailbox was removed")),
            false => Ok(state),
        }
    }

    /// Ends a change: whoever waits is told.
    pub(super) fn tell(&self, state: MutexGuard<'_, State>) {
        let modseq = state.modseq;
        drop(state);
        self.watch.ring(modseq);
    }

    pub(super) fn close(&self) {
        if let Ok(mut state) = self.state() {
            state.gone = true;
        }
        self.watch.close();
    }

    /// All of them or none.
    pub(super) fn deliver(&self, letters: Vec<Letter>) -> Result<Appended> {
        let mut state = self.state()?;
        let count = u32::try_from(letters.len()).unwrap_or(u32::MAX);
        let last = state
            .next
            .map(|next| u64::from(next.number()) + u64::from(count) - 1);
        if last.is_none_or(|last| last > u64::from(Uid::LAST.number())) {
            return Err(Error::new(Kind::Limit, "UIDs of a mailbox"));
        }
        let names: Vec<Keyword> = letters
            .iter()
            .flat_map(|letter| letter.stamp.keywords.iter().cloned())
            .collect();
        state.keywords(&names)?;
        let mut uids = UidSet::new();
        for Letter { body, stamp, date } in letters {
            let there = stamp.identity.and_then(|identity| state.of(identity));
            let uid = match there {
                Some(uid) => uid,
                None => {
                    let keywords = state.keywords(&stamp.keywords)?;
                    let message = Message {
                        flags: stamp.flags.system().union(keywords),
                        modseq: ModSeq(0),
                        date,
                        body,
                        identity: stamp.identity,
                    };
                    state.add(message)?
                }
            };
            uids.insert(uid);
        }
        self.tell(state);
        Ok(Appended {
            uid_validity: self.validity,
            uids,
        })
    }

    pub(super) fn status(&self) -> Result<Status> {
        let mut state = self.state()?;
        let with = |flag: Flags| {
            let with = state.messages.values().filter(|m| m.flags.contains(flag));
            u32::try_from(with.count()).unwrap_or(u32::MAX)
        };
        let (seen, deleted) = (with(Flags::SEEN), with(Flags::DELETED));
        let now = state.snapshot(self.validity);
        Ok(Status {
            messages: now.uids.len(),
            recent: u32::try_from(state.unclaimed.len()).unwrap_or(u32::MAX),
            unseen: now.uids.len().saturating_sub(seen),
            deleted,
            uid_next: now.uid_next,
            modseq: now.modseq,
            size: state.messages.values().map(|m| m.body.len() as u64).sum(),
            ..Status::empty(self.validity)
        })
    }
}

impl State {
    pub(super) fn snapshot(&mut self, validity: UidValidity) -> Snapshot {
        let messages = &self.messages;
        let uids = self
            .uids
            .get_or_insert_with(|| Arc::new(messages.keys().copied().collect()))
            .clone();
        let mut now = Snapshot::empty(validity);
        now.uid_next = self.next.unwrap_or(Uid::LAST);
        now.modseq = self.modseq;
        now.uids = uids;
        now.keywords = self.keywords.clone();
        now
    }

    pub(super) fn rise(&mut self) -> ModSeq {
        self.modseq.0 += 1;
        self.modseq
    }

    fn of(&self, identity: Identity) -> Option<Uid> {
        let mut messages = self.messages.iter();
        messages
            .find(|(_, m)| m.identity == Some(identity))
            .map(|(uid, _)| *uid)
    }

    /// The bits of these keywords; new ones find a place, all of them or none.
    pub(super) fn keywords(&mut self, names: &[Keyword]) -> Result<Flags> {
        let mut table = Keywords::clone(&self.keywords);
        let mut flags = Flags::NONE;
        for name in names {
            let full = || Error::new(Kind::Limit, "keywords of a mailbox");
            flags = flags.union(table.add(name).ok_or_else(full)?);
        }
        if table != *self.keywords {
            self.keywords = Arc::new(table);
        }
        Ok(flags)
    }

    pub(super) fn add(&mut self, message: Message) -> Result<Uid> {
        let uid = self
            .next
            .ok_or_else(|| Error::new(Kind::Limit, "UIDs of a mailbox"))?;
        self.next = uid.next();
        let modseq = self.rise();
        self.messages.insert(uid, Message { modseq, ..message });
        self.unclaimed.insert(uid);
        self.uids = None;
        Ok(uid)
    }

    /// The UIDs of those that are there.
    pub(super) fn present(&self, uids: &UidSet) -> Vec<Uid> {
        uids.ranges()
            .flat_map(|range| self.messages.range(range).map(|(uid, _)| *uid))
            .collect()
    }

    pub(super) fn remove(&mut self, uids: &UidSet) -> UidSet {
        let removed: UidSet = self.present(uids).into_iter().collect();
        self.messages.retain(|uid, _| !removed.contains(*uid));
        if !removed.is_empty() {
            self.unclaimed = self.unclaimed.difference(&removed);
            self.uids = None;
            let modseq = self.rise();
            self.expunges.add(modseq, &removed);
        }
        removed
    }
}
