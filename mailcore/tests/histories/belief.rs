//! What a client believes of the mailbox that it has selected: exactly what it is told, and it is startled by what no
//! server may tell it.

use crate::client::{Belief, Message};
use crate::memory::Memory;
use crate::reply::{self, Fetched, Untagged};
use std::collections::BTreeSet;

impl Belief {
    /// Of a mailbox that is being opened by somebody who remembers this; it holds so many messages. One that can be removed
    /// may be another by now.
    pub fn opening(memory: Option<Memory>, exists: usize, may_be_another: bool) -> Self {
        let memory = memory.unwrap_or_default();
        Self {
            messages: memory.messages,
            remembered: Some((memory.validity, memory.modseq)),
            exists: Some(exists),
            may_be_another,
            ..Self::default()
        }
    }

    /// The mailbox is described, or messages are about to be: whoever is behind those known is new.
    pub fn opened(&mut self) {
        if let Some(exists) = self.exists.take() {
            let known = self.messages.len();
            assert!(exists >= known, "{known} known, {exists} there");
            self.messages.resize(exists, Message::default());
        }
    }

    pub fn told(&mut self, news: Untagged, numbered: bool) {
        match news {
            Untagged::Exists(count) => {
                assert!(count >= self.messages.len(), "EXISTS shrank to {count}");
                self.messages.resize(count, Message::default());
            }
            Untagged::Recent(count) => self.recent = count,
            Untagged::Expunge(number) => {
                assert!(!numbered, "EXPUNGE with an answer by numbers");
                assert!(number >= 1 && number <= self.messages.len());
                self.messages.remove(number - 1);
            }
            Untagged::Vanished(uids, true) => uids.into_iter().for_each(|uid| self.earlier(uid)),
            Untagged::Vanished(uids, false) => {
                assert!(!numbered, "VANISHED with an answer by numbers");
                uids.into_iter().for_each(|uid| self.vanished(uid));
            }
            Untagged::Fetch(number, fetched) => {
                self.opened();
                self.fetched(number, fetched);
            }
            _ => unreachable!(),
        }
    }

    /// A response code, in an untagged or a tagged response.
    pub fn code(&mut self, code: &str) {
        if let Some(validity) = reply::coded(code, "UIDVALIDITY") {
            let known = self.remembered.filter(|(known, _)| *known != 0);
            if known.is_some_and(|(known, _)| known != validity) {
                assert!(self.may_be_another, "the UIDs of a mailbox that never left");
                self.remembered = None;
                self.messages.clear();
            }
            self.validity = validity;
        }
        if let Some(modseq) = reply::coded(code, "HIGHESTMODSEQ") {
            if let Some((_, known)) = self.remembered.take() {
                assert!(modseq >= known, "from {known} back to {modseq}");
            }
            self.highest = Some(modseq);
        }
    }

    /// All that belongs to a command has come: the client is up to what it was told last (RFC 7162 §3.2.7), else up to
    /// the highest that it has heard.
    pub fn up_to_date(&mut self) {
        self.opened();
        let heard = self.modseq.max(std::mem::take(&mut self.heard));
        self.modseq = self.highest.take().unwrap_or(heard);
    }

    /// It went while the client was away; of one that the client counts it is told otherwise.
    fn earlier(&mut self, uid: u32) {
        let place = self.messages.iter().position(|m| m.uid == Some(uid));
        match (self.exists, place) {
            (Some(_), Some(place)) => drop(self.messages.remove(place)),
            (None, Some(_)) => panic!("{uid} went earlier, and counts"),
            (_, None) => {}
        }
    }

    /// It goes now. Where the client has not asked for UIDs yet, it is one of those between its neighbours.
    fn vanished(&mut self, uid: u32) {
        let known = self.messages.iter().position(|m| m.uid == Some(uid));
        let place = known.unwrap_or_else(|| {
            let mut before = self.messages.iter();
            let before = before.rposition(|m| m.uid.is_some_and(|known| known < uid));
            let place = before.map_or(0, |at| at + 1);
            let unknown = self.messages.get(place).is_some_and(|m| m.uid.is_none());
            assert!(unknown, "{uid} vanished, and nobody counted it");
            place
        });
        self.messages.remove(place);
    }

    fn fetched(&mut self, number: usize, fetched: Fetched) {
        assert!(number >= 1 && number <= self.messages.len(), "{number}");
        let place = number - 1;
        if let Some(uid) = fetched.uid {
            let known = self.messages[place].uid;
            assert!(
                known.is_none_or(|known| known == uid),
                "{number} is another"
            );
            let (before, after) = self.messages.split_at(place);
            assert!(
                before.iter().all(|m| m.uid.is_none_or(|u| u < uid)),
                "UIDs descend to {uid}"
            );
            let after = after.iter().skip(1).filter_map(|m| m.uid);
            assert!(
                after.into_iter().all(|later| later > uid),
                "{uid} is no ascent"
            );
        }
        let message = &mut self.messages[place];
        message.uid = fetched.uid.or(message.uid);
        if let Some(flags) = fetched.flags {
            message.flags = Some(flags);
            message.before = None;
            message.recent = fetched.recent;
        }
        if let (Some(size), Some(body)) = (message.size, fetched.body) {
            assert_eq!(size, body, "message {number} has another body");
        }
        message.size = fetched.size.or(message.size);
        self.heard = self.heard.max(fetched.modseq.unwrap_or(0));
    }

    /// What the client takes for granted as soon as it says it.
    pub fn take_for_granted(
        &mut self,
        uids: &[u32],
        change: impl Fn(&BTreeSet<String>) -> BTreeSet<String>,
    ) {
        for message in &mut self.messages {
            if message.uid.is_some_and(|uid| uids.contains(&uid))
                && let Some(believed) = &mut message.flags
            {
                let changed = change(believed);
                message.before = Some(std::mem::replace(believed, changed));
            }
        }
    }

    /// It was not so for these, unless somebody has said what is.
    pub fn take_back(&mut self, which: impl Fn(usize, &Message) -> bool) {
        for (place, message) in self.messages.iter_mut().enumerate() {
            if message.before.is_some() && which(place + 1, message) {
                message.flags = message.before.take();
            }
        }
        self.granted();
    }

    /// It was so for all others.
    pub fn granted(&mut self) {
        for message in &mut self.messages {
            message.before = None;
        }
    }
}
