//! What a mailbox holds, in memory: for each message its UID, flags and file name, small (24 octets and the name).

use super::filename;
use mailcore_base::mailbox::{Flags, UidMap, UidSet};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The messages, by UID. All names lie in one arena.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    names: Vec<u8>,
    /// Octets of the arena that no entry uses any more.
    waste: usize,
    /// What `dovecot-uidlist` says of a message besides its UID, where it does.
    extensions: BTreeMap<u32, Box<str>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    modseq: u64,
    uid: u32,
    at: u32,
    /// System flags and 26 keywords are 32 bits.
    flags: u32,
    base: u8,
    info: u8,
    fresh: bool,
}

/// One message of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'t> {
    pub(super) uid: u32,
    pub(super) flags: Flags,
    pub(super) modseq: u64,
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

impl Table {
    /// Adds a message behind all others; what cannot be kept (a name that no file system has) is left out.
    pub(super) fn push(&mut self, row: Row<'_>) {
        let (Ok(base), Ok(info)) = (u8::try_from(row.base.len()), u8::try_from(row.info.len()))
        else {
            return;
        };
        let Some(at) = self.keep(row.base, row.info) else {
            return;
        };
        self.entries.push(Entry {
            modseq: row.modseq,
            uid: row.uid,
            at,
            flags: bits(row.flags),
            base,
            info,
            fresh: row.fresh,
        });
    }

    fn keep(&mut self, base: &[u8], info: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.names.len()).ok()?;
        self.names.extend_from_slice(base);
        self.names.extend_from_slice(info);
        Some(at)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.entries.iter().map(|entry| self.show(entry))
    }

    fn show(&self, entry: &Entry) -> Row<'_> {
        let from = entry.at as usize;
        let middle = from + usize::from(entry.base);
        let until = middle + usize::from(entry.info);
        Row {
            uid: entry.uid,
            flags: Flags::from_bits(u64::from(entry.flags)),
            modseq: entry.modseq,
            fresh: entry.fresh,
            base: self.names.get(from..middle).unwrap_or_default(),
            info: self.names.get(middle..until).unwrap_or_default(),
        }
    }

    pub(super) fn row(&self, uid: u32) -> Option<Row<'_>> {
        let at = self.entries.binary_search_by_key(&uid, |e| e.uid).ok()?;
        self.entries.get(at).map(|entry| self.show(entry))
    }

    /// Those of `uids` that are there.
    pub(super) fn within<'t>(&'t self, uids: &'t UidSet) -> impl Iterator<Item = Row<'t>> + 't {
        uids.ranges().flat_map(|range| {
            let (low, high) = (range.start().number(), range.end().number());
            let from = self.entries.partition_point(|e| e.uid < low);
            let until = self.entries.partition_point(|e| e.uid <= high);
            let entries = self.entries.get(from..until).unwrap_or_default();
            entries.iter().map(|entry| self.show(entry))
        })
    }

    /// The message has another file name now, other flags, or both.
    pub(super) fn change(&mut self, uid: u32, fresh: bool, info: &[u8], flags: Flags, modseq: u64) {
        let Ok(at) = self.entries.binary_search_by_key(&uid, |e| e.uid) else {
            return;
        };
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
            self.waste += usize::from(entry.base) + usize::from(entry.info);
            next = Entry { at, info, ..next };
        }
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = next;
        }
        self.tidy();
    }

    /// The messages are gone.
    pub(super) fn remove(&mut self, uids: &UidSet) {
        let mut waste = 0;
        self.entries.retain(|entry| {
            let gone =
                mailcore_base::mailbox::Uid::new(entry.uid).is_some_and(|u| uids.contains(u));
            waste += usize::from(gone) * (usize::from(entry.base) + usize::from(entry.info));
            !gone
        });
        self.waste += waste;
        self.extensions
            .retain(|uid, _| self.entries.binary_search_by_key(uid, |e| e.uid).is_ok());
        self.tidy();
    }

    /// Drops the waste once it is more than half.
    fn tidy(&mut self) {
        if self.waste < 4096 || self.waste * 2 < self.names.len() {
            return;
        }
        let mut tidy = Self::with_room(self.len(), self.names.len() - self.waste);
        for row in self.rows() {
            tidy.push(row);
        }
        tidy.extensions = std::mem::take(&mut self.extensions);
        *self = tidy;
    }

    pub(super) fn with_room(messages: usize, names: usize) -> Self {
        Self {
            entries: Vec::with_capacity(messages),
            names: Vec::with_capacity(names),
            ..Self::default()
        }
    }

    pub(super) fn extend(&mut self, uid: u32, extensions: &str) {
        if !extensions.is_empty() {
            self.extensions.insert(uid, extensions.into());
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
        self.rows()
            .filter_map(|r| mailcore_base::mailbox::Uid::new(r.uid))
            .collect()
    }

    /// Octets of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.names.capacity()
    }
}

fn bits(flags: Flags) -> u32 {
    u32::try_from(flags.bits() & u64::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(n: u32) -> Table {
        let mut table = Table::with_room(n as usize, 0);
        for uid in 1..=n {
            let unique =
                filename::unique(1_732_100_000_123_456 + u64::from(uid), 12_345, None, "mail");
            let base = format!("{unique},S=12345,W=12678");
            table.push(Row {
                uid,
                flags: Flags::SEEN,
                modseq: 1,
                fresh: false,
                base: base.as_bytes(),
                info: b":2,S",
            });
        }
        table.names.shrink_to_fit();
        table
    }

    #[test]
    fn a_hundred_messages_take_eight_kilobytes() {
        let memory = table(100).memory();
        assert!(memory <= 8 * 1024, "{memory}");
    }

    #[test]
    fn changes_and_removals_leave_the_others_alone_and_no_waste() {
        let mut table = table(200);
        let before = table.names.len();
        for round in 0..50 {
            for uid in 1..=200 {
                let info: &[u8] = if round % 2 == 0 { b":2,FS" } else { b":2,S" };
                table.change(uid, false, info, Flags::FLAGGED, round);
            }
        }
        assert!(table.names.len() <= before * 3, "{}", table.names.len());
        let odd: UidSet = (1..=200)
            .filter(|n| n % 2 == 1)
            .filter_map(mailcore_base::mailbox::Uid::new)
            .collect();
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
}
