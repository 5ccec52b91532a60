//! Answers about messages: records, descriptions, sections, searches.

use super::Answers;
use crate::access::{self, Sought};
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_base::mailbox::{Keywords, UidSet};
use mailcore_base::message::SectionText;
use mailcore_imap::server::{
    Bytes, Describe, Extent, Measure, Question, Records, Search, Sort, Thread,
};
use mailcore_imap::types::{self, Described, Failed, Row};
use mailcore_store::Result;
use mailcore_store::mailbox::{Fields, Mailbox, Record};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

impl Answers<'_> {
    pub(super) async fn records<S: Transport>(
        &mut self,
        mut q: Question<'_, Records>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let mut records = Vec::new();
        let read = mailbox.records(&asked.uids, fields(asked.fields), &mut records);
        let Some(read) = end.attend(line, read).await else {
            return;
        };
        match read {
            Ok(()) => {
                let headers = records.iter().filter_map(|r| r.headers.as_ref());
                let (count, octets) = headers.fold((0, 0), |(n, sum), h| (n + 1, sum + h.len()));
                self.counts.headers += count;
                self.counts.header_octets += octets as u64;
                q.answer(Ok(records.iter().map(row)));
            }
            Err(error) => q.answer(Err::<std::iter::Empty<Row<'_>>, _>(self.failed(&error))),
        }
    }

    pub(super) async fn describe<S: Transport>(
        &mut self,
        mut q: Question<'_, Describe>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let (reader, uid, what) = (&mut self.reader, asked.uid, asked.what);
        let read = async {
            match what {
                Described::Envelope => reader.envelope(&**mailbox, uid).await,
                Described::Body => reader.structure(&**mailbox, uid, false).await,
                _ => reader.structure(&**mailbox, uid, true).await,
            }
        };
        let Some(text) = end.attend(line, read).await else {
            return;
        };
        self.counts.headers += 1;
        q.answer(text.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn measure<S: Transport>(
        &mut self,
        mut q: Question<'_, Measure>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let (reader, uid, section) = (&mut self.reader, asked.uid, &asked.section);
        let read = async {
            match asked.decoded {
                true => reader.measure_decoded(&**mailbox, uid, section).await,
                false => reader.measure(&**mailbox, uid, section).await,
            }
        };
        let Some(measured) = end.attend(line, read).await else {
            return;
        };
        let header = !matches!(
            q.asked().section.text,
            SectionText::Whole | SectionText::Text
        );
        match measured {
            Ok(Some(access::Measured::Length(octets))) => {
                self.count(header, octets);
                q.answer(Ok(Some(Extent::Length(octets))));
            }
            Ok(Some(access::Measured::Whole(made))) => {
                self.count(header, made.len() as u64);
                q.answer(Ok(Some(Extent::Whole(&made))));
            }
            Ok(Some(access::Measured::Unknown)) => q.answer(Err(Failed::Encoding)),
            Ok(None) => q.answer(Ok(None)),
            Err(error) => q.answer(Err(self.failed(&error))),
        }
    }

    fn count(&mut self, header: bool, octets: u64) {
        let (count, sum) = match header {
            true => (&mut self.counts.headers, &mut self.counts.header_octets),
            false => (&mut self.counts.bodies, &mut self.counts.body_octets),
        };
        *count += 1;
        *sum += octets;
    }

    pub(super) async fn bytes<S: Transport>(
        &mut self,
        mut q: Question<'_, Bytes>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let (reader, uid, section) = (&mut self.reader, asked.uid, &asked.section);
        let range = asked.range.clone();
        let read = async {
            match asked.decoded {
                true => reader.decoded(&**mailbox, uid, section, range).await,
                false => reader.bytes(&**mailbox, uid, section, range).await,
            }
        };
        let Some(bytes) = end.attend(line, read).await else {
            return;
        };
        match bytes {
            Ok(bytes) => q.answer(Ok(&bytes.unwrap_or_default())),
            Err(error) => q.answer(Err(self.failed(&error))),
        }
    }

    pub(super) async fn search<S: Transport>(
        &mut self,
        mut q: Question<'_, Search>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let look = async {
            let there = There::of(&**mailbox, asked).await?;
            let Sought {
                query,
                within,
                keywords,
                now,
            } = there.sought(asked);
            access::search(&**mailbox, query, within, keywords, now).await
        };
        let Some(found) = end.attend(line, look).await else {
            return;
        };
        q.answer(found.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn sort<S: Transport>(&mut self, mut q: Question<'_, Sort>, end: &mut End<S>) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let look = async {
            let there = There::of(&**mailbox, &asked.search).await?;
            let sought = there.sought(&asked.search);
            access::sort(&**mailbox, sought, Arc::clone(&asked.order)).await
        };
        let Some(found) = end.attend(line, look).await else {
            return;
        };
        q.answer(found.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn thread<S: Transport>(
        &mut self,
        mut q: Question<'_, Thread>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let look = async {
            let there = There::of(&**mailbox, &asked.search).await?;
            access::thread(&**mailbox, there.sought(&asked.search), asked.by).await
        };
        let Some(found) = end.attend(line, look).await else {
            return;
        };
        q.answer(found.map_err(|e| self.failed(&e)));
    }
}

/// What a search goes by: the messages that are asked about and still there, and the mailbox's keywords.
struct There {
    within: UidSet,
    keywords: Arc<Keywords>,
}

impl There {
    async fn of(mailbox: &dyn Mailbox, search: &Search) -> Result<Self> {
        let now = mailbox.sync(None).await?.now;
        Ok(Self {
            within: search.within.intersection(&now.uids.set()),
            keywords: now.keywords,
        })
    }

    fn sought<'q>(&'q self, search: &'q Search) -> Sought<'q> {
        Sought {
            query: &search.query,
            within: &self.within,
            keywords: &self.keywords,
            now: now(),
        }
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64)
}

fn fields(wanted: types::Fields) -> Fields {
    const PAIRS: [(types::Fields, Fields); 6] = [
        (types::Fields::FLAGS, Fields::FLAGS),
        (types::Fields::DATE, Fields::DATE),
        (types::Fields::SIZE, Fields::SIZE),
        (types::Fields::ENVELOPE, Fields::ENVELOPE),
        (types::Fields::STRUCTURE, Fields::STRUCTURE),
        (types::Fields::HEADERS, Fields::HEADERS),
    ];
    let wanted = PAIRS.iter().filter(|(theirs, _)| wanted.contains(*theirs));
    wanted.fold(Fields::default(), |all, (_, ours)| all | *ours)
}

fn row(record: &Record) -> Row<'_> {
    let mut row = Row::new(record.uid, record.flags, record.modseq);
    row.date = record.date;
    row.size = record.size;
    row.envelope = record.envelope.as_deref();
    row.structure = record.structure.as_deref();
    row.headers = record.headers.as_deref();
    row
}
