//! Which messages of a mailbox match: the store is asked first; what it leaves open is decided by records, then
//! by headers, then by reading. A message is read no further than the query needs.

use super::{Breath, RUN, header, structure};
use bytes::Bytes;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, Keyword, Keywords, ModSeq, Uid, UidSet};
use mailcore_base::message::{Fields as HeaderFields, Structure, is_chosen_field};
use mailcore_base::search::{Facts, Key, Matcher, Needs, Query, Undecided, Verdict};
use mailcore_store::Result;
use mailcore_store::body::Body;
use mailcore_store::mailbox::{Fields, Mailbox, Record};

/// Messages whose records are asked for at a time.
const BATCH: usize = 1000;
/// Messages up to this size are read once, whole, where their bodies are searched; larger ones twice, in runs.
const SMALL: u64 = 1024 * 1024;

/// The messages among `within`, which are there, that match `query` at `now` (seconds since 1970); `keywords` is the
/// mailbox's table.
///
/// # Errors
/// When the store cannot read for now.
pub async fn search(
    mailbox: &dyn Mailbox,
    query: &Query,
    within: &UidSet,
    keywords: &Keywords,
    now: i64,
) -> Result<UidSet> {
    if query.is_all() {
        return Ok(within.clone());
    }
    if let Some(found) = mailbox.search(query, within).await? {
        return Ok(found);
    }
    let wants_date = query.keys().any(|key| matches!(key, Key::Sent(_)));
    let matcher = Matcher::new(query.clone());
    let recent = mailbox.recent();
    let by_headers = is_by_headers(query, matcher.needs());
    let fields = fields(query, by_headers);
    let mut found = UidSet::new();
    let mut records = Vec::new();
    let mut breath = Breath::default();
    // Each message is looked through for each key.
    let weight = 1 + query.keys().count() / 8;
    for batch in batches(within) {
        records.clear();
        mailbox.records(&batch, fields, &mut records).await?;
        for record in &records {
            let mut known = Known {
                record,
                keywords,
                recent: recent.contains(record.uid),
                sent: None,
            };
            if let (true, Some(headers)) = (by_headers, record.headers.as_deref()) {
                if wants_date {
                    known.sent = date(headers).or(Some(DateTime::utc(0)));
                }
                let matches = match matcher.judge(&known, now) {
                    Verdict::Decided(matches) => matches,
                    Verdict::Open(undecided) => undecided.over_header(headers),
                };
                if matches {
                    found.insert(record.uid);
                }
                breath.spent((headers.len() + 100) * weight).await;
                continue;
            }
            let mut at_hand = None;
            if wants_date {
                let Some(opened) = Opened::open(mailbox, record.uid, true).await? else {
                    continue;
                };
                // Like Dovecot: a message without a date that can be read is very old.
                known.sent = date(&opened.header).or(Some(DateTime::utc(0)));
                at_hand = Some(opened);
            }
            let mut read = 0;
            let matches = match matcher.judge(&known, now) {
                Verdict::Decided(matches) => matches,
                Verdict::Open(undecided) => {
                    let opened = match at_hand {
                        Some(opened) => Some(opened),
                        None => {
                            let with_header = matcher.needs() != Needs::Body;
                            Opened::open(mailbox, record.uid, with_header).await?
                        }
                    };
                    match opened {
                        Some(opened) => {
                            read = opened.weight(matcher.needs());
                            opened.decide(undecided, matcher.needs()).await?
                        }
                        None => false,
                    }
                }
            };
            if matches {
                found.insert(record.uid);
            }
            breath.spent((read + 100) * weight).await;
        }
    }
    Ok(found)
}

/// What records have to tell: a size or a date that nobody asks about may cost the store a look at each file.
fn fields(query: &Query, by_headers: bool) -> Fields {
    let mut fields = match by_headers {
        true => Fields::FLAGS | Fields::HEADERS,
        false => Fields::FLAGS,
    };
    for key in query.keys() {
        fields = match key {
            Key::Received(_) | Key::Older(_) | Key::Younger(_) => fields | Fields::DATE,
            Key::Larger(_) | Key::Smaller(_) => fields | Fields::SIZE,
            _ => fields,
        };
    }
    fields
}

/// Whether the chosen header fields decide whatever flags, dates and sizes do not.
fn is_by_headers(query: &Query, needs: Needs) -> bool {
    let mut reads = false;
    let decides = query.keys().all(|key| match key {
        Key::Address { name, .. } | Key::Header { name, .. } => {
            reads = true;
            is_chosen_field(name.as_bytes())
        }
        Key::Sent(_) => {
            reads = true;
            true
        }
        _ => true,
    });
    reads && decides && needs != Needs::Body
}

/// The set in pieces of a bounded number of UIDs. Ranges of UIDs that do not exist cost nothing: a range is
/// cut only where it is longer than a batch.
pub(super) fn batches(within: &UidSet) -> Vec<UidSet> {
    let mut batches = vec![UidSet::new()];
    let mut room = BATCH as u64;
    for range in within.ranges() {
        let (mut low, high) = (range.start().number(), range.end().number());
        loop {
            let take = u64::from(high - low + 1).min(room) as u32;
            if let (Some(a), Some(b)) = (Uid::new(low), Uid::new(low + (take - 1)))
                && let Some(last) = batches.last_mut()
            {
                last.insert_range(a..=b);
            }
            room -= u64::from(take);
            if room == 0 {
                batches.push(UidSet::new());
                room = BATCH as u64;
            }
            match low.checked_add(take) {
                Some(next) if next <= high => low = next,
                _ => break,
            }
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// What is known of a message without reading its text.
struct Known<'a> {
    record: &'a Record,
    keywords: &'a Keywords,
    recent: bool,
    sent: Option<DateTime>,
}

impl Facts for Known<'_> {
    fn uid(&self) -> Uid {
        self.record.uid
    }

    fn modseq(&self) -> ModSeq {
        self.record.modseq
    }

    fn flags(&self) -> Flags {
        self.record.flags
    }

    fn is_recent(&self) -> bool {
        self.recent
    }

    fn has_keyword(&self, keyword: &Keyword) -> bool {
        self.keywords
            .flag(keyword)
            .is_some_and(|flag| self.record.flags.contains(flag))
    }

    fn received(&self) -> DateTime {
        self.record.date.unwrap_or_default()
    }

    fn sent(&self) -> Option<DateTime> {
        self.sent
    }

    fn size(&self) -> u64 {
        self.record.size.unwrap_or_default()
    }
}

fn date(header: &[u8]) -> Option<DateTime> {
    let field = HeaderFields::new(header).named("date").next()?;
    DateTime::parse(&field.value()).ok()
}

/// A message that is being looked into.
struct Opened {
    body: std::sync::Arc<dyn Body>,
    /// Empty where the body is to be read, too, and nothing was asked of the header alone.
    header: Bytes,
}

impl Opened {
    async fn open(mailbox: &dyn Mailbox, uid: Uid, with_header: bool) -> Result<Option<Self>> {
        let Some(body) = mailbox.body(uid).await? else {
            return Ok(None);
        };
        let header = match with_header {
            true => header(&*body).await?,
            false => Bytes::new(),
        };
        Ok(Some(Self { body, header }))
    }

    /// Octets that deciding may take, as far as they are read at once.
    fn weight(&self, needs: Needs) -> usize {
        match needs {
            Needs::Body => self.body.len().min(SMALL) as usize,
            _ => self.header.len(),
        }
    }

    async fn decide(self, undecided: Undecided<'_>, needs: Needs) -> Result<bool> {
        if needs != Needs::Body {
            return Ok(undecided.over_header(&self.header));
        }
        if self.body.len() <= SMALL {
            let whole = whole(&*self.body).await?;
            return Ok(over(undecided, &Structure::of(&whole), &whole));
        }
        let structure = structure(&*self.body).await?;
        let mut reading = undecided.read(&structure);
        let mut breath = Breath::default();
        while let Some((from, length)) = reading.wants() {
            breath.spent(RUN as usize).await;
            let run = self.body.read(from..from + length.min(RUN)).await?;
            if run.is_empty() {
                break;
            }
            reading.feed(&run);
        }
        Ok(reading.finish())
    }
}

/// Reads what is at hand.
fn over(undecided: Undecided<'_>, structure: &Structure, text: &[u8]) -> bool {
    let mut reading = undecided.read(structure);
    while let Some((from, length)) = reading.wants() {
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(text.len());
        let until = from
            .saturating_add(usize::try_from(length).unwrap_or(usize::MAX))
            .min(text.len());
        match text.get(from..until) {
            Some(run) if !run.is_empty() => reading.feed(run),
            _ => break,
        }
    }
    reading.finish()
}

async fn whole(body: &dyn Body) -> Result<Bytes> {
    let first = body.read(0..body.len()).await?;
    if first.is_empty() || first.len() as u64 == body.len() {
        return Ok(first);
    }
    let mut whole = Vec::with_capacity(body.len() as usize);
    whole.extend_from_slice(&first);
    while (whole.len() as u64) < body.len() {
        let run = body.read(whole.len() as u64..body.len()).await?;
        if run.is_empty() {
            break;
        }
        whole.extend_from_slice(&run);
    }
    Ok(whole.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_member_once_and_are_bounded() {
        let uid = |n| Uid::new(n).unwrap();
        let mut set = UidSet::new();
        set.insert_range(uid(5)..=uid(2500));
        set.insert_range(uid(3000)..=uid(3000));
        set.insert_range(uid(u32::MAX - 10)..=Uid::LAST);
        let batches = batches(&set);
        assert!(batches.iter().all(|b| b.len() <= BATCH as u64));
        assert_eq!(batches.iter().map(UidSet::len).sum::<u64>(), set.len());
        assert_eq!(
            batches.iter().fold(UidSet::new(), |all, b| all.union(b)),
            set
        );
    }

    #[test]
    fn records_are_asked_for_no_more_than_the_keys_want() {
        let deleted = Query::from(Key::Flags(Flags::DELETED));
        assert_eq!(fields(&deleted, false), Fields::FLAGS);
        let larger = Query::from(Key::Larger(1));
        assert_eq!(fields(&larger, false), Fields::FLAGS | Fields::SIZE);
        let old = larger.or(Query::from(Key::Older(1)).not());
        assert_eq!(
            fields(&old, false),
            Fields::FLAGS | Fields::SIZE | Fields::DATE
        );
    }

    #[test]
    fn only_chosen_fields_are_looked_for_in_what_records_tell() {
        let header = |name: &str| {
            Query::from(Key::Header {
                name: name.to_owned(),
                value: "x".to_owned(),
            })
        };
        let by_headers = |query: Query| {
            let needs = Matcher::new(query.clone()).needs();
            is_by_headers(&query, needs)
        };
        assert!(by_headers(header("Subject")));
        assert!(by_headers(Query::all([header("from"), header("CC")])));
        assert!(!by_headers(header("Received")));
        assert!(!by_headers(header("from").or(header("Received"))));
        assert!(!by_headers(Query::all([
            header("from"),
            Query::from(Key::Body("x".into()))
        ])));
        assert!(
            !by_headers(Query::from(Key::Recent)),
            "needs no header at all"
        );
    }

    #[tokio::test]
    async fn a_message_without_a_date_was_sent_long_ago() {
        use mailcore_base::date::Day;
        use mailcore_base::mailbox::MailboxName;
        use mailcore_base::search::When;
        use mailcore_store::auth::User;
        use mailcore_store::mailbox::{Access, MailStore, MemoryStore, Stamp};

        let account = MemoryStore::new().account(&User::new("u")).await.unwrap();
        let inbox = MailboxName::inbox();
        for header in [
            "Subject: none",
            "Date: nonsense",
            "Date: 1 Feb 2021 10:00 +0000",
        ] {
            let mut append = account.append(&inbox).await.unwrap();
            let text = format!("{header}\r\n\r\nx\r\n");
            append.write(text.as_bytes()).await.unwrap();
            append.commit(Stamp::default()).await.unwrap();
        }
        let mailbox = account.open(&inbox, Access::Read).await.unwrap();
        let found = async |when: When| {
            let all = mailbox.sync(None).await.unwrap().now.uids.set();
            let query = Query::from(Key::Sent(when));
            let found = search(&*mailbox, &query, &all, &Keywords::default(), 0).await;
            found.unwrap().to_string()
        };
        let day = Day::parse(b"1-Jan-2000").unwrap();
        assert_eq!(found(When::Before(day)).await, "1:2");
        assert_eq!(found(When::Since(day)).await, "3");
        let epoch = Day::parse(b"1-Jan-1970").unwrap();
        assert_eq!(found(When::On(epoch)).await, "1:2");
    }
}
