//! The order of messages (RFC 5256, RFC 5957): whoever reads a mailbox adds what it knows of each message, in any
//! order, and gets the UIDs as SORT tells them. Nothing here reads a store or knows message numbers.
//!
//! Each message's keys are written one behind the other such that octets compare as the messages do; what is kept
//! is these octets. A text counts with its first 512 octets; where a mailbox has more of them than 64 MiB, with its
//! first 256, 128 and so on, but never fewer than eight. A sort takes at most 64 MiB and 136 octets a message.

mod key;
mod subject;

pub(crate) use key::{date, first_field};
pub use subject::Subject;

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::Uid;
use std::sync::Arc;

/// Octets of a text that are compared.
const LONGEST: usize = 512;
/// The least that this is cut down to.
const SHORTEST: usize = 8;
/// Octets of all keys, above which texts are cut.
const KEYS: usize = 64 * 1024 * 1024;

/// What messages are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// When they came.
    Arrival,
    /// The local part of the first address in `Cc`.
    Cc,
    /// When they were sent; when they came, where that cannot be read.
    Date,
    /// The local part of the first address in `From`.
    From,
    /// Their size.
    Size,
    /// The base subject.
    Subject,
    /// The local part of the first address in `To`.
    To,
    /// How the first address in `From` is displayed (RFC 5957).
    DisplayFrom,
    /// How the first address in `To` is displayed (RFC 5957).
    DisplayTo,
}

impl By {
    /// As they are written.
    pub(crate) const NAMES: [(Self, &'static str); 9] = [
        (Self::Arrival, "ARRIVAL"),
        (Self::Cc, "CC"),
        (Self::Date, "DATE"),
        (Self::From, "FROM"),
        (Self::Size, "SIZE"),
        (Self::Subject, "SUBJECT"),
        (Self::To, "TO"),
        (Self::DisplayFrom, "DISPLAYFROM"),
        (Self::DisplayTo, "DISPLAYTO"),
    ];

    fn needs_header(self) -> bool {
        !matches!(self, Self::Arrival | Self::Size)
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Arrival | Self::Date | Self::Size)
    }
}

/// One key of an order; the next decides where this one does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Criterion {
    /// By what.
    pub by: By,
    /// The highest first.
    pub reverse: bool,
}

/// What is known of a message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// Which.
    pub uid: Uid,
    /// When it came (INTERNALDATE).
    pub received: DateTime,
    /// Its size in octets (RFC822.SIZE).
    pub size: u64,
    /// Its header as it stands in it, or of it the fields `Date From To Cc Subject` and, for threads, `Message-ID
    /// In-Reply-To References`. Empty where it is not needed.
    pub header: &'m [u8],
}

/// Messages on their way into an order.
#[derive(Debug)]
pub struct Sorting {
    order: Arc<[Criterion]>,
    /// Where each message's keys begin.
    messages: Vec<(Uid, usize)>,
    keys: Vec<u8>,
    /// Octets of a text that are kept at present.
    longest: usize,
    most: usize,
}

impl Sorting {
    /// Nothing yet, to be ordered so.
    pub fn new(order: Arc<[Criterion]>) -> Self {
        Self {
            order,
            messages: Vec::new(),
            keys: Vec::new(),
            longest: LONGEST,
            most: KEYS,
        }
    }

    /// Whether messages have to come with their header.
    pub fn needs_header(&self) -> bool {
        self.order
            .iter()
            .any(|criterion| criterion.by.needs_header())
    }

    /// Whether texts count with as many octets as they do in [`key`]: there were not too many of them so far.
    pub fn is_exact(&self) -> bool {
        self.longest == LONGEST
    }

    /// Adds a message. Time is linear in its header.
    pub fn add(&mut self, message: &Message<'_>) {
        self.messages.push((message.uid, self.keys.len()));
        for criterion in &*self.order {
            key::write(&mut self.keys, *criterion, message, self.longest);
        }
        while self.keys.len() > self.most && self.longest > SHORTEST {
            self.shorten();
        }
    }

    /// Cuts all texts to half of what they were, to make room for more messages.
    fn shorten(&mut self) {
        self.longest = (self.longest / 2).max(SHORTEST);
        let mut cut = Vec::with_capacity(self.keys.len() / 2);
        let mut rest = self.keys.as_slice();
        for (_, start) in &mut self.messages {
            *start = cut.len();
            for criterion in &*self.order {
                rest = key::copy(&mut cut, *criterion, rest, self.longest);
            }
        }
        self.keys = cut;
    }

    /// The UIDs in their order. What no criterion decides, the lower UID does, which is the lower message number
    /// (RFC 5256 §3). Takes time for long sorts: n log n comparisons.
    pub fn order(self) -> Vec<Uid> {
        let Self { messages, keys, .. } = self;
        let ends = messages.iter().skip(1).map(|(_, start)| *start);
        let ends = ends.chain([keys.len()]);
        let mut order: Vec<_> = messages
            .iter()
            .zip(ends)
            .map(|((uid, start), end)| {
                let key = keys.get(*start..end).unwrap_or_default();
                (head(key), key, *uid)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(.., uid)| uid).collect()
    }
}

/// A message's key in an order: octets that compare as the messages do. Those with equal keys are ordered by UID.
pub fn key(order: &[Criterion], message: &Message<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    for criterion in order {
        key::write(&mut key, *criterion, message, LONGEST);
    }
    key
}

/// The first octets of a key, which decide most comparisons without a look at the rest.
fn head(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests;
