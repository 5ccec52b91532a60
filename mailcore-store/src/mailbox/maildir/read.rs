//! Reading: counters, records, and the files of messages.

use super::index::{self, Draft, Pace, Texts};
use super::lines;
use super::room::Room;
use super::row::Row;
use super::scan;
use super::table::Table;
use crate::disk::{self, File, Open};
use crate::mailbox::clock::{date, seconds};
use crate::mailbox::{Fields, Record, Status};
use crate::{Error, Result};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{ModSeq, Uid, UidSet};
use mailcore_base::message::Summarizing;
use std::collections::BTreeSet;
use std::io::ErrorKind;

/// Octets that are read at once.
pub(super) const BLOCK: usize = 32 * 1024;

/// A message's file, with its length and its length with CRLF.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: Box<dyn File>,
    pub(super) len: u64,
    pub(super) served: u64,
}

/// Counters of the mailbox.
pub(super) fn status(room: &Room) -> Result<Status> {
    {
        let mut ledger = room.ledger();
        scan::refresh(room, &mut ledger, None)?;
    }
    let (mut status, table) = {
        let view = room.view()?;
        let now = view.snapshot();
        let mut status = Status::empty(now.uid_validity);
        status.messages = now.uids.len();
        status.recent = u32::try_from(view.unclaimed.len()).unwrap_or(u32::MAX);
        status.uid_next = now.uid_next;
        status.modseq = now.modseq;
        (status, view.table.clone())
    };
    status.unseen = status.messages;
    let mut learned = Learned::default();
    for tally in table.tallies() {
        status.unseen = status.unseen.saturating_sub(tally.seen);
        status.deleted += tally.deleted;
        status.size = status.size.saturating_add(tally.served);
        for uid in &tally.untold {
            let told = table.row(*uid).and_then(|row| table.sizes(&row).1);
            let size = match told {
                Some(served) => Some(served),
                None => {
                    learned.counted(room, *uid)?;
                    size(room, *uid)?
                }
            };
            status.size = status.size.saturating_add(size.unwrap_or(0));
        }
    }
    keep(room, &learned)?;
    Ok(status)
}

/// What was found out about messages, and need not be again.
#[derive(Debug, Default)]
struct Learned {
    dates: Vec<(u32, i64)>,
    sizes: Vec<u32>,
    texts: Vec<(u32, Texts)>,
}

impl Learned {
    /// A message is about to be counted, unless it has been.
    fn counted(&mut self, room: &Room, uid: u32) -> Result<()> {
        if !room.view()?.sizes.contains_key(&uid) {
            self.sizes.push(uid);
        }
        Ok(())
    }
}

/// What the cache holds ready.
pub(super) const TEXTS: Fields = Fields::ENVELOPE.and(Fields::STRUCTURE).and(Fields::HEADERS);

/// Records, as far as memory knows them, and where the texts of each are kept; says whether the rest must be asked of the
/// disk.
pub(super) fn records(
    room: &Room,
    uids: &UidSet,
    fields: Fields,
    out: &mut Vec<Record>,
    places: &mut Vec<(u32, u32)>,
) -> Result<bool> {
    let view = room.view()?;
    let described = room.site.indexed && fields.any(TEXTS);
    let mut more = described;
    for row in view.table.within(uids) {
        let Some(uid) = Uid::new(row.uid) else {
            continue;
        };
        let mut record = Record::new(uid, row.flags, ModSeq(row.modseq));
        if fields.contains(Fields::SIZE) {
            let counted = view.sizes.get(&row.uid).map(|s| s.1);
            record.size = counted.or_else(|| view.table.sizes(&row).1);
            more |= record.size.is_none();
        }
        if fields.contains(Fields::DATE) {
            record.date = row.date.map(DateTime::utc);
            more |= record.date.is_none();
        }
        if described {
            places.push((row.uid, row.place));
        }
        out.push(record);
    }
    Ok(more)
}

/// Asks the disk for what memory did not know. Messages that are gone meanwhile are left out.
pub(super) fn complete(room: &Room, fields: Fields, records: &mut Vec<Record>) -> Result<()> {
    let mut failed = None;
    let mut learned = Learned::default();
    records.retain_mut(|record| match fill(room, fields, record, &mut learned) {
        Ok(there) => there,
        Err(e) => {
            failed.get_or_insert(e);
            true
        }
    });
    failed.map_or(Ok(()), Err)?;
    if room.site.indexed && fields.any(TEXTS) {
        learned.texts = describe(room, fields, records)?;
    }
    keep(room, &learned)
}

/// Says of the record what memory did not; false once the message is gone.
fn fill(room: &Room, fields: Fields, record: &mut Record, learned: &mut Learned) -> Result<bool> {
    let uid = record.uid.number();
    if fields.contains(Fields::SIZE) && record.size.is_none() {
        learned.counted(room, uid)?;
        record.size = size(room, uid)?;
        if record.size.is_none() {
            return Ok(false);
        }
    }
    if fields.contains(Fields::DATE) && record.date.is_none() {
        let stat = with_file(room, uid, |path| room.site.disk.stat(path))?;
        let Some(stat) = stat else { return Ok(false) };
        record.date = Some(date(stat.modified));
        let date = seconds(stat.modified);
        if u32::try_from(date).is_ok() {
            learned.dates.push((uid, date)); // else there is no room for it
        }
    }
    Ok(true)
}

/// Adds the texts to records: from the cache, and for those of which it holds none, from the messages. What was read anew
/// is returned. A message that is gone has none, and who asks for it finds out.
fn describe(room: &Room, fields: Fields, records: &mut [Record]) -> Result<Vec<(u32, Texts)>> {
    let cache = room.ledger().index.cache();
    let kept = index::read(room, cache, &places(room, records)?, fields, Pace::Wait);
    let whole = fields.contains(Fields::STRUCTURE);
    let (mut read, mut octets) = (Vec::new(), 0);
    for (record, kept) in records.iter_mut().zip(kept) {
        let texts = match kept.filter(|texts| !(whole && texts.unread)) {
            Some(texts) => texts,
            // Enough has been read for one question: the rest is read message by message.
            None if octets > MOST_READ => continue,
            None => {
                let Some(opened) = open(room, record.uid.number())? else {
                    continue;
                };
                octets += opened.len;
                let texts = summarize(&opened, whole).map_err(|e| Error::io("message file", e))?;
                read.push((record.uid.number(), texts.clone()));
                texts
            }
        };
        tell(record, texts, fields);
    }
    let (told, opened) = (records.len() as u64, read.len() as u64);
    room.site.figures.opened.add(opened);
    room.site.figures.kept.add(told.saturating_sub(opened));
    Ok(read)
}

/// Where the texts of these are kept.
fn places(room: &Room, records: &[Record]) -> Result<Vec<(u32, u32)>> {
    let view = room.view()?;
    let place = |uid: u32| view.table.row(uid).map_or(0, |row| row.place);
    let uids = records.iter().map(|record| record.uid.number());
    Ok(uids.map(|uid| (uid, place(uid))).collect())
}

/// Adds the texts to records if nothing else is missing, all are kept, and that needs no waiting; says whether it was so.
pub(super) fn describe_now(
    room: &Room,
    fields: Fields,
    records: &mut [Record],
    places: &[(u32, u32)],
) -> bool {
    let is_whole = |record: &Record| {
        (record.size.is_some() || !fields.contains(Fields::SIZE))
            && (record.date.is_some() || !fields.contains(Fields::DATE))
    };
    if !room.site.indexed || !records.iter().all(is_whole) {
        return false;
    }
    let cache = room.try_ledger().map(|ledger| ledger.index.cache());
    let Some(cache) = cache else {
        return false;
    };
    let kept = index::read(room, cache, places, fields, Pace::AtOnce);
    let whole = fields.contains(Fields::STRUCTURE);
    let is_kept = |texts: &Option<Texts>| texts.as_ref().is_some_and(|t| !(whole && t.unread));
    if !kept.iter().all(is_kept) {
        return false;
    }
    for (record, texts) in records.iter_mut().zip(kept) {
        tell(record, texts.unwrap_or_default(), fields);
    }
    room.site.figures.kept.add(records.len() as u64);
    true
}

fn tell(record: &mut Record, texts: Texts, fields: Fields) {
    record.envelope = texts.envelope.filter(|_| fields.contains(Fields::ENVELOPE));
    record.structure = texts
        .structure
        .filter(|_| fields.contains(Fields::STRUCTURE));
    record.headers = texts.headers.filter(|_| fields.contains(Fields::HEADERS));
}

/// Octets of messages that are read for the records of one question.
const MOST_READ: u64 = 16 << 20;
/// A message this short is read whole, whatever is wanted of it.
const SHORT: u64 = 256 * 1024;

/// Reads a message for what is told of it; `whole`, or only its front.
fn summarize(opened: &Opened, whole: bool) -> std::io::Result<Texts> {
    let whole = whole || opened.len <= SHORT;
    let (mut summary, mut run, mut after_cr) = (Summarizing::new(), Vec::new(), false);
    let mut block = vec![0; BLOCK];
    let mut at = 0;
    while whole || !summary.is_past_header() {
        let n = opened.file.read_at(&mut block, at)?;
        let raw = block.get(..n).unwrap_or_default();
        if raw.is_empty() {
            return Ok(Texts::of(summary.finish(), true));
        }
        run.clear();
        lines::unfold(raw, &mut after_cr, &mut run);
        summary.feed(&run);
        at += n as u64;
    }
    Ok(Texts::of(summary.finish(), false))
}

/// Notes what was found out, so that it need not be again.
fn keep(room: &Room, learned: &Learned) -> Result<()> {
    let Learned {
        dates,
        sizes,
        texts,
    } = learned;
    if dates.is_empty() && sizes.is_empty() && texts.is_empty() {
        return Ok(());
    }
    let mut ledger = room.ledger();
    let places = index::add(room, &mut ledger, texts);
    let mut draft = Draft::default();
    let (mut table, modseq) = {
        let view = room.view()?;
        for uid in sizes {
            if let Some(sizes) = view.sizes.get(uid) {
                draft.sizes(*uid, *sizes);
            }
        }
        (Table::clone(&view.table), view.modseq)
    };
    for (uid, date) in dates {
        table.learn(*uid, Some(*date), None);
    }
    for ((uid, _), place) in texts.iter().zip(places) {
        table.learn(*uid, None, Some(place));
    }
    let uids = dates.iter().map(|(uid, _)| *uid);
    let uids: BTreeSet<u32> = uids.chain(texts.iter().map(|(uid, _)| *uid)).collect();
    for row in uids.into_iter().filter_map(|uid| table.row(uid)) {
        draft.learned(row.uid, row.date, row.place);
    }
    index::write(room, &mut ledger, draft, &mut table, modseq);
    room.view()?.show(table, modseq);
    Ok(())
}

/// A message's length with CRLF, counted if nothing tells it.
fn size(room: &Room, uid: u32) -> Result<Option<u64>> {
    if let Some(size) = room.view()?.sizes.get(&uid) {
        return Ok(Some(size.1));
    }
    Ok(open(room, uid)?.map(|opened| opened.served))
}

/// Opens a message; none once it is gone.
pub(super) fn open(room: &Room, uid: u32) -> Result<Option<Opened>> {
    let Some(file) = with_file(room, uid, |path| room.site.disk.open(path, Open::Read))? else {
        return Ok(None);
    };
    let failed = |e| Error::io("message file", e);
    let len = file.stat().map_err(failed)?.len;
    let served = match told(room, uid, len)? {
        Some(served) => served,
        None => {
            let served = count(&*file).map_err(failed)?;
            room.view()?.sizes.insert(uid, (len, served));
            served
        }
    };
    Ok(Some(Opened { file, len, served }))
}

/// The same, if that can be done without waiting for the disk; none also where the file must be looked for, or counted.
pub(super) fn open_now(room: &Room, uid: u32) -> Option<Opened> {
    let path = {
        let view = room.view().ok()?;
        room.path(Row::file(&view.table.row(uid)?))
    };
    let file = room.site.disk.open_now(&path).ok()?;
    let len = file.stat().ok()?.len;
    let served = told(room, uid, len).ok()??;
    Some(Opened { file, len, served })
}

/// The length with CRLF of a file of this length, where it was counted or its name says it and may be right.
fn told(room: &Room, uid: u32, len: u64) -> Result<Option<u64>> {
    let view = room.view()?;
    let named = view.table.row(uid).map(|row| view.table.sizes(&row));
    Ok(match (view.sizes.get(&uid), named) {
        (Some((known, served)), _) => (*known == len).then_some(*served),
        (None, Some((known, Some(served)))) => {
            let right = known.unwrap_or(len) == len && plausible(len, served);
            right.then_some(served)
        }
        _ => None,
    })
}

/// Between a file with one bare LF and one of nothing else. That there is none at all is not taken on a name's word:
/// the file would be served as it stands.
fn plausible(len: u64, served: u64) -> bool {
    len < served && served <= len.saturating_mul(2)
}

/// Notes that a message's name lies about its length.
pub(super) fn recount(room: &Room, uid: u32, file: &dyn File) -> Result<()> {
    let failed = |e| Error::io("message file", e);
    let sizes = (
        file.stat().map_err(failed)?.len,
        count(file).map_err(failed)?,
    );
    room.view()?.sizes.insert(uid, sizes);
    Ok(())
}

fn count(file: &dyn File) -> std::io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let (mut at, mut served, mut after_cr) = (0, 0, false);
    loop {
        let n = file.read_at(&mut block, at)?;
        let run = block.get(..n).unwrap_or_default();
        if run.is_empty() {
            return Ok(served);
        }
        served += lines::served(run, &mut after_cr);
        at += n as u64;
    }
}

/// Does something with a message's file, whatever it is called by now; none once it is gone.
fn with_file<T>(
    room: &Room,
    uid: u32,
    work: impl Fn(&std::path::Path) -> std::io::Result<T>,
) -> Result<Option<T>> {
    let mut stale = None;
    for _ in 0..3 {
        let path = match room.view()?.table.row(uid) {
            Some(row) => room.path(Row::file(&row)),
            None => return Ok(None),
        };
        match work(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => stale = None,
            Err(e) if disk::is_stale(&e) => stale = Some(e),
            other => return other.map(Some).map_err(|e| Error::io("message file", e)),
        }
        let mut ledger = room.ledger();
        ledger.distrust();
        scan::refresh(room, &mut ledger, None)?;
    }
    match stale {
        Some(e) => Err(Error::io("message file", e)), // nobody can say whether it is gone
        None => Ok(None),
    }
}
