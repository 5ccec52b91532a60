//! Threads of messages (RFC 5256; REFS as Dovecot has it): whoever reads a mailbox adds what it knows of each
//! message and gets the threads. Nothing here reads a store, knows message numbers, or recurses.
//!
//! A message takes about 100 octets, and 60 more for each Message-ID that it names first. Of references to messages
//! that are not there, four million are followed; where a mailbox has more, the rest are passed over.

mod ids;
mod links;
mod names;
mod roots;
mod threads;

pub use threads::{Threads, Told};

use crate::sort::{Message, Subject, date, first_field};
use ids::MessageIds;
use links::Links;
use mailcore_base::mailbox::Uid;
use names::Names;
use std::hash::BuildHasher;

/// No message, no node, no subject.
const NONE: u32 = u32::MAX;
/// References of one message that are looked at: its first ones.
const REFERENCES: usize = 100_000;

/// How messages are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// By base subject, replies in the order of their dates (RFC 5256 §3).
    OrderedSubject,
    /// By what they refer to, then by subject; threads in the order of their first messages (RFC 5256 §3).
    References,
    /// By what they refer to alone; threads in the order of their latest messages.
    Refs,
}

impl Algorithm {
    /// As they are written.
    pub(crate) const NAMES: [(Self, &'static str); 3] = [
        (Self::OrderedSubject, "ORDEREDSUBJECT"),
        (Self::References, "REFERENCES"),
        (Self::Refs, "REFS"),
    ];
}

/// A message among others.
#[derive(Debug, Clone, Copy)]
struct Letter {
    uid: Uid,
    /// Seconds since 1970.
    sent: i64,
    /// Which base subject; none for an empty one.
    subject: u32,
    /// The subject is that of a reply, or of something passed on.
    answers: bool,
    /// Its node.
    node: u32,
}

impl Letter {
    /// What orders messages: when they were sent, then their numbers (RFC 5256 §2.2).
    fn when(&self) -> (i64, u32) {
        (self.sent, self.uid.number())
    }
}

/// Messages on their way into threads. The hashers tell Message-IDs and subjects apart, which are not kept; with
/// `RandomState` nobody can make two that are taken for one.
#[derive(Debug)]
pub struct Threading<S> {
    by: Algorithm,
    letters: Vec<Letter>,
    subjects: Names<S>,
    ids: Names<S>,
    links: Links,
}

impl<S: BuildHasher + Clone> Threading<S> {
    /// Nothing yet.
    pub fn new(by: Algorithm, hashers: [S; 2]) -> Self {
        Self {
            by,
            letters: Vec::new(),
            subjects: Names::new(hashers.clone()),
            ids: Names::new(hashers),
            links: Links::default(),
        }
    }

    /// Adds a message, each once, in the order of the mailbox: where references contradict one another, it decides
    /// (RFC 5256 §3, REFERENCES (1)). Time is linear in its header, but for a logarithm.
    pub fn add(&mut self, message: &Message<'_>) {
        let mut letter = Letter {
            uid: message.uid,
            sent: date(message).seconds,
            subject: NONE,
            answers: false,
            node: NONE,
        };
        if self.by != Algorithm::Refs {
            let subject = Subject::of(message.header);
            letter.answers = subject.answers();
            if !subject.base().is_empty() {
                let next = self.subjects.len();
                letter.subject = self.subjects.find_or(subject.base().as_bytes(), next);
            }
        }
        if self.by != Algorithm::OrderedSubject {
            let place = u32::try_from(self.letters.len()).unwrap_or(NONE);
            letter.node = self.own_node(message.header, place);
            let parent = self.references(message.header);
            // RFC 5256 §3 (1)(B)
            self.links.answer(letter.node, parent);
        }
        self.letters.push(letter);
    }

    /// The node of this message. One whose Message-ID another message has already gets one of its own
    /// (RFC 5256 §3, REFERENCES (1)).
    fn own_node(&mut self, header: &[u8], place: u32) -> u32 {
        let field = first_field(header, "message-id").unwrap_or_default();
        let id = MessageIds::new(&field).next();
        let known = id.map(|id| self.ids.find_or(&id, self.links.len()));
        match known {
            Some(node) if node == self.links.len() => self.links.add(place),
            Some(node) if self.links.claim(node, place) => node,
            _ => self.links.add(place),
        }
    }

    /// Notes what the references say of one another, and gives the node of the last one.
    fn references(&mut self, header: &[u8]) -> u32 {
        let field = first_field(header, "references").unwrap_or_default();
        let mut last = NONE;
        for id in MessageIds::new(&field).take(REFERENCES) {
            let Some(node) = self.reference(&id) else {
                continue;
            };
            // RFC 5256 §3 (1)(A): one after the other is parent and child, as far as nobody knows better.
            if last != NONE {
                self.links.guess(node, last);
            }
            last = node;
        }
        if last == NONE {
            // RFC 5256 §3 (1): without any, the first in In-Reply-To is the only one.
            let field = first_field(header, "in-reply-to").unwrap_or_default();
            last = MessageIds::new(&field)
                .next()
                .and_then(|id| self.reference(&id))
                .unwrap_or(NONE);
        }
        last
    }

    /// The node of a message that is referred to, and may be there or not.
    fn reference(&mut self, id: &[u8]) -> Option<u32> {
        if !self.links.takes_strangers() {
            return self.ids.find(id);
        }
        let node = self.ids.find_or(id, self.links.len());
        if node == self.links.len() {
            self.links.add(NONE);
        }
        Some(node)
    }

    /// The threads. Takes time for many messages: n log n comparisons.
    pub fn threads(self) -> Threads {
        let Self {
            by,
            letters,
            links,
            subjects,
            ..
        } = self;
        let subjects = subjects.len() as usize;
        match by {
            Algorithm::OrderedSubject => roots::by_subject(&letters, subjects),
            Algorithm::References => roots::by_reference(&letters, links, Some(subjects)),
            Algorithm::Refs => roots::by_reference(&letters, links, None),
        }
    }
}

#[cfg(test)]
mod tests;
