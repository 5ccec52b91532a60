//! A query made ready to run over many messages.

use super::fold::Needle;
use super::query::{Key, Query};
use super::reading::{MAX_HEADER, Reading, search_field};
use crate::date::DateTime;
use crate::mailbox::{Flags, Keyword, ModSeq, Uid};
use crate::message::{Field, Fields, Structure};

/// What is known of a message without opening it.
pub trait Facts {
    /// Its UID.
    fn uid(&self) -> Uid;
    /// Its system flags; keywords may be among them or not.
    fn flags(&self) -> Flags;
    /// Whether this session is the first to be told of it (`\\Recent`, RFC 3501 §2.3.2).
    fn is_recent(&self) -> bool;
    /// Whether it has the keyword.
    fn has_keyword(&self, keyword: &Keyword) -> bool;
    /// The internal date.
    fn received(&self) -> DateTime;
    /// The `Date` field, if there is one that can be read.
    fn sent(&self) -> Option<DateTime>;
    /// When it last changed.
    fn modseq(&self) -> ModSeq;
    /// RFC822.SIZE.
    fn size(&self) -> u64;
}

/// What a query may have to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The [`Facts`] alone.
    Facts,
    /// The header of the message too.
    Header,
    /// The message too.
    Body,
}

/// Whether a message matches, as far as its [`Facts`] say.
#[derive(Debug)]
pub enum Verdict<'m> {
    /// It is decided.
    Decided(bool),
    /// The message has to be read; as much of it as the reading asks for.
    Open(Undecided<'m>),
}

/// A message that its [`Facts`] do not decide.
#[derive(Debug)]
pub struct Undecided<'m> {
    matcher: &'m Matcher,
    known: Vec<Option<bool>>,
}

/// A key that looks into the message.
#[derive(Debug)]
pub(super) struct Text {
    /// Its place among the keys.
    pub(super) key: usize,
    pub(super) place: Place,
    pub(super) needle: Needle,
}

/// Where a text key looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Field(String),
    /// The addresses in a field.
    Addresses(String),
    Body,
    Anywhere,
}

impl Place {
    /// Whether it is that field, or the addresses in it.
    pub(super) fn is_in(&self, field: &Field<'_>) -> bool {
        match self {
            Self::Field(name) | Self::Addresses(name) => field.is(name),
            Self::Body | Self::Anywhere => false,
        }
    }
}

/// A [`Query`] made ready once, to be run over many messages.
#[derive(Debug)]
pub struct Matcher {
    pub(super) query: Query,
    pub(super) texts: Vec<Text>,
}

impl Matcher {
    /// Makes the query ready.
    pub fn new(query: Query) -> Matcher {
        let texts = query
            .keys()
            .enumerate()
            .filter_map(|(key, k)| text(key, k))
            .collect();
        Matcher { query, texts }
    }

    /// What has to be at hand for the messages that the [`Facts`] do not decide.
    pub fn needs(&self) -> Needs {
        let need = |text: &Text| match text.place {
            Place::Field(_) | Place::Addresses(_) => Needs::Header,
            Place::Body | Place::Anywhere => Needs::Body,
        };
        self.texts.iter().map(need).max().unwrap_or(Needs::Facts)
    }

    /// Decides by the facts, as far as they reach; `now` is in seconds since 1970 (RFC 5032 keys).
    pub fn judge(&self, facts: &impl Facts, now: i64) -> Verdict<'_> {
        let known: Vec<_> = self
            .query
            .keys()
            .map(|key| known(key, facts, now))
            .collect();
        match self.query.evaluate(&known) {
            Some(decided) => Verdict::Decided(decided),
            None => Verdict::Open(Undecided {
                matcher: self,
                known,
            }),
        }
    }
}

impl<'m> Undecided<'m> {
    /// Reads the message, whose structure is known.
    pub fn read<'s>(self, structure: &'s Structure) -> Reading<'m, 's> {
        Reading::new(self.matcher, self.known, structure)
    }

    /// Looks into the message's header, which is all there is to look into; what is asked of bodies counts as not there.
    pub fn over_header(self, header: &[u8]) -> bool {
        let texts = self.matcher.texts.iter();
        if texts
            .clone()
            .any(|text| matches!(text.place, Place::Body | Place::Anywhere))
        {
            let structure = Structure::of_header(header);
            let mut reading = self.read(&structure);
            reading.feed(header);
            return reading.finish();
        }
        let mut known = self.known;
        let header = header.get(..MAX_HEADER).unwrap_or(header);
        for field in Fields::new(header) {
            search_field(&field, texts.clone(), &mut known);
        }
        for text in texts {
            if let Some(known) = known.get_mut(text.key) {
                known.get_or_insert(false);
            }
        }
        self.matcher.query.evaluate(&known).unwrap_or(false)
    }
}

fn text(key: usize, of: &Key) -> Option<Text> {
    let (place, value) = match of {
        Key::Header { name, value } => (Place::Field(name.to_ascii_lowercase()), value),
        Key::Address { name, value } => (Place::Addresses(name.to_ascii_lowercase()), value),
        Key::Body(value) => (Place::Body, value),
        Key::Text(value) => (Place::Anywhere, value),
        _ => return None,
    };
    let needle = Needle::new(value);
    // An empty text is in every message; only a field may not be there.
    if needle.is_empty() && !matches!(place, Place::Field(_) | Place::Addresses(_)) {
        return None;
    }
    Some(Text { key, place, needle })
}

fn known(key: &Key, facts: &impl Facts, now: i64) -> Option<bool> {
    let age = || now.saturating_sub(facts.received().seconds);
    Some(match key {
        Key::All => true,
        Key::Uids(set) => set.contains(facts.uid()),
        Key::Flags(flags) => facts.flags().contains(*flags),
        Key::Recent => facts.is_recent(),
        Key::Keyword(keyword) => facts.has_keyword(keyword),
        Key::Body(text) | Key::Text(text) if text.is_empty() => true,
        Key::Address { .. } | Key::Header { .. } | Key::Body(_) | Key::Text(_) => return None,
        Key::Received(when) => when.holds(facts.received().day()),
        Key::Sent(when) => facts.sent().is_some_and(|date| when.holds(date.day())),
        Key::Larger(size) => facts.size() > *size,
        Key::Smaller(size) => facts.size() < *size,
        Key::ModSeq(modseq) => facts.modseq() >= *modseq,
        // RFC 5032 §3: a message exactly as old is both.
        Key::Older(seconds) => age() >= i64::from(*seconds),
        Key::Younger(seconds) => age() <= i64::from(*seconds),
    })
}
