//! What Dovecot is to answer where it reads messages in its own manners: our search, order and threads over what it reads.

use crate::maildir::{Mail, with_crlf};
use crate::manners::{MANNERS, Manner};
use crate::programs::{Key, Program};
use crate::rewrite::{value, with_fields};
use mailcore::base::date::{DateTime, Day};
use mailcore::base::mailbox::{Flags, Keyword, ModSeq, Uid};
use mailcore::base::message::{Fields, Structure};
use mailcore::base::search::{self, Facts, Matcher, Query, Verdict, When};
use mailcore::imap::sort::{By, Criterion, Message, Sorting};
use mailcore::imap::thread::{Algorithm, Threading, Told};
use std::collections::BTreeSet;
use std::hash::RandomState;

/// The manners that matter to a key, or to an order by it (`SORT FROM`).
fn about(key: &str) -> impl Iterator<Item = &'static Manner> {
    // Orders by addresses look at mailboxes, which nobody decodes; other orders, at what a search looks into.
    let of_search = match key.strip_prefix("SORT ") {
        None | Some("FROM" | "TO" | "CC") => key,
        Some(of_search) => of_search,
    };
    let (key, of_search) = (key.to_owned(), of_search.to_owned());
    MANNERS.iter().filter(move |manner| {
        manner
            .about
            .iter()
            .any(|about| *about == key || *about == of_search)
    })
}

/// The manners by which a message gives that answer to a key; none if they do not explain it.
pub fn of_key(key: &Key, mail: &Mail, theirs: bool) -> Vec<&'static str> {
    let Some(sought) = sought(key) else {
        return Vec::new();
    };
    let text = with_crlf(&mail.octets);
    let gives = |sought: &search::Key, text: &[u8]| finds(sought, text) == theirs;
    if let search::Key::Header { name, value } = &sought
        && ADDRESSES
            .iter()
            .any(|field| name.eq_ignore_ascii_case(field))
    {
        let (name, value) = (name.clone(), value.clone());
        if gives(&search::Key::Address { name, value }, &text) {
            return vec![OF_ADDRESSES];
        }
    }
    if let Some(manner) = about(key.name).find(|manner| gives(&sought, &(manner.write)(&text))) {
        return vec![manner.name];
    }
    let (mut read, mut names) = (text, Vec::new());
    for manner in about(key.name) {
        let written = (manner.write)(&read);
        if written != read {
            names.push(manner.name);
            read = written;
        }
    }
    if gives(&sought, &read) {
        names
    } else {
        Vec::new()
    }
}

/// Whether a program has keys for a field and for the addresses in it, and comes to that answer where either are looked
/// for in what the other ones look into.
pub fn in_one_program(
    program: &Program,
    mail: &Mail,
    said: &dyn Fn(&Key) -> bool,
    theirs: bool,
) -> bool {
    let mut keys = Vec::new();
    program.keys(&mut keys);
    let field = |key: &Key| match key.name {
        "HEADER" => key.field.to_ascii_uppercase(),
        name => name.to_owned(),
    };
    let both = |key: &Key| {
        let others = keys.iter().filter(|other| field(other) == field(key));
        ADDRESSES.contains(&field(key).to_ascii_lowercase().as_str())
            && others
                .map(|other| other.name == "HEADER")
                .collect::<BTreeSet<bool>>()
                .len()
                == 2
    };
    let text = with_crlf(&mail.octets);
    let found = |key: &Key, of_addresses: bool| {
        let (name, value) = (field(key).to_ascii_lowercase(), key.text.clone());
        match of_addresses {
            true => finds(&search::Key::Address { name, value }, &text),
            false => finds(&search::Key::Header { name, value }, &text),
        }
    };
    keys.iter().any(|key| both(key))
        && [true, false].into_iter().any(|of_addresses| {
            let holds = |key: &Key| match both(key) {
                true => found(key, of_addresses),
                false => said(key),
            };
            program.holds(&holds) == theirs
        })
}

pub const OF_ADDRESSES: &str = "HEADER of addresses";
const ADDRESSES: [&str; 6] = ["from", "to", "cc", "bcc", "reply-to", "sender"];

/// The key as our search knows it, if it looks into the message.
fn sought(key: &Key) -> Option<search::Key> {
    let value = key.text.clone();
    Some(match key.name {
        "BODY" => search::Key::Body(value),
        "TEXT" => search::Key::Text(value),
        "HEADER" => search::Key::Header {
            name: key.field.to_owned(),
            value,
        },
        "SUBJECT" => search::Key::Header {
            name: "subject".to_owned(),
            value,
        },
        "FROM" | "TO" | "CC" | "BCC" => search::Key::Address {
            name: key.name.to_owned(),
            value,
        },
        "SENTBEFORE" => search::Key::Sent(When::Before(Day::parse(value.as_bytes()).ok()?)),
        "SENTON" => search::Key::Sent(When::On(Day::parse(value.as_bytes()).ok()?)),
        "SENTSINCE" => search::Key::Sent(When::Since(Day::parse(value.as_bytes()).ok()?)),
        _ => return None,
    })
}

fn finds(key: &search::Key, text: &[u8]) -> bool {
    let matcher = Matcher::new(Query::from(key.clone()));
    let undecided = match matcher.judge(&Dated(sent(text)), 0) {
        Verdict::Decided(decided) => return decided,
        Verdict::Open(undecided) => undecided,
    };
    let structure = Structure::of(text);
    let mut reading = undecided.read(&structure);
    while let Some((from, length)) = reading.wants() {
        reading.feed(&text[from as usize..(from + length) as usize]);
    }
    reading.finish()
}

/// When it was sent; what says nothing that can be read, long ago.
fn sent(text: &[u8]) -> DateTime {
    let date = Fields::new(text).named("date").next();
    let date = date.and_then(|field| DateTime::parse(&field.value()).ok());
    date.unwrap_or(DateTime::utc(0))
}

/// What is known of a message: when it was sent.
struct Dated(DateTime);

impl Facts for Dated {
    fn uid(&self) -> Uid {
        Uid::FIRST
    }

    fn flags(&self) -> Flags {
        Flags::default()
    }

    fn is_recent(&self) -> bool {
        false
    }

    fn has_keyword(&self, _: &Keyword) -> bool {
        false
    }

    fn received(&self) -> DateTime {
        DateTime::utc(0)
    }

    fn sent(&self) -> Option<DateTime> {
        Some(self.0)
    }

    fn modseq(&self) -> ModSeq {
        ModSeq(0)
    }

    fn size(&self) -> u64 {
        0
    }
}

pub const TIES_IN_REFS: &str = "ties in REFS";

/// Threads, each in a piece.
fn threads(told: &[Told]) -> Vec<&[Told]> {
    let (mut threads, mut start, mut open) = (Vec::new(), 0, 1);
    for (at, it) in told.iter().enumerate() {
        open += it.children as usize;
        open -= 1;
        if open == 0 {
            threads.push(&told[start..=at]);
            (start, open) = (at + 1, 1);
        }
    }
    threads
}

/// The fields that a key of an order looks at; none in particular, for threads.
fn field_of(key: &str) -> &'static [&'static str] {
    match key
        .trim_start_matches("SORT ")
        .trim_start_matches("DISPLAY")
    {
        "SUBJECT" => &["subject"],
        "FROM" => &["from"],
        "TO" => &["to"],
        "CC" => &["cc"],
        "DATE" => &["date"],
        "REFERENCES" => &["references", "in-reply-to", "message-id"],
        _ => &[],
    }
}

/// A header with these fields of it written anew.
fn in_fields(header: &[u8], names: &[&str], write: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    with_fields(header, |field| {
        match names.iter().any(|name| value(&field, name).is_some()) {
            true => write(&field),
            false => field,
        }
    })
}

/// Orders, and ways of threading.
#[derive(Debug, Clone)]
pub enum Arrangement {
    Sort(Vec<Criterion>),
    Thread(Algorithm),
}

impl Arrangement {
    /// As a command names it: `(REVERSE FROM SIZE)`, `REFS`.
    pub fn parse(text: &str) -> Self {
        match text {
            "ORDEREDSUBJECT" => return Self::Thread(Algorithm::OrderedSubject),
            "REFERENCES" => return Self::Thread(Algorithm::References),
            "REFS" => return Self::Thread(Algorithm::Refs),
            _ => {}
        }
        let mut order = Vec::new();
        let mut reverse = false;
        for word in text.trim_matches(['(', ')']).split(' ') {
            let by = match word {
                "REVERSE" => {
                    reverse = true;
                    continue;
                }
                "ARRIVAL" => By::Arrival,
                "CC" => By::Cc,
                "DATE" => By::Date,
                "FROM" => By::From,
                "SIZE" => By::Size,
                "SUBJECT" => By::Subject,
                "TO" => By::To,
                "DISPLAYFROM" => By::DisplayFrom,
                "DISPLAYTO" => By::DisplayTo,
                _ => panic!("{word}"),
            };
            order.push(Criterion { by, reverse });
            reverse = false;
        }
        Self::Sort(order)
    }

    /// The keys that it looks at.
    fn keys(&self) -> Vec<String> {
        match self {
            Self::Sort(order) => {
                let name =
                    |criterion: &Criterion| format!("SORT {:?}", criterion.by).to_uppercase();
                order.iter().map(name).collect()
            }
            Self::Thread(Algorithm::OrderedSubject) => {
                vec!["SORT SUBJECT".into(), "SORT DATE".into()]
            }
            Self::Thread(Algorithm::Refs) => vec!["REFERENCES".into(), "SORT DATE".into()],
            Self::Thread(_) => {
                vec![
                    "SORT SUBJECT".into(),
                    "REFERENCES".into(),
                    "SORT DATE".into(),
                ]
            }
        }
    }

    /// A header as Dovecot reads it for this, but for one manner: each key's field in the manners that are about the key.
    fn read(&self, mail: &Mail, but: &str) -> Vec<u8> {
        let (header, touched) = mail.header();
        let mut read = header.clone();
        for key in self.keys() {
            let field = field_of(&key);
            let manners = about(&key).filter(|manner| manner.name != but);
            for manner in manners.filter(|m| touched.iter().any(|touched| touched.name == m.name)) {
                read = in_fields(&read, field, manner.write);
            }
        }
        read
    }

    /// Messages arranged as Dovecot reads them, but for one manner: each with how many it has below it.
    fn of(&self, uids: &[u32], mails: &[Mail], but: &str) -> Vec<Told> {
        let message = |uid: u32, header: &mut Vec<u8>| {
            let mail = &mails[uid as usize - 1];
            *header = self.read(mail, but);
            (
                Uid::new(uid).unwrap(),
                DateTime::utc(mail.received),
                mail.size(),
            )
        };
        let mut text = Vec::new();
        match self {
            Self::Sort(order) => {
                let mut sorting = Sorting::new(order.clone().into());
                for uid in uids {
                    let (uid, received, size) = message(*uid, &mut text);
                    sorting.add(&Message {
                        uid,
                        received,
                        size,
                        header: &text,
                    });
                }
                let told = |uid| Told {
                    uid: Some(uid),
                    children: 0,
                };
                sorting.order().into_iter().map(told).collect()
            }
            Self::Thread(by) => {
                let mut threading = Threading::new(*by, [RandomState::new(), RandomState::new()]);
                for uid in uids {
                    let (uid, received, size) = message(*uid, &mut text);
                    threading.add(&Message {
                        uid,
                        received,
                        size,
                        header: &text,
                    });
                }
                let threads = threading.threads();
                (0..threads.len())
                    .filter_map(|at| threads.get(at))
                    .collect()
            }
        }
    }

    /// When the threads end, in their order, and the threads in another one.
    fn but_for_ties(&self, told: &[Told], mails: &[Mail]) -> (Vec<i64>, BTreeSet<Vec<(u32, u32)>>) {
        let ends = |thread: &&[Told]| {
            let mails = thread
                .iter()
                .filter_map(|told| mails.get(told.uid?.number() as usize - 1));
            let sent =
                mails.map(
                    |mail| match Fields::new(&self.read(mail, "")).named("date").next() {
                        Some(field) => {
                            DateTime::parse(&field.value()).map_or(mail.received, |it| it.seconds)
                        }
                        None => mail.received,
                    },
                );
            sent.max().unwrap_or_default()
        };
        let threads = threads(told);
        let plain = |told: &Told| (told.uid.map_or(0, Uid::number), told.children);
        let each = threads
            .iter()
            .map(|thread| thread.iter().map(plain).collect());
        (threads.iter().map(ends).collect(), each.collect())
    }

    /// The manners by which messages are arranged so, or how they are to be by all of them.
    pub fn explain(&self, theirs: &[Told], mails: &[Mail]) -> Result<Vec<&'static str>, Vec<Told>> {
        let mut uids: Vec<u32> = theirs
            .iter()
            .filter_map(|told| told.uid)
            .map(Uid::number)
            .collect();
        uids.sort_unstable();
        let predicted = self.of(&uids, mails, "");
        if predicted != theirs {
            let is_refs = matches!(self, Self::Thread(Algorithm::Refs));
            if is_refs && self.but_for_ties(&predicted, mails) == self.but_for_ties(theirs, mails) {
                return Ok(vec![TIES_IN_REFS]);
            }
            return Err(predicted);
        }
        let mut names: Vec<&'static str> = self
            .keys()
            .iter()
            .flat_map(|key| about(key))
            .map(|manner| manner.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let touches = |name: &str, uid: &u32| {
            let (_, touched) = mails[*uid as usize - 1].header();
            touched.iter().any(|manner| manner.name == name)
        };
        names.retain(|name| {
            uids.iter().any(|uid| touches(name, uid)) && self.of(&uids, mails, name) != theirs
        });
        Ok(names)
    }
}
