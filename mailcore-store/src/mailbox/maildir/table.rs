//! What a mailbox holds, in memory: for each message its UID, flags, date and file name, small (32 octets and the
//! name).
//!
//! Messages lie in chunks of a few hundred, which clones of the table share: sessions hold the table as it was, and one
//! delivery or one flag changes one chunk and not the table. What is counted or looked for by something else than the UID
//! ([`Tally`]) is counted chunk by chunk, once.

mod chunk;
#[cfg(test)]
mod tests;

use super::filename;
use super::row::Row;
use super::tally::Tally;
use crate::queue::Identity;
use chunk::{CHUNK, Chunk};
use mailcore_base::mailbox::{Flags, Uid, UidMap, UidSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The messages, by UID.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// None is empty.
    chunks: Vec<Arc<Chunk>>,
    len: usize,
    /// What `dovecot-uidlist` says of a message besides its UID, where it does.
    extensions: Arc<BTreeMap<u32, Box<str>>>,
}

impl Table {
    /// Adds a message behind all others; one that is not behind them, or cannot be kept, is left out.
    pub(super) fn push(&mut self, row: Row<'_>) {
        let full = |chunk: &Arc<Chunk>| chunk.entries.len() >= CHUNK;
        if self.chunks.last().is_none_or(full) {
            if let Some(last) = self.chunks.last_mut().and_then(Arc::get_mut) {
                last.shrink();
            }
            self.chunks.push(Arc::default());
        }
        let behind = self.last_uid();
        if let Some(chunk) = self.chunks.last_mut()
            && row.uid > behind
        {
            self.len += usize::from(Arc::make_mut(chunk).push(&row));
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

    /// The first that nobody has seen.
    pub(super) fn first_unseen(&self) -> Option<Row<'_>> {
        let mut chunks = self.chunks.iter();
        let is_all_seen = |chunk: &Chunk| chunk.tally().seen as usize == chunk.entries.len();
        let chunk = chunks.find(|chunk| !is_all_seen(chunk))?;
        chunk.rows().find(|row| !row.flags.contains(Flags::SEEN))
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
            chunk.change(at, fresh, info, flags, modseq)
        });
    }

    /// What has been found out about the message.
    pub(super) fn learn(&mut self, uid: u32, date: Option<i64>, place: Option<u32>) {
        self.edit(uid, |chunk, at| chunk.learn(at, date, place));
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
        let found = self.chunk_of(row.uid);
        if let Some(chunk) = found.and_then(|at| self.chunks.get_mut(at)) {
            self.len += usize::from(Arc::make_mut(chunk).put(&row));
        }
    }

    /// All messages were changed at `modseq`, as far as anybody can tell.
    pub(super) fn raise(&mut self, modseq: u64) {
        for chunk in &mut self.chunks {
            Arc::make_mut(chunk).raise(modseq);
        }
    }

    /// No texts are kept of any message.
    pub(super) fn unplace(&mut self) {
        for chunk in &mut self.chunks {
            if chunk.is_placed() {
                Arc::make_mut(chunk).unplace();
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
                Arc::make_mut(chunk).remove(gone);
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
        let chunks = self.chunks.iter().map(|chunk| chunk.memory());
        chunks.sum()
    }
}
