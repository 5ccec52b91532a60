//! Some messages of the table that follow each other.

use super::super::row::Row;
use super::super::tally::Tally;
use mailcore_base::mailbox::Flags;
use std::sync::OnceLock;

/// Most messages of a chunk.
pub(super) const CHUNK: usize = 512;

/// All their names lie in one arena.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    pub(super) entries: Vec<Entry>,
    pub(super) names: Vec<u8>,
    /// Octets of the arena that no entry uses any more.
    waste: usize,
    tally: OnceLock<Tally>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    modseq: u64,
    /// Seconds since 1970, until 2106: who is elsewhere in time is asked for it each time.
    date: u32,
    pub(super) uid: u32,
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

/// Makes room for so many more. Thousands of small mailboxes are held at a time: an eighth of each is empty at most.
fn reserve<T>(room: &mut Vec<T>, more: usize) {
    if room.capacity() - room.len() < more {
        room.reserve_exact(more.max(room.len() / 8));
    }
}

impl Chunk {
    pub(super) fn first(&self) -> u32 {
        self.entries.first().map_or(0, |e| e.uid)
    }

    pub(super) fn last(&self) -> u32 {
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

    pub(super) fn show(&self, entry: &Entry) -> Row<'_> {
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

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.entries.iter().map(|entry| self.show(entry))
    }

    pub(super) fn find(&self, uid: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&uid, |e| e.uid).ok()
    }

    pub(super) fn tally(&self) -> &Tally {
        self.tally.get_or_init(|| Tally::of(self.rows()))
    }

    /// Before a change.
    pub(super) fn touch(&mut self) {
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

    /// Adds a message behind all others; false where it cannot be kept.
    pub(super) fn push(&mut self, row: &Row<'_>) -> bool {
        let entry = self.entry(row);
        // What has been counted is not counted again for each that comes.
        let told = |tally: &mut Tally| entry.is_none() || tally.add(row);
        if !self.tally.get_mut().is_none_or(told) {
            self.touch();
        }
        reserve(&mut self.entries, 1);
        self.entries.extend(entry);
        entry.is_some()
    }

    /// Adds a message in its place, or puts it in that of the one that has its UID; says whether there is one more.
    pub(super) fn put(&mut self, row: &Row<'_>) -> bool {
        self.touch();
        let Some(entry) = self.entry(row) else {
            return false;
        };
        match self.entries.binary_search_by_key(&row.uid, |e| e.uid) {
            Ok(at) => {
                if let Some(old) = self.entries.get_mut(at) {
                    self.waste += old.name();
                    *old = entry;
                }
                false
            }
            Err(at) => {
                self.entries.insert(at, entry);
                true
            }
        }
    }

    /// The message there has another file name now, other flags, or both.
    pub(super) fn change(
        &mut self,
        at: usize,
        fresh: bool,
        info: &[u8],
        flags: Flags,
        modseq: u64,
    ) {
        let Some(entry) = self.entries.get(at).copied() else {
            return;
        };
        let mut next = Entry {
            flags: bits(flags),
            fresh,
            modseq,
            ..entry
        };
        let row = self.show(&entry);
        if row.info != info {
            let base = row.base.to_vec();
            let (Some(at), Ok(info)) = (self.keep(&base, info), u8::try_from(info.len())) else {
                return;
            };
            self.waste += entry.name();
            next = Entry { at, info, ..next };
        }
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = next;
        }
        self.tidy();
    }

    /// What has been found out about the message there.
    pub(super) fn learn(&mut self, at: usize, date: Option<i64>, place: Option<u32>) {
        if let Some(entry) = self.entries.get_mut(at) {
            if date.is_some() {
                entry.date = dated(date);
            }
            entry.place = place.unwrap_or(entry.place);
        }
    }

    /// All its messages were changed.
    pub(super) fn raise(&mut self, modseq: u64) {
        self.touch();
        self.entries.iter_mut().for_each(|e| e.modseq = modseq);
    }

    /// Whether texts are kept of any of them.
    pub(super) fn is_placed(&self) -> bool {
        self.entries.iter().any(|e| e.place > 0)
    }

    /// No texts are kept of any of them.
    pub(super) fn unplace(&mut self) {
        self.entries.iter_mut().for_each(|e| e.place = 0);
    }

    /// Those are gone.
    pub(super) fn remove(&mut self, gone: impl Fn(u32) -> bool) {
        self.touch();
        let mut waste = 0;
        self.entries.retain(|entry| {
            let gone = gone(entry.uid);
            waste += usize::from(gone) * entry.name();
            !gone
        });
        self.waste += waste;
        self.tidy();
    }

    /// Nothing will be added for now.
    pub(super) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.names.shrink_to_fit();
    }

    /// Octets of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.entries.capacity() * size_of::<Entry>() + self.names.capacity()
    }
}

impl Entry {
    /// Octets of the arena that it uses.
    fn name(&self) -> usize {
        usize::from(self.base) + usize::from(self.info)
    }
}

fn bits(flags: Flags) -> u32 {
    u32::try_from(flags.bits() & u64::from(u32::MAX)).unwrap_or(0)
}
