//! The true mailbox, and a client that believes whatever it is told.

use mailcore_base::mailbox::{
    Changes, Flags, Keywords, ModSeq, Snapshot, Uid, UidSet, UidValidity,
};
use mailcore_imap::server::view::{News, Permit, View};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The true mailbox, which any number of writers change.
pub(crate) struct Mailbox {
    pub(crate) messages: BTreeMap<u32, (Flags, u64)>,
    pub(crate) uid_next: u32,
    pub(crate) modseq: u64,
    pub(crate) keywords: Keywords,
    pub(crate) recent: BTreeSet<u32>,
}

impl Mailbox {
    pub(crate) fn with(messages: u32) -> Self {
        let mut mailbox = Self {
            messages: BTreeMap::new(),
            uid_next: 1,
            modseq: 1,
            keywords: Keywords::default(),
            recent: BTreeSet::new(),
        };
        mailbox.append(messages);
        mailbox
    }

    pub(crate) fn append(&mut self, messages: u32) {
        for _ in 0..messages {
            self.modseq += 1;
            self.messages
                .insert(self.uid_next, (Flags::NONE, self.modseq));
            self.recent.insert(self.uid_next);
            self.uid_next += 1;
        }
    }

    pub(crate) fn expunge(&mut self, uids: impl IntoIterator<Item = u32>) {
        self.modseq += 1;
        for uid in uids {
            self.messages.remove(&uid);
            self.recent.remove(&uid);
        }
    }

    pub(crate) fn flag(&mut self, uids: impl IntoIterator<Item = u32>, flags: Flags) {
        self.modseq += 1;
        for uid in uids {
            if let Some(message) = self.messages.get_mut(&uid) {
                *message = (flags, self.modseq);
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let validity = UidValidity(NonZeroU32::new(7).unwrap());
        let mut snapshot = Snapshot::empty(validity);
        snapshot.uid_next = Uid::new(self.uid_next).unwrap();
        snapshot.modseq = ModSeq(self.modseq);
        snapshot.uids = Arc::new(self.messages.keys().filter_map(|n| Uid::new(*n)).collect());
        snapshot.keywords = Arc::new(self.keywords.clone());
        snapshot
    }

    pub(crate) fn recent(&self) -> UidSet {
        set(self.recent.iter().copied())
    }

    pub(crate) fn since(&self, known: ModSeq) -> Changes {
        let flagged = self.messages.iter().filter(|(_, m)| m.1 > known.0);
        Changes::new(self.snapshot(), flagged.map(|(n, m)| row(*n, *m)).collect())
    }

    pub(crate) fn rows(&self, asked: &UidSet) -> Vec<(Uid, Flags, ModSeq)> {
        let all = self.messages.iter().map(|(n, m)| row(*n, *m));
        all.filter(|row| asked.contains(row.0)).collect()
    }
}

pub(crate) fn row(uid: u32, message: (Flags, u64)) -> (Uid, Flags, ModSeq) {
    (Uid::new(uid).unwrap(), message.0, ModSeq(message.1))
}

pub(crate) fn set(of: impl IntoIterator<Item = u32>) -> UidSet {
    of.into_iter().filter_map(Uid::new).collect()
}

/// A client that believes every untagged response, and fetches the UID and flags of what is new.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) messages: Vec<(Uid, Flags)>,
    pub(crate) recent: u32,
    pub(crate) keywords: usize,
    pub(crate) modseqs: BTreeMap<Uid, ModSeq>,
}

impl Client {
    pub(crate) fn select(view: &View, mailbox: &Mailbox) -> Self {
        let mut client = Self {
            recent: mailbox.recent.len() as u32,
            keywords: mailbox.keywords.iter().len(),
            ..Self::default()
        };
        client.fetch_new(view, mailbox, view.exists());
        client
    }

    pub(crate) fn fetch_new(&mut self, view: &View, mailbox: &Mailbox, exists: u32) {
        assert!(exists >= self.messages.len() as u32, "EXISTS shrank");
        for number in self.messages.len() as u32 + 1..=exists {
            let uid = view.uid(number).unwrap();
            let flags = mailbox.messages.get(&uid.number()).map(|m| m.0);
            self.messages.push((uid, flags.unwrap_or_default()));
        }
    }

    pub(crate) fn believe(&mut self, news: News, view: &View, mailbox: &Mailbox, permit: Permit) {
        match news {
            News::Keywords => self.keywords = view.keywords().iter().len(),
            News::Flags {
                number, uid, flags, ..
            } => {
                let message = &mut self.messages[number as usize - 1];
                assert_eq!(message.0, uid);
                message.1 = flags;
            }
            News::ModSeq {
                number,
                uid,
                modseq,
            } => {
                assert_eq!(self.messages[number as usize - 1].0, uid);
                self.modseqs.insert(uid, modseq);
            }
            News::Expunged(number) => {
                assert_eq!(permit, Permit::All);
                self.messages.remove(number as usize - 1);
            }
            News::Vanished(uids) => {
                assert_eq!(permit, Permit::All);
                let before = self.messages.len();
                self.messages.retain(|(uid, _)| !uids.contains(*uid));
                assert_eq!(before - self.messages.len(), uids.len() as usize);
            }
            News::Exists(exists) => {
                assert!(exists > self.messages.len() as u32, "nothing new in EXISTS");
                self.fetch_new(view, mailbox, exists);
            }
            News::Recent(recent) => self.recent = recent,
            News::Ask(_) => unreachable!("not for the client"),
        }
    }

    /// Numbers mean the same to both at every moment.
    pub(crate) fn agrees(&self, view: &View) {
        assert_eq!(view.exists() as usize, self.messages.len());
        for (index, (uid, _)) in self.messages.iter().enumerate() {
            assert_eq!(view.uid(index as u32 + 1), Some(*uid));
            assert_eq!(view.number(*uid), Some(index as u32 + 1));
        }
        assert_eq!(view.uid(0), None);
        assert_eq!(view.uid(view.exists() + 1), None);
    }

    /// Listens to at most so many facts; true once there is nothing left.
    pub(crate) fn hear(
        &mut self,
        view: &mut View,
        mailbox: &Mailbox,
        permit: Permit,
        most: usize,
    ) -> bool {
        for _ in 0..most {
            match view.news(permit).next() {
                None => return true,
                Some(News::Ask(asked)) => view.learn(&asked, mailbox.rows(&asked)),
                Some(news) => self.believe(news, view, mailbox, permit),
            }
            self.agrees(view);
        }
        false
    }

    pub(crate) fn knows_the_truth(&self, mailbox: &Mailbox, view: &View) {
        let truth: Vec<(Uid, Flags)> = mailbox
            .messages
            .iter()
            .map(|(n, m)| (Uid::new(*n).unwrap(), m.0))
            .collect();
        assert_eq!(self.messages, truth);
        assert_eq!(self.recent as usize, mailbox.recent.len());
        assert_eq!(self.keywords, mailbox.keywords.iter().len());
        assert_eq!(view.settled(), ModSeq(mailbox.modseq));
    }
}

pub(crate) fn sync(view: &mut View, mailbox: &Mailbox, own: &[(Uid, Flags)]) {
    let changes = mailbox.since(view.known());
    view.apply_own(changes, mailbox.recent(), own).unwrap();
}
