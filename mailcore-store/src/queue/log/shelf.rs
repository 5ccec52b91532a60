//! The folder's files: segments that are full, and spare ones. `layout` has the steps from one to the other.

use super::house::House;
use super::layout::{END, FIRST, HEADERS, Header};
use super::segment::Segment;
use super::writer::{Graves, Purpose};
use crate::disk::{Disk, Open};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Octets that a spare is filled with at a time.
const FILL: usize = 1 << 18;

/// Segments and spares.
#[derive(Debug)]
pub(super) struct Shelf {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Octets of a usual segment.
    usual: u64,
    /// How many spares are kept at most.
    most: usize,
    /// The next file's number.
    pub(super) next: u64,
    pub(super) closed: BTreeMap<u64, Closed>,
    pub(super) spares: Vec<Spare>,
    /// Of this segment nothing behind that length counts; the next one's header will say it.
    pub(super) cut: (u64, u64),
}

/// A segment that nothing is written to any more.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) segment: Arc<Segment>,
    pub(super) graves: Graves,
    /// Something in it could not be read: it is kept for somebody to look at.
    pub(super) damaged: bool,
    /// What was needed of it was moved as far as it could be, or could not be.
    pub(super) tried: bool,
    /// Its name was taken away, and perhaps not for good: nobody needs it, but to the others it counts as there.
    pub(super) lost: bool,
}

/// A file that will be a segment.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) path: PathBuf,
    pub(super) len: u64,
}

impl Shelf {
    pub(super) fn new(disk: Arc<dyn Disk>, folder: &Path, usual: u64, most: usize) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
            usual,
            most,
            next: 1,
            closed: BTreeMap::new(),
            spares: Vec::new(),
            cut: (0, 0),
        }
    }

    fn path(&self, number: u64, what: &str) -> PathBuf {
        self.folder.join(format!("{number:016x}.{what}"))
    }

    pub(super) fn close(&mut self, segment: Arc<Segment>, graves: Graves) {
        let closed = Closed {
            segment,
            graves,
            damaged: false,
            tried: false,
            lost: false,
        };
        self.closed.insert(closed.segment.number, closed);
    }

    /// Whether a segment of this number is still there.
    pub(super) fn has(&self, number: u64, active: &impl Fn(u64) -> bool) -> bool {
        self.closed.contains_key(&number) || active(number)
    }

    /// Sees to it that there is a spare for `len` octets. One more is held back, so that on a full disk messages can
    /// still be marked and removed, and room be made.
    ///
    /// # Errors
    /// When there is no room, or the medium fails.
    pub(super) fn provide(&mut self, len: u64, purpose: Purpose) -> Result<()> {
        if len > self.usual {
            return self.make(len);
        }
        let wanted = match purpose {
            Purpose::Content => 2,
            Purpose::Change => 1,
        };
        while self.usual_spares() < wanted {
            self.make(self.usual)?;
        }
        Ok(())
    }

    fn usual_spares(&self) -> usize {
        let usual = |spare: &&Spare| spare.len == self.usual;
        self.spares.iter().filter(usual).count()
    }

    /// Makes a spare, with room on the medium that is really there.
    fn make(&mut self, len: u64) -> Result<()> {
        let path = self.path(self.next, "spare");
        self.next += 1;
        let filled = self.disk.open(&path, Open::Create).and_then(|file| {
            let zeros = vec![0; FILL.min(usize::try_from(len).unwrap_or(FILL))];
            let mut at = 0;
            while at < len {
                let n = (len - at).min(zeros.len() as u64);
                let run = usize::try_from(n).ok().and_then(|n| zeros.get(..n));
                file.write_at(run.unwrap_or_default(), at)?;
                at += n;
            }
            file.sync()
        });
        if let Err(e) = filled {
            let _ = self.disk.unlink(&path); // what stays is removed at the next start
            return Err(Error::io("room for the queue's log", e));
        }
        self.spares.push(Spare { path, len });
        Ok(())
    }

    /// Makes a spare of at least `len` octets into the next segment.
    ///
    /// # Errors
    /// When there is none ([`provide`](Self::provide) comes first), or the medium fails.
    pub(super) fn begin(&mut self, len: u64, house: &House) -> Result<Arc<Segment>> {
        let fits = |spare: &Spare| spare.len >= len.max(self.usual);
        let at = self.spares.iter().position(fits);
        let spare = at.map(|at| self.spares.swap_remove(at));
        let spare = spare.ok_or_else(super::unavailable)?;
        let number = self.next;
        self.next += 1;
        let header = Header {
            number,
            marker: house.marker(number),
            cut: self.cut,
        };
        let path = self.path(number, "log");
        let begun = self.inscribe(&spare.path, &path, &header);
        let file = begun.map_err(|e| {
            // Under either name it holds nothing that counts; the next start clears it away.
            let _ = self.disk.unlink(&spare.path);
            Error::io("a new segment of the queue's log", e)
        })?;
        self.cut = (0, 0);
        let mut segment = Segment::new(number, header.marker, file, spare.len);
        segment.cuts = header.cut.0;
        Ok(Arc::new(segment))
    }

    fn inscribe(
        &self,
        spare: &Path,
        path: &Path,
        header: &Header,
    ) -> std::io::Result<Box<dyn crate::disk::File>> {
        let file = self.disk.open(spare, Open::Write)?;
        let mut front = vec![0; usize::try_from(FIRST + END).unwrap_or(0)];
        let mut octets = Vec::new();
        header.write_to(&mut octets);
        for at in HEADERS {
            let at = usize::try_from(at).unwrap_or(0);
            if let Some(place) = front.get_mut(at..at + octets.len()) {
                place.copy_from_slice(&octets);
            }
        }
        file.write_at(&front, 0)?;
        file.sync_data()?;
        self.disk.rename(spare, path)?;
        self.disk.sync_dir(&self.folder)?;
        Ok(file)
    }

    /// Takes a segment away that nothing needs. It is gone once this has succeeded.
    ///
    /// # Errors
    /// When that could not be made durable: then it counts as there.
    pub(super) fn free(&mut self, number: u64) -> Result<()> {
        let Some(closed) = self.closed.get(&number) else {
            return Ok(());
        };
        let path = self.path(number, "log");
        // Who still reads it must not see another message in its place.
        let unread = Arc::strong_count(&closed.segment) == 1;
        let usual = closed.segment.capacity == self.usual;
        let spare = unread && usual && self.usual_spares() < self.most;
        let aside = match (closed.damaged, spare) {
            (true, _) => Some(self.path(number, "damaged")),
            (false, true) => Some(self.path(number, "spare")),
            (false, false) => None,
        };
        let moved = match &aside {
            Some(aside) => self.disk.rename(&path, aside),
            None => self.disk.unlink(&path),
        };
        let failed = |e| Error::io("a segment of the queue's log", e);
        moved.map_err(failed)?;
        // Before anything is written into it: under its old name it must be what it was.
        if let Err(e) = self.disk.sync_dir(&self.folder) {
            if let Some(closed) = self.closed.get_mut(&number) {
                closed.lost = true;
            }
            return Err(failed(e));
        }
        let damaged = self.closed.remove(&number).is_some_and(|it| it.damaged);
        if let Some(path) = aside.filter(|_| !damaged) {
            let len = self.usual;
            self.spares.push(Spare { path, len });
        }
        Ok(())
    }

    /// A segment that nothing needs, if there is one.
    pub(super) fn dead(&self, active: impl Fn(u64) -> bool) -> Option<u64> {
        let dead = |closed: &&Closed| {
            let cutting = self.has(closed.segment.cuts, &active);
            let needed = cutting || self.graves(closed, &active) > 0;
            closed.segment.live() == 0 && !needed && !closed.lost
        };
        let mut all = self.closed.values();
        all.find(dead).map(|closed| closed.segment.number)
    }

    /// A segment that is worth being emptied: less than a quarter of it is needed.
    pub(super) fn sparse(&self, active: impl Fn(u64) -> bool) -> Option<u64> {
        let sparse = |closed: &&Closed| {
            let needed = closed.segment.live() + self.graves(closed, &active) * GRAVE;
            let sparse = needed < closed.segment.capacity / 4;
            !closed.tried && !closed.lost && closed.segment.drafts() == 0 && sparse
        };
        let mut all = self.closed.values();
        all.find(sparse).map(|closed| closed.segment.number)
    }

    /// How many records of messages that are gone are still needed in a segment.
    fn graves(&self, closed: &Closed, active: &impl Fn(u64) -> bool) -> u64 {
        let needed = |base: &u64| *base != closed.segment.number && self.has(*base, active);
        let graves = closed.graves.iter().filter(|(base, _)| needed(base));
        graves.map(|(_, count)| *count).sum()
    }
}

/// Octets of a record of a message that is gone.
const GRAVE: u64 = 60;
