//! Mailboxes in memory: what writers do to them, and what they show.

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{
    FlagChange, Flags, Keyword, Keywords, ModSeq, Snapshot, Uid, UidMap, UidSet, UidValidity,
};
use mailcore_base::message::{Found, Section, Structure, write_envelope, write_structure};
use mailcore_base::search::{Facts, Matcher, Query, Verdict};
use mailcore_imap::server::{Search, Sort, Thread};
use mailcore_imap::sort::{self, Sorting};
use mailcore_imap::thread::{Threading, Threads};
use mailcore_imap::types::Status;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::num::NonZeroU32;
use std::sync::Arc;

pub struct Message {
    pub uid: Uid,
    pub flags: Flags,
    pub(super) modseq: ModSeq,
    pub(super) date: DateTime,
    pub body: Vec<u8>,
}

pub struct Mailbox {
    pub(super) validity: UidValidity,
    pub(super) next: Uid,
    pub(super) modseq: ModSeq,
    pub(super) keywords: Keywords,
    pub messages: Vec<Message>,
    /// Nobody has been told of these.
    pub(super) fresh: UidSet,
    /// What went when; none: nobody knows.
    pub gone: Option<Vec<(ModSeq, UidSet)>>,
    /// Modification sequences last.
    pub modseqs: bool,
}

impl Mailbox {
    pub(super) fn new(validity: u32) -> Self {
        Self {
            validity: UidValidity(NonZeroU32::new(validity).unwrap()),
            next: Uid::FIRST,
            modseq: ModSeq(1),
            keywords: Keywords::default(),
            messages: Vec::new(),
            fresh: UidSet::new(),
            gone: Some(Vec::new()),
            modseqs: true,
        }
    }

    pub(super) fn bump(&mut self) -> ModSeq {
        self.modseq.0 += 1;
        self.modseq
    }

    pub fn add(&mut self, body: Vec<u8>, flags: Flags, date: DateTime) -> Uid {
        let (uid, modseq) = (self.next, self.bump());
        self.next = uid.next().unwrap();
        self.fresh.insert(uid);
        self.messages.push(Message {
            uid,
            flags,
            modseq,
            date,
            body,
        });
        uid
    }

    pub(super) fn bits(&mut self, keywords: &[Keyword]) -> Flags {
        keywords
            .iter()
            .filter_map(|k| self.keywords.add(k))
            .fold(Flags::NONE, Flags::union)
    }

    pub fn flag(&mut self, uids: &UidSet, change: &FlagChange, since: Option<ModSeq>) -> UidSet {
        let bits = self.bits(&change.keywords);
        let modseq = self.bump();
        let mut left = UidSet::new();
        for message in self.messages.iter_mut().filter(|m| uids.contains(m.uid)) {
            if since.is_some_and(|since| message.modseq > since) {
                left.insert(message.uid);
                continue;
            }
            let flags = change.apply(message.flags, bits);
            if flags != message.flags {
                message.flags = flags;
                message.modseq = modseq;
            }
        }
        left
    }

    pub fn expunge(&mut self, uids: &UidSet) -> UidSet {
        let modseq = self.bump();
        let (gone, kept) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|m| uids.contains(m.uid));
        self.messages = kept;
        let gone: UidSet = gone.iter().map(|m: &Message| m.uid).collect();
        if let Some(history) = &mut self.gone {
            history.push((modseq, gone.clone()));
        }
        gone
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut now = Snapshot::empty(self.validity);
        now.uid_next = self.next;
        now.modseq = self.modseq;
        now.uids = Arc::new(self.messages.iter().map(|m| m.uid).collect::<UidMap>());
        now.keywords = Arc::new(self.keywords.clone());
        now
    }

    pub(super) fn get(&self, uid: Uid) -> Option<&Message> {
        self.messages.iter().find(|m| m.uid == uid)
    }
}

struct Of<'m>(&'m Message, &'m Keywords);

impl Facts for Of<'_> {
    fn uid(&self) -> Uid {
        self.0.uid
    }
    fn flags(&self) -> Flags {
        self.0.flags
    }
    fn modseq(&self) -> ModSeq {
        self.0.modseq
    }
    fn is_recent(&self) -> bool {
        unreachable!("the machine knows what is recent")
    }
    fn has_keyword(&self, keyword: &Keyword) -> bool {
        let flag = self.1.flag(keyword);
        flag.is_some_and(|flag| self.0.flags.contains(flag))
    }
    fn received(&self) -> DateTime {
        self.0.date
    }
    fn sent(&self) -> Option<DateTime> {
        let envelope = Structure::of(&self.0.body);
        let date = envelope.envelope()?.date.as_ref()?;
        DateTime::parse(date).ok()
    }
    fn size(&self) -> u64 {
        self.0.body.len() as u64
    }
}

/// The text of a section.
pub(super) fn section(body: &[u8], section: &Section) -> Vec<u8> {
    let structure = Structure::of(body);
    let cut = |offset: u64, bytes: u64| &body[offset as usize..(offset + bytes) as usize];
    match structure.find(section) {
        Found::Bytes(extent) => cut(extent.offset, extent.bytes).to_vec(),
        found @ Found::Fields { header, .. } => {
            let mut out = Vec::new();
            found.filter(cut(header.offset, header.bytes), &mut out);
            out
        }
        Found::Nothing => Vec::new(),
    }
}

pub(super) fn status(mailbox: &Mailbox) -> Status {
    let mut status = Status::empty(mailbox.validity);
    status.messages = mailbox.messages.len() as u32;
    status.recent = mailbox.fresh.len() as u32;
    let unseen = |m: &&Message| !m.flags.contains(Flags::SEEN);
    status.unseen = mailbox.messages.iter().filter(unseen).count() as u32;
    status.uid_next = mailbox.next;
    status.modseq = mailbox.modseq;
    status
}

pub(super) fn described(body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let structure = Structure::of(body);
    let (mut envelope, mut text) = (Vec::new(), Vec::new());
    if let Some(of) = structure.envelope() {
        write_envelope(of, &mut envelope);
    }
    write_structure(&structure, true, &mut text);
    (envelope, text)
}

pub(super) fn find(mailbox: &Mailbox, query: &Query) -> UidSet {
    let matcher = Matcher::new(query.clone());
    let matches = |message: &&Message| match matcher.judge(&Of(message, &mailbox.keywords), 0) {
        Verdict::Decided(decided) => decided,
        Verdict::Open(open) => {
            let structure = Structure::of(&message.body);
            let mut reading = open.read(&structure);
            while let Some((from, count)) = reading.wants() {
                reading.feed(&message.body[from as usize..(from + count) as usize]);
            }
            reading.finish()
        }
    };
    mailbox
        .messages
        .iter()
        .filter(matches)
        .map(|m| m.uid)
        .collect()
}

/// What matches, as an order or threads want it.
fn looked_at<'m>(mailbox: &'m Mailbox, search: &Search) -> Vec<sort::Message<'m>> {
    let found = find(mailbox, &search.query).intersection(&search.within);
    let messages = mailbox.messages.iter().filter(|m| found.contains(m.uid));
    messages
        .map(|m| sort::Message {
            uid: m.uid,
            received: m.date,
            size: m.body.len() as u64,
            header: &m.body,
        })
        .collect()
}

pub(super) fn sorted(mailbox: &Mailbox, asked: &Sort) -> Vec<Uid> {
    let mut sorting = Sorting::new(asked.order.clone());
    let messages = looked_at(mailbox, &asked.search);
    messages.iter().for_each(|message| sorting.add(message));
    sorting.order()
}

pub(super) fn threaded(mailbox: &Mailbox, asked: &Thread) -> Threads {
    let hasher = BuildHasherDefault::<DefaultHasher>::default;
    let mut threading = Threading::new(asked.by, [hasher(), hasher()]);
    let messages = looked_at(mailbox, &asked.search);
    messages.iter().for_each(|message| threading.add(message));
    threading.threads()
}
