//! Searching: a message answers the same in whatever pieces it is read, asks only for what it has and not for long, and
//! NOT, OR and AND mean what they say.

use crate::Choices;
use mailcore_base::date::{DateTime, Day};
use mailcore_base::mailbox::{Flags, Keyword, ModSeq, Uid, UidSet};
use mailcore_base::message::Structure;
use mailcore_base::search::{Facts, Key, Matcher, Query, Verdict, When};

/// The input is a text to look for, a line feed, the name of a field, a line feed, and a message; its last octets make
/// the query and say in what pieces the message is read.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(256);
    let steps = choices.below(8);
    let mut acts: Vec<usize> = (0..steps).map(|_| choices.octet().into()).collect();
    let needle = String::from_utf8_lossy(choices.line().unwrap_or_default());
    let field = String::from_utf8_lossy(choices.line().unwrap_or_default());
    let message = choices.rest();
    let structure = Structure::of(message);
    let asked = |query: &Query, size| ask(query, message, &structure, size);

    acts.push(0);
    let mut queries: Vec<Query> = Vec::new();
    for act in acts {
        let next = match (act % 5, queries.pop()) {
            (3, Some(query)) => query.not(),
            (4, Some(query)) => match queries.pop() {
                Some(other) => query.or(other),
                None => query,
            },
            (_, before) => {
                queries.extend(before);
                Query::from(key(act, &needle, &field))
            }
        };
        queries.push(next);
    }
    let mut every = true;
    for query in &queries {
        let found = asked(query, message.len().max(1));
        assert_eq!(asked(query, piece), found, "in pieces of {piece}");
        assert_eq!(asked(query, 1), found, "octet by octet");
        assert_eq!(asked(&query.clone().not(), piece), !found);
        let either = query.clone().or(query.clone().not());
        assert!(asked(&either, piece), "neither a thing nor its opposite");
        every &= found;
    }
    assert_eq!(asked(&Query::all(queries), piece), every);
}

fn key(act: usize, needle: &str, field: &str) -> Key {
    let day = Day::from_epoch(act as i32 * 97);
    match act % 11 {
        0 => Key::Text(needle.into()),
        1 => Key::Body(needle.into()),
        2 => Key::Address {
            name: field.into(),
            value: needle.into(),
        },
        3 => Key::Header {
            name: field.into(),
            value: needle.into(),
        },
        4 => Key::Header {
            name: field.into(),
            value: String::new(),
        },
        5 => Key::Sent(When::Since(day)),
        6 => Key::Received(When::Before(day)),
        7 => Key::Larger(act as u64),
        8 => Key::Flags(Flags::SEEN),
        9 => Keyword::parse(needle).map_or(Key::All, Key::Keyword),
        _ => Key::Uids(UidSet::all()),
    }
}

fn ask(query: &Query, message: &[u8], structure: &Structure, size: usize) -> bool {
    let matcher = Matcher::new(query.clone());
    let seen = Seen(message.len() as u64);
    let open = match matcher.judge(&seen, 1_000_000) {
        Verdict::Decided(decided) => return decided,
        Verdict::Open(open) => open,
    };
    let mut reading = open.read(structure);
    let mut before = None;
    while let Some((offset, wanted)) = reading.wants() {
        // Runs come in the order of the message, each once: no more than the message is read twice over, a part's
        // header being in its parent's body.
        assert!(
            wanted > 0 && before < Some((offset, u64::MAX - wanted)),
            "no progress"
        );
        before = Some((offset, u64::MAX - wanted));
        let run = message
            .get(offset as usize..(offset + wanted) as usize)
            .expect("within the message");
        reading.feed(&run[..run.len().min(size)]);
    }
    reading.finish()
}

/// A message of which nothing but the size is known.
struct Seen(u64);

impl Facts for Seen {
    fn uid(&self) -> Uid {
        Uid::FIRST
    }
    fn flags(&self) -> Flags {
        Flags::SEEN
    }
    fn is_recent(&self) -> bool {
        true
    }
    fn has_keyword(&self, _: &Keyword) -> bool {
        false
    }
    fn received(&self) -> DateTime {
        DateTime::utc(0)
    }
    fn sent(&self) -> Option<DateTime> {
        None
    }
    fn modseq(&self) -> ModSeq {
        ModSeq(self.0)
    }
    fn size(&self) -> u64 {
        self.0
    }
}
