//! What a mailbox holds, in memory: for each message its UID, flags, date and file name, small (32 octets and the
//! name).
//!
//! Messages lie in chunks of a few hundred, which clones of the table share: sessions hold the table as it was, and one
//! delivery or one flag changes one chunk and not the table. What is counted or looked for by something else than the UID
//! ([`Tally`]) is counted chunk by chunk, once.

use super::filename;
use super::tally::Tally;
use crate::queue::Identity;
use mailcore_base::mailbox::{Flags, Uid, UidMap, UidSet};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Most messages of a chunk.
const CHUNK: usize = 512;

/// The messages, by UID.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// None is empty.
    chunks: Vec<Arc<Chunk>>,
    len: usize,
    /// What `dovecot-uidlist` says of a message besides its UID, where it does.
    extensions: Arc<BTreeMap<u32, Box<str>>>,
}

/// Some messages that follow each other. All their names lie in one arena.
#[derive(Debug, Clone, Default)]
struct Chunk {
    entries: Vec<Entry>,
    names: Vec<u8>,
    /// Octets of the arena that no entry uses any more.
    waste: usize,
    tally: OnceLock<Tally>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    modseq: u64,
    /// Seconds since 1970, until 2106: who is elsewhere in time is asked for it each time.
    date: u32,
    uid: u32,
    at: u32,
    /// System flags and 26 keywords are 32 bits.
    flags: u32,
    place: u32,
    base: u8,
    info: u8,
    fresh: bool,
}

/// No date is known.
const UNDATED: u32 = u32::MAX;

fn dated(date: Option<i64>) -> u32 {
    date.and_then(|date| u32::try_from(date).ok())
        .unwrap_or(UNDATED)
}

/// One message of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'t> {
    pub(super) uid: u32,
    pub(super) flags: Flags,
    pub(super) modseq: u64,
    /// When it came, in seconds since 1970, where that is known.
    pub(super) date: Option<i64>,
    /// Where in the cache its texts are; 0: nowhere.
    pub(super) place: u32,
    /// Whether the file is in `new/`, else in `cur/`.
    pub(super) fresh: bool,
    pub(super) base: &'t [u8],
    pub(super) info: &'t [u8],
}

impl Row<'_> {
    /// The file, relative to the mailbox's directory.
    pub(super) fn file(&self) -> PathBuf {
        path(self.fresh, self.base, self.info)
    }
}

/// The path of a message, relative to its mailbox's directory.
pub(super) fn path(fresh: bool, base: &[u8], info: &[u8]) -> PathBuf {
    let dir = if fresh { "new" } else { "cur" };
    let name = [base, info].concat();
    Path::new(dir).join(OsStr::from_bytes(&name))
}

impl Chunk {
    fn first(&self) -> u32 {
        self.entries.first().map_or(0, |e| e.uid)
    }

    fn last(&self) -> u32 {
        self.entries.last().map_or(0, |e| e.uid)
    }

    fn keep(&mut self, base: &[u8], info: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.names.len()).ok()?;
        reserve(&mut self.names, base.len() + info.len());
        self.names.extend_from_slice(base);
        self.names.extend_from_slice(info);
        Some(at)
    }

    /// An entry of this chunk for a row; what cannot be kept (a name that no file system has) is none.
    fn entry(&mut self, row: &Row<'_>) -> Option<Entry> {
        let base = u8::try_from(row.base.len()).ok()?;
        let info = u8::try_from(row.info.len()).ok()?;
        Some(Entry {
            modseq: row.modseq,
            date: dated(row.date),
            uid: row.uid,
            at: self.keep(row.base, row.info)?,
            flags: bits(row.flags),
            place: row.place,
            base,
            info,
            fresh: row.fresh,
        })
    }

    fn show(&self, entry: &Entry) -> Row<'_> {
        let from = entry.at as usize;
        let middle = from + usize::from(entry.base);
        let until = middle + usize::from(entry.info);
        Row {
            uid: entry.uid,
            flags: Flags::from_bits(u64::from(entry.flags)),
            modseq: entry.modseq,
            date: (entry.date != UNDATED).then_some(i64::from(entry.date)),
            place: entry.place,
            fresh: entry.fresh,
            base: self.names.get(from..middle).unwrap_or_default(),
            info: self.names.get(middle..until).unwrap_or_default(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.entries.iter().map(|entry| self.show(entry))
    }

    fn find(&self, uid: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&uid, |e| e.uid).ok()
    }

    fn tally(&self) -> &Tally {
        self.tally.get_or_init(|| Tally::of(self.rows()))
    }

    /// Before a change.
    fn touch(&mut self) {
        self.tally = OnceLock::new();
    }

    /// Drops the waste once it is more than half.
    fn tidy(&mut self) {
        if self.waste < 4096 || self.waste * 2 < self.names.len() {
            return;
        }
        let mut tidy = Self {
            entries: Vec::with_capacity(self.entries.len()),
            names: Vec::with_capacity(self.names.len() - self.waste),
            ..Self::default()
        };
        for row in self.rows() {
            let entry = tidy.entry(&row);
            tidy.entries.extend(entry);
        }
        *self = tidy;
    }
}

/// Makes room for so many more. Thousands of small mailboxes are held at a time: an eighth of each is empty at most.
fn reserve<T>(room: &mut Vec<T>, more: usize) {
    if room.capacity() - room.len() < more {
        room.reserve_exact(more.max(room.len() / 8));
    }
}

impl Table {
    /// Adds a message behind all others; one that is not behind them, or cannot be kept, is left out.
    pub(super) fn push(&mut self, row: Row<'_>) {
        let full = |chunk: &Arc<Chunk>| chunk.entries.len() >= CHUNK;
        if self.chunks.last().is_none_or(full) {
            if let Some(last) = self.chunks.last_mut().and_then(Arc::get_mut) {
                last.entries.shrink_to_fit();
                last.names.shrink_to_fit();
            }
            self.chunks.push(Arc::default());
        }
        let behind = self.last_uid();
        if let Some(chunk) = self.chunks.last_mut()
            && row.uid > behind
        {
            let chunk = Arc::make_mut(chunk);
            chunk.touch();
            let entry = chunk.entry(&row);
            self.len += usize::from(entry.is_some());
            reserve(&mut chunk.entries, 1);
            chunk.entries.extend(entry);
        }
        if self.chunks.last().is_some_and(|c| c.entries.is_empty()) {
            self.chunks.pop();
        }
    }

    /// Gives back what is empty: who was just read from the disk is not expected to grow at once.
    pub(super) fn fit(&mut self) {
        if let Some(last) = self.chunks.last_mut() {
            *last = Arc::new(Chunk::clone(last)); // a clone has no room to spare
        }
    }

    /// The highest UID there is; 0 in an empty mailbox.
    pub(super) fn last_uid(&self) -> u32 {
        let mut chunks = self.chunks.iter().rev();
        chunks
            .find(|c| !c.entries.is_empty())
            .map_or(0, |c| c.last())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.chunks.iter().flat_map(|chunk| chunk.rows())
    }

    /// The chunk that would hold this UID.
    fn chunk_of(&self, uid: u32) -> Option<usize> {
        let at = self.chunks.partition_point(|c| c.last() < uid);
        (at < self.chunks.len()).then_some(at)
    }

    pub(super) fn row(&self, uid: u32) -> Option<Row<'_>> {
        let chunk = self.chunks.get(self.chunk_of(uid)?)?;
        let entry = chunk.entries.get(chunk.find(uid)?)?;
        Some(chunk.show(entry))
    }

    /// Those of `uids` that are there.
    pub(super) fn within<'t>(&'t self, uids: &'t UidSet) -> impl Iterator<Item = Row<'t>> + 't {
        uids.ranges().flat_map(|range| {
            let (low, high) = (range.start().number(), range.end().number());
            let from = self.chunks.partition_point(|c| c.last() < low);
            let chunks = self.chunks.get(from..).unwrap_or_default();
            let chunks = chunks.iter().take_while(move |c| c.first() <= high);
            chunks.flat_map(move |chunk| {
                let from = chunk.entries.partition_point(|e| e.uid < low);
                let until = chunk.entries.partition_point(|e| e.uid <= high);
                let entries = chunk.entries.get(from..until).unwrap_or_default();
                entries.iter().map(|entry| chunk.show(entry))
            })
        })
    }

    /// Those that were modified behind `known`.
    pub(super) fn since(&self, known: u64) -> impl Iterator<Item = Row<'_>> {
        let chunks = self.chunks.iter();
        let later = chunks.filter(move |chunk| chunk.tally().modseq > known);
        let rows = later.flat_map(|chunk| chunk.rows());
        rows.filter(move |row| row.modseq > known)
    }

    /// Those in `new/`.
    pub(super) fn fresh(&self) -> impl Iterator<Item = Row<'_>> {
        let chunks = self.chunks.iter().filter(|chunk| chunk.tally().fresh > 0);
        let rows = chunks.flat_map(|chunk| chunk.rows());
        rows.filter(|row| row.fresh)
    }

    /// The message that was delivered under this identity.
    pub(super) fn delivered(&self, identity: Identity) -> Option<u32> {
        let mark = filename::Mark::of(identity);
        let chunks = self.chunks.iter();
        let mut perhaps = chunks.filter(|chunk| chunk.tally().may_have(identity));
        perhaps.find_map(|chunk| {
            let mut rows = chunk.rows();
            rows.find(|row| mark.is_in(row.base)).map(|row| row.uid)
        })
    }

    /// What all chunks come to.
    pub(super) fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.chunks.iter().map(|chunk| chunk.tally())
    }

    /// Changes the message of this UID, if it is there.
    fn edit(&mut self, uid: u32, work: impl FnOnce(&mut Chunk, usize)) {
        let found = self.chunk_of(uid).and_then(|at| self.chunks.get_mut(at));
        if let Some(chunk) = found
            && let Some(at) = chunk.find(uid)
        {
            let chunk = Arc::make_mut(chunk);
            chunk.touch();
            work(chunk, at);
        }
    }

    /// The message has another file name now, other flags, or both.
    pub(super) fn change(&mut self, uid: u32, fresh: bool, info: &[u8], flags: Flags, modseq: u64) {
        self.edit(uid, |chunk, at| {
            let Some(entry) = chunk.entries.get(at).copied() else {
                return;
            };
            let mut next = Entry {
                flags: bits(flags),
                fresh,
                modseq,
                ..entry
            };
            let row = chunk.show(&entry);
            if row.info != info {
                let base = row.base.to_vec();
                let (Some(at), Ok(info)) = (chunk.keep(&base, info), u8::try_from(info.len()))
                else {
                    return;
                };
                chunk.waste += usize::from(entry.base) + usize::from(entry.info);
                next = Entry { at, info, ..next };
            }
            if let Some(entry) = chunk.entries.get_mut(at) {
                *entry = next;
            }
            chunk.tidy();
        });
    }

    /// What has been found out about the message.
    pub(super) fn learn(&mut self, uid: u32, date: Option<i64>, place: Option<u32>) {
        self.edit(uid, |chunk, at| {
            if let Some(entry) = chunk.entries.get_mut(at) {
                if date.is_some() {
                    entry.date = dated(date);
                }
                entry.place = place.unwrap_or(entry.place);
            }
        });
    }

    /// Adds a message, or puts it in the place of the one that has its UID.
    pub(super) fn put(&mut self, row: Row<'_>) {
        if row.uid > self.last_uid() {
            return self.push(row);
        }
        let same = self.row(row.uid).is_some_and(|old| old.base == row.base);
        if same {
            self.change(row.uid, row.fresh, row.info, row.flags, row.modseq);
            return self.learn(row.uid, row.date, Some(row.place));
        }
        // Rare: a file that was missed while it was renamed is there again.
        let Some(chunk) = self
            .chunk_of(row.uid)
            .and_then(|at| self.chunks.get_mut(at))
        else {
            return;
        };
        let chunk = Arc::make_mut(chunk);
        chunk.touch();
        let Some(entry) = chunk.entry(&row) else {
            return;
        };
        match chunk.entries.binary_search_by_key(&row.uid, |e| e.uid) {
            Ok(at) => {
                if let Some(old) = chunk.entries.get_mut(at) {
                    chunk.waste += usize::from(old.base) + usize::from(old.info);
                    *old = entry;
                }
            }
            Err(at) => {
                chunk.entries.insert(at, entry);
                self.len += 1;
            }
        }
    }

    /// All messages were changed at `modseq`, as far as anybody can tell.
    pub(super) fn raise(&mut self, modseq: u64) {
        for chunk in &mut self.chunks {
            let chunk = Arc::make_mut(chunk);
            chunk.touch();
            chunk.entries.iter_mut().for_each(|e| e.modseq = modseq);
        }
    }

    /// No texts are kept of any message.
    pub(super) fn unplace(&mut self) {
        for chunk in &mut self.chunks {
            if chunk.entries.iter().any(|e| e.place > 0) {
                Arc::make_mut(chunk)
                    .entries
                    .iter_mut()
                    .for_each(|e| e.place = 0);
            }
        }
    }

    /// The messages are gone.
    pub(super) fn remove(&mut self, uids: &UidSet) {
        let gone = |uid: u32| Uid::new(uid).is_some_and(|uid| uids.contains(uid));
        let mut at = self
            .chunks
            .partition_point(|c| uids.first().is_some_and(|u| c.last() < u.number()));
        while let Some(chunk) = self.chunks.get_mut(at) {
            if uids.last().is_none_or(|last| chunk.first() > last.number()) {
                break;
            }
            let count = chunk.entries.iter().filter(|e| gone(e.uid)).count();
            if count == chunk.entries.len() {
                self.len -= count;
                self.chunks.remove(at);
                continue;
            }
            if count > 0 {
                self.len -= count;
                let chunk = Arc::make_mut(chunk);
                chunk.touch();
                let mut waste = 0;
                chunk.entries.retain(|entry| {
                    let gone = gone(entry.uid);
                    waste +=
                        usize::from(gone) * (usize::from(entry.base) + usize::from(entry.info));
                    !gone
                });
                chunk.waste += waste;
                chunk.tidy();
            }
            at += 1;
        }
        self.merge();
        if self.extensions.keys().any(|uid| gone(*uid)) {
            Arc::make_mut(&mut self.extensions).retain(|uid, _| !gone(*uid));
        }
    }

    /// Chunks that have grown so thin that there are many more than needed become one with their neighbours.
    fn merge(&mut self) {
        if self.chunks.len() < 8 || self.len * 4 > self.chunks.len() * CHUNK {
            return;
        }
        let mut merged = Self::default();
        for row in self.rows() {
            merged.push(row);
        }
        merged.extensions = self.extensions.clone();
        *self = merged;
    }

    pub(super) fn extend(&mut self, uid: u32, extensions: &str) {
        if !extensions.is_empty() {
            Arc::make_mut(&mut self.extensions).insert(uid, extensions.into());
        }
    }

    pub(super) fn extensions(&self, uid: u32) -> &str {
        self.extensions.get(&uid).map_or("", |e| e)
    }

    /// The length of a message's file and its length with CRLF, as far as its name tells.
    pub(super) fn sizes(&self, row: &Row<'_>) -> (Option<u64>, Option<u64>) {
        let (len, served) = filename::sizes(row.base);
        let told = || super::uidlist::virtual_size(self.extensions(row.uid));
        (len, served.or_else(told))
    }

    pub(super) fn uids(&self) -> UidMap {
        let mut uids = UidMap::new();
        for uid in self.rows().filter_map(|r| Uid::new(r.uid)) {
            uids.push(uid);
        }
        uids
    }

    /// Octets of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let chunks = self.chunks.iter().map(|c| {
            size_of::<Chunk>() + c.entries.capacity() * size_of::<Entry>() + c.names.capacity()
        });
        chunks.sum()
    }
}

fn bits(flags: Flags) -> u32 {
    u32::try_from(flags.bits() & u64::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(n: u32) -> Table {
        let mut table = Table::default();
        for uid in 1..=n {
            let identity = Some(Identity(u128::from(uid)));
            let micros = 1_732_100_000_123_456 + u64::from(uid);
            let unique = filename::unique(micros, 12_345, identity.filter(|_| uid > 150), "mail");
            let base = format!("{unique},S=12345,W=12678");
            table.push(Row {
                uid,
                flags: Flags::SEEN,
                modseq: 1,
                date: None,
                place: 0,
                fresh: false,
                base: base.as_bytes(),
                info: b":2,S",
            });
        }
        table
    }

    fn set(uids: impl Iterator<Item = u32>) -> UidSet {
        uids.filter_map(Uid::new).collect()
    }

    #[test]
    fn a_hundred_messages_take_ten_kilobytes() {
        let mut table = table(100);
        let chunk = Arc::get_mut(table.chunks.first_mut().unwrap()).unwrap();
        chunk.names.shrink_to_fit();
        chunk.entries.shrink_to_fit();
        let memory = table.memory();
        assert!(memory <= 10 * 1024, "{memory}");
    }

    #[test]
    fn changes_and_removals_leave_the_others_alone_and_no_waste() {
        let mut table = table(200);
        let before = table.memory();
        for round in 0..50 {
            for uid in 1..=200 {
                let info: &[u8] = if round % 2 == 0 { b":2,FS" } else { b":2,S" };
                table.change(uid, false, info, Flags::FLAGGED, round);
            }
        }
        assert!(table.memory() <= before * 3, "{}", table.memory());
        let odd = set((1..=200).filter(|n| n % 2 == 1));
        table.remove(&odd);
        assert_eq!(table.len(), 100);
        assert!(table.row(1).is_none());
        let row = table.row(2).unwrap();
        assert_eq!((row.info, row.modseq), (&b":2,S"[..], 49));
        assert!(row.base.ends_with(b",S=12345,W=12678"));
        assert_eq!(table.sizes(&row), (Some(12_345), Some(12_678)));
        assert_eq!(table.within(&odd).count(), 0);
        assert_eq!(table.uids().len(), 100);
    }

    #[test]
    fn a_change_leaves_what_others_hold_and_all_other_chunks_alone() {
        let mut table = table(5 * CHUNK as u32);
        let held = table.clone();
        table.change(700, true, b"", Flags::NONE, 9);
        table.remove(&set(std::iter::once(900)));
        assert_eq!(held.row(700).unwrap().modseq, 1);
        assert!(held.row(900).is_some() && table.row(900).is_none());
        let shared = held
            .chunks
            .iter()
            .zip(&table.chunks)
            .filter(|(a, b)| Arc::ptr_eq(a, b));
        assert_eq!(shared.count(), 4, "one chunk is another");
        assert_eq!(table.since(1).map(|r| r.uid).collect::<Vec<_>>(), [700]);
        assert_eq!(table.fresh().map(|r| r.uid).collect::<Vec<_>>(), [700]);
    }

    #[test]
    fn a_delivery_is_found_among_many() {
        let table = table(3 * CHUNK as u32);
        assert_eq!(table.delivered(Identity(1000)), Some(1000));
        assert_eq!(
            table.delivered(Identity(100)),
            None,
            "that name carries none"
        );
        assert_eq!(table.delivered(Identity(1 << 100)), None);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(
            steps in proptest::collection::vec((0u8..4, 1u32..3000, 1u32..700), 1..40),
        ) {
            let mut table = Table::default();
            let mut map: BTreeMap<u32, u64> = BTreeMap::new();
            for (n, (what, from, count)) in steps.into_iter().enumerate() {
                let modseq = n as u64 + 1;
                let uids = from..from + count;
                match what {
                    0 | 1 => for uid in uids {
                        let base = format!("base{uid}");
                        let row = Row {
                            uid, flags: Flags::NONE, modseq, date: None, place: 0, fresh: false, base: base.as_bytes(),
                            info: b":2,",
                        };
                        table.put(row);
                        map.insert(uid, modseq);
                    },
                    2 => {
                        table.remove(&set(uids.clone()));
                        map.retain(|uid, _| !uids.contains(uid));
                    }
                    _ => for uid in uids {
                        table.change(uid, false, b":2,S", Flags::SEEN, modseq);
                        map.entry(uid).and_modify(|m| *m = modseq);
                    },
                }
            }
            prop_assert_eq!(table.len(), map.len());
            let all: BTreeMap<u32, u64> = table.rows().map(|r| (r.uid, r.modseq)).collect();
            prop_assert_eq!(&all, &map);
            prop_assert!(table.rows().map(|r| r.uid).is_sorted());
            prop_assert_eq!(table.uids().len() as usize, map.len());
            for uid in (1..3800).step_by(7) {
                prop_assert_eq!(table.row(uid).map(|r| r.modseq), map.get(&uid).copied());
            }
            let some = set(500..1500);
            let within: Vec<u32> = table.within(&some).map(|r| r.uid).collect();
            prop_assert_eq!(within, map.range(500..1500).map(|(u, _)| *u).collect::<Vec<_>>());
        }
    }
}
