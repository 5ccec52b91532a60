//! The one who writes: records are gathered, written, flushed once for all that wait, and only then do they count.
//!
//! It decides nothing about messages (`stage` does), and reads none.

use super::coding::small;
use super::compact::Evacuation;
use super::house::House;
use super::layout::{END, FIRST, Form, Frame, checksum};
use super::record::Record;
use super::segment::{Place, Segment, Stake};
use super::shelf::Shelf;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What has gathered is written out beyond that many octets.
const GATHERED: usize = 1 << 20;

/// What happens once a record's flush has succeeded or failed.
type Then = Box<dyn FnOnce(&House, &Result<()>) + Send>;

pub(super) struct Writer {
    pub(super) house: Arc<House>,
    pub(super) shelf: Shelf,
    active: Option<Active>,
    /// What is to be written behind the active segment's written part.
    gathered: Vec<u8>,
    waiting: Vec<Then>,
    /// A write of what has gathered failed.
    failed: Option<Error>,
    pub(super) evacuation: Option<Evacuation>,
    /// How many flushes have failed: whoever writes several records looks at it before he relies on the first.
    pub(super) failures: u64,
    /// For so many batches more, nothing is tidied.
    pub(super) pause: u32,
}

/// The segment that is written.
struct Active {
    segment: Arc<Segment>,
    written: u64,
    /// How much is flushed.
    settled: u64,
    graves: Graves,
}

/// How many records of messages that are gone, by the segment that those lay in.
pub(super) type Graves = BTreeMap<u64, u64>;

/// What room is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// New content: refused while only the last reserve is left.
    Content,
    /// What happens to messages that are there, and copies that make room.
    Change,
}

/// A record that has gathered.
pub(super) struct Written {
    pub(super) stake: Stake,
    pub(super) place: Place,
}

impl Writer {
    pub(super) fn new(house: Arc<House>, shelf: Shelf) -> Self {
        Self {
            house,
            shelf,
            active: None,
            gathered: Vec::new(),
            waiting: Vec::new(),
            failed: None,
            evacuation: None,
            failures: 0,
            pause: 0,
        }
    }

    /// Gathers a record. It counts once [`settle`](Self::settle) has flushed it.
    ///
    /// # Errors
    /// When there is no room for it, or the medium fails.
    pub(super) fn append(
        &mut self,
        purpose: Purpose,
        form: Form,
        head: &[u8],
        rest: &[&[u8]],
    ) -> Result<Written> {
        let frame = |settled| Frame {
            settled,
            form,
            head: small(head.len()),
            rest: small(rest.iter().map(|part| part.len()).sum()),
            sum: checksum(head),
        };
        self.make_room(frame(0).len(), purpose)?;
        let Some(active) = &self.active else {
            return Err(super::unavailable());
        };
        let frame = frame(active.settled);
        let at = active.written + self.gathered.len() as u64;
        frame.write_to(active.segment.marker, &mut self.gathered);
        self.gathered.extend_from_slice(head);
        rest.iter()
            .for_each(|part| self.gathered.extend_from_slice(part));
        let written = Written {
            stake: Stake::new(&active.segment, frame.len()),
            place: Place {
                at,
                head: frame.head,
                sum: frame.sum,
            },
        };
        if self.gathered.len() > GATHERED
            && self.failed.is_none()
            && let Err(e) = self.write_out()
        {
            self.failed = Some(e);
        }
        Ok(written)
    }

    /// Gathers a record of a change.
    pub(super) fn append_change(&mut self, record: &Record) -> Result<Written> {
        let mut head = Vec::new();
        let form = record.write_to(&mut head);
        let written = self.append(Purpose::Change, form, &head, &[])?;
        if let (Record::Gone(_, base), Some(active)) = (record, &mut self.active) {
            *active.graves.entry(*base).or_default() += 1;
        }
        Ok(written)
    }

    /// What is to happen once all that has gathered is flushed, or has failed to be.
    pub(super) fn then(&mut self, then: impl FnOnce(&House, &Result<()>) + Send + 'static) {
        self.waiting.push(Box::new(then));
    }

    /// Writes and flushes what has gathered, and tells all who wait for it. What failed to be flushed is never
    /// written to again, for nobody can say what of it is on the medium: another segment is begun, and says
    /// that it is cut off.
    ///
    /// # Errors
    /// When they were told so.
    pub(super) fn settle(&mut self) -> Result<()> {
        let outcome = match self.gathered.is_empty() && self.failed.is_none() && self.is_settled() {
            true => Ok(()),
            false => {
                self.house.flushes.shared(self.waiting.len());
                self.flush()
            }
        };
        if outcome.is_err() {
            self.gathered.clear();
            self.failures += 1;
            self.close(true);
        }
        for then in self.waiting.drain(..) {
            then(&self.house, &outcome);
        }
        outcome
    }

    fn is_settled(&self) -> bool {
        let active = self.active.as_ref();
        active.is_none_or(|active| active.written == active.settled)
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        self.write_out()?;
        if let Some(active) = &mut self.active {
            let flushed = active.segment.file.sync_data();
            flushed.map_err(|e| Error::io("a flush of the queue's log", e))?;
            active.settled = active.written;
        }
        Ok(())
    }

    fn write_out(&mut self) -> Result<()> {
        if let Some(active) = &mut self.active {
            let end = active.written + self.gathered.len() as u64;
            let nuls = active.segment.capacity.saturating_sub(end).min(END);
            self.gathered.resize(self.gathered.len() + nuls as usize, 0);
            let written = active.segment.file.write_at(&self.gathered, active.written);
            written.map_err(|e| Error::io("the queue's log", e))?;
            active.written = end;
            self.gathered.clear();
            self.gathered.shrink_to(GATHERED);
        }
        Ok(())
    }

    /// Sees to it that a record of this length fits behind what has gathered.
    fn make_room(&mut self, len: u64, purpose: Purpose) -> Result<()> {
        let gathered = self.gathered.len() as u64;
        let fits = |active: &Active| active.written + gathered + len <= active.segment.capacity;
        if self.active.as_ref().is_some_and(fits) {
            return Ok(());
        }
        // Before the old one is given up: small records may still fit where this one does not.
        self.shelf.provide(FIRST + len, purpose)?;
        // Whoever waited for what failed has been told; this record goes to another segment all the same.
        let _ = self.settle();
        self.close(false);
        let segment = self.shelf.begin(FIRST + len, &self.house)?;
        self.active = Some(Active {
            segment,
            written: FIRST,
            settled: FIRST,
            graves: Graves::new(),
        });
        Ok(())
    }

    /// Nothing more is written to the active segment.
    fn close(&mut self, cut: bool) {
        if let Some(active) = self.active.take() {
            if cut {
                self.shelf.cut = (active.segment.number, active.settled);
            }
            self.shelf.close(active.segment, active.graves);
        }
    }

    /// Whether this is the segment that is written.
    pub(super) fn writes(&self, segment: u64) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.segment.number == segment)
    }
}
