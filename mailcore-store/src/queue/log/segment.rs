//! Segments: files of the log, and how much of each is needed.

use super::layout::{FRAME, checksum};
use super::record::Head;
use crate::disk::File;
use crate::{Error, Kind, Result};
use mailcore_base::envelope::Envelope;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often something is read that the medium does not give.
const TRIES: u32 = 3;

/// A file of the log. It stays readable for as long as anybody has it, also when it has lost its name.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) marker: u64,
    pub(super) file: Box<dyn File>,
    /// The file's length.
    pub(super) capacity: u64,
    /// The segment of which its header says where it is cut, 0 for none: as long as that is there, so is this.
    pub(super) cuts: u64,
    /// Octets of it that something needs.
    live: AtomicU64,
    /// Pieces of drafts in it, which nobody can move.
    drafts: AtomicU64,
}

impl Segment {
    pub(super) fn new(number: u64, marker: u64, file: Box<dyn File>, capacity: u64) -> Self {
        Self {
            number,
            marker,
            file,
            capacity,
            cuts: 0,
            live: AtomicU64::new(0),
            drafts: AtomicU64::new(0),
        }
    }

    pub(super) fn live(&self) -> u64 {
        self.live.load(Ordering::SeqCst)
    }

    pub(super) fn drafts(&self) -> u64 {
        self.drafts.load(Ordering::SeqCst)
    }

    /// So many octets from there; fewer is damage.
    pub(super) fn read(&self, at: u64, len: u32) -> Result<Vec<u8>> {
        let end = at.saturating_add(u64::from(len));
        if end > self.capacity {
            return Err(Error::new(Kind::Corrupt, "the queue's log"));
        }
        let mut out = vec![0; len as usize];
        let mut filled = 0;
        while let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) {
            let read = self.file.read_at(room, at + filled as u64);
            match read.map_err(|e| Error::io("the queue's log", e))? {
                0 => return Err(Error::new(Kind::Corrupt, "the queue's log is cut")),
                n => filled += n,
            }
        }
        Ok(out)
    }

    /// The same, asked for a few times where the medium gives nothing. What it does not give is not damage: it may be
    /// there the next time.
    ///
    /// # Errors
    /// `Corrupt` where the segment has no so many octets; any other is the medium's.
    pub(super) fn read_patiently(&self, at: u64, len: u32) -> Result<Vec<u8>> {
        let mut tries = 0..TRIES;
        loop {
            tries.next();
            match self.read(at, len) {
                Err(e) if e.kind() != Kind::Corrupt && !tries.is_empty() => {}
                done => return done,
            }
        }
    }

    /// The same, if their checksum is this.
    pub(super) fn read_summed(&self, at: u64, len: u32, sum: u32) -> Result<Vec<u8>> {
        let octets = self.read(at, len)?;
        match checksum(&octets) == sum {
            true => Ok(octets),
            false => Err(Error::new(Kind::Corrupt, "a checksum in the queue's log")),
        }
    }
}

/// Octets of a segment that somebody needs, until it is dropped.
#[derive(Debug)]
pub(super) struct Stake {
    pub(super) segment: Arc<Segment>,
    octets: u64,
}

impl Stake {
    pub(super) fn new(segment: &Arc<Segment>, octets: u64) -> Self {
        segment.live.fetch_add(octets, Ordering::SeqCst);
        Self {
            segment: Arc::clone(segment),
            octets,
        }
    }

    /// Adds a stake to others of one owner, so that there is one for each segment.
    pub(super) fn join(self, stakes: &mut Vec<Self>) {
        let same = |other: &&mut Self| Arc::ptr_eq(&other.segment, &self.segment);
        match stakes.iter_mut().rev().find(same) {
            Some(other) => {
                self.segment.live.fetch_add(self.octets, Ordering::SeqCst);
                other.octets += self.octets;
            }
            None => stakes.push(self),
        }
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        self.segment.live.fetch_sub(self.octets, Ordering::SeqCst);
    }
}

/// Keeps a segment from being emptied while a draft has content in it.
#[derive(Debug)]
pub(super) struct Pin(Arc<Segment>);

impl Pin {
    pub(super) fn new(segment: &Arc<Segment>) -> Self {
        segment.drafts.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(segment))
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.drafts.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Where a message lies.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its record.
    pub(super) base: Stake,
    pub(super) place: Place,
    /// Its content beyond that record.
    pub(super) pieces: Vec<Stake>,
    /// Marks and moves since.
    pub(super) changes: Vec<Stake>,
}

/// Where a message's record lies in its segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) head: u32,
    pub(super) sum: u32,
}

/// A message's record as it can be read, whatever becomes of the message.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) base: Arc<Segment>,
    pub(super) place: Place,
    /// Where the rest of its content may lie.
    pub(super) others: Vec<Arc<Segment>>,
}

impl Kept {
    pub(super) fn sight(&self) -> Sight {
        let others = self.pieces.iter().map(|stake| Arc::clone(&stake.segment));
        Sight {
            base: Arc::clone(&self.base.segment),
            place: self.place,
            others: others.collect(),
        }
    }

    /// Whether anything of it lies there.
    pub(super) fn lies_in(&self, segment: u64) -> bool {
        let mut stakes = std::iter::once(&self.base).chain(&self.pieces);
        stakes.any(|stake| stake.segment.number == segment)
    }

    pub(super) fn changed_in(&self, segment: u64) -> bool {
        let mut stakes = self.changes.iter();
        stakes.any(|stake| stake.segment.number == segment)
    }
}

impl Sight {
    /// Reads the record's head and envelope.
    pub(super) fn head(&self) -> Result<(Head, Envelope)> {
        let Place { at, head, sum } = self.place;
        let octets = self.base.read_summed(at + FRAME as u64, head, sum)?;
        Head::whole(&octets).ok_or_else(|| Error::new(Kind::Corrupt, "a message in the queue"))
    }
}
