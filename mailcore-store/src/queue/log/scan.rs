//! A segment read from its front to its end: every record in it that is whole, and where something is not.
//! Content is passed over, unread.

use super::layout::{END, FIRST, FRAME, Frame, checksum};
use super::record::Record;
use super::segment::Segment;
use crate::queue::Identity;
use crate::{Error, Result};
use memchr::memmem;
use std::ops::Range;

/// Octets read at a time.
const WINDOW: u64 = 1 << 18;

/// What is in a segment.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) records: Vec<Met>,
    /// Places where a record begins, or should, and cannot be read.
    pub(super) damage: Vec<Range<u64>>,
    /// All before this had been flushed.
    pub(super) settled: u64,
}

/// A record, and where it begins.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) at: u64,
    pub(super) frame: Frame,
    pub(super) identity: Identity,
    pub(super) record: Record,
}

/// Reads a segment as far as `until`.
///
/// # Errors
/// When the medium did not give all of it. That is not damage, and what was found is not all there is.
pub(super) fn scan(segment: &Segment, until: u64) -> Result<Found> {
    let mut window = Window {
        segment,
        until: until.min(segment.capacity),
        octets: Vec::new(),
        at: 0,
        failed: None,
    };
    let mut found = Found {
        settled: FIRST,
        ..Found::default()
    };
    if segment.marker == 0 {
        // Neither header nor first record: nothing in it can be known for what it is.
        found.damage.push(FIRST..window.until.max(FIRST));
        return Ok(found);
    }
    let mut at = FIRST;
    loop {
        if let Some(frame) = window.frame(at) {
            let end = at + frame.len();
            found.settled = found.settled.max(frame.settled.min(segment.capacity));
            match window.record(at, &frame) {
                Some(met) => found.records.push(met),
                None => found.damage.push(at..end),
            }
            at = end;
            continue;
        }
        // Room that nothing was written to, a write that was cut, or damage: whatever comes behind it counts.
        let begun = window
            .view(at, END)
            .is_some_and(|it| it.iter().any(|octet| *octet != 0));
        let next = window.next_frame(at + 1);
        if begun || next.is_some() {
            found.damage.push(at..next.unwrap_or(window.until));
        }
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    match window.failed {
        Some(e) => Err(e),
        None => Ok(found),
    }
}

/// Some of a segment, in memory.
struct Window<'s> {
    segment: &'s Segment,
    until: u64,
    octets: Vec<u8>,
    at: u64,
    /// Why the medium did not give all.
    failed: Option<Error>,
}

impl Window<'_> {
    /// A frame at this place, if one is there whose record ends before the segment does.
    fn frame(&mut self, at: u64) -> Option<Frame> {
        let marker = self.segment.marker;
        let frame = Frame::parse(marker, self.view(at, FRAME as u64)?)?;
        (frame.len() <= self.until - at).then_some(frame)
    }

    fn record(&mut self, at: u64, frame: &Frame) -> Option<Met> {
        let head = self.view(at + FRAME as u64, u64::from(frame.head))?;
        (checksum(head) == frame.sum).then_some(())?;
        Some(Met {
            at,
            frame: *frame,
            identity: Record::identity(head)?,
            record: Record::parse(frame.form, head)?,
        })
    }

    /// The next place from here on where a frame is.
    fn next_frame(&mut self, mut from: u64) -> Option<u64> {
        let marker = self.segment.marker.to_le_bytes();
        loop {
            let left = self
                .until
                .checked_sub(from)
                .filter(|left| *left >= FRAME as u64)?;
            let view = self.view(from, left.min(WINDOW))?;
            match memmem::find(view, &marker) {
                Some(n) => {
                    from += n as u64;
                    if self.frame(from).is_some() {
                        return Some(from);
                    }
                    from += 1;
                }
                // A marker may lie across the border.
                None => from += left.min(WINDOW) - 7,
            }
        }
    }

    /// So many octets from there, if the segment has them.
    fn view(&mut self, at: u64, len: u64) -> Option<&[u8]> {
        let end = at.checked_add(len).filter(|end| *end <= self.until)?;
        if at < self.at || end > self.at + self.octets.len() as u64 {
            self.load(at, len.max(WINDOW).min(self.until - at));
        }
        let from = usize::try_from(at - self.at).ok()?;
        self.octets.get(from..from + usize::try_from(len).ok()?)
    }

    fn load(&mut self, at: u64, len: u64) {
        self.at = at;
        self.octets.clear();
        let read = self
            .segment
            .read_patiently(at, u32::try_from(len).unwrap_or(u32::MAX));
        match read {
            Ok(octets) => self.octets = octets,
            Err(e) => drop(self.failed.get_or_insert(e)),
        }
    }
}
