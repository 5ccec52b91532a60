//! Writing frames.

use super::super::super::letters::Letters;
use super::super::super::room::Stamp;
use super::super::super::row::Row;
use super::{
    DOUBT, EXTENSIONS, FRONT, FULL, GONE, HEAD, Head, KEYWORDS, LEARNED, ROWS, SIZES, STEP, Step,
    UNDATED,
};
use crate::mailbox::clock::{micros, seconds};
use mailcore_base::mailbox::UidSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// Frames that are being written.
#[derive(Debug, Default)]
pub(in super::super::super) struct Draft {
    bytes: Vec<u8>,
    /// The kind of the frame that is open, and where it begins.
    open: Option<(u8, usize)>,
}

impl Draft {
    pub(in super::super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(in super::super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All frames, ended.
    pub(in super::super) fn finish(mut self) -> Vec<u8> {
        self.end();
        self.bytes
    }

    fn end(&mut self) {
        let Some((_, at)) = self.open.take() else {
            return;
        };
        let body = self.bytes.get(at + FRONT..).unwrap_or_default();
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
        let check = crc32fast::hash(body).to_le_bytes();
        if let Some(front) = self.bytes.get_mut(at..at + FRONT) {
            front.copy_from_slice(&[length, check].concat());
        }
    }

    /// Goes on in an open frame of this kind, or begins one.
    fn frame(&mut self, kind: u8) -> &mut Vec<u8> {
        let goes_on = self
            .open
            .is_some_and(|(open, at)| open == kind && self.bytes.len() - at < FULL);
        if !goes_on {
            self.end();
            self.open = Some((kind, self.bytes.len()));
            self.bytes.extend_from_slice(&[0; FRONT]);
            self.bytes.push(kind);
        }
        &mut self.bytes
    }

    pub(in super::super) fn head(&mut self, head: &Head) {
        let out = self.frame(HEAD);
        out.extend(head.validity.to_le_bytes());
        out.extend(head.boot.to_le_bytes());
        out.extend(head.cache.to_le_bytes());
        out.extend(head.records.to_le_bytes());
        out.extend(head.reach.to_le_bytes());
    }

    /// A message is so from now on.
    pub(in super::super::super) fn row(&mut self, row: &Row<'_>) {
        let (Ok(base), Ok(info)) = (u8::try_from(row.base.len()), u8::try_from(row.info.len()))
        else {
            return;
        };
        let out = self.frame(ROWS);
        out.extend(row.uid.to_le_bytes());
        out.extend((row.flags.bits() as u32).to_le_bytes());
        out.extend(row.modseq.to_le_bytes());
        out.extend(row.date.unwrap_or(UNDATED).to_le_bytes());
        out.extend(row.place.to_le_bytes());
        out.extend([u8::from(row.fresh), base, info]);
        out.extend_from_slice(row.base);
        out.extend_from_slice(row.info);
    }

    /// Messages went.
    pub(in super::super::super) fn gone(&mut self, modseq: u64, uids: &UidSet) {
        let ranges: Vec<_> = uids.ranges().collect();
        for some in ranges.chunks(FULL / 8) {
            self.end();
            let out = self.frame(GONE);
            out.extend(modseq.to_le_bytes());
            for range in some {
                out.extend(range.start().number().to_le_bytes());
                out.extend(range.end().number().to_le_bytes());
            }
            self.end();
        }
    }

    /// What has been found out about a message.
    pub(in super::super::super) fn learned(&mut self, uid: u32, date: Option<i64>, place: u32) {
        let out = self.frame(LEARNED);
        out.extend(uid.to_le_bytes());
        out.extend(date.unwrap_or(UNDATED).to_le_bytes());
        out.extend(place.to_le_bytes());
    }

    pub(in super::super::super) fn sizes(&mut self, uid: u32, (len, served): (u64, u64)) {
        let out = self.frame(SIZES);
        out.extend(uid.to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(served.to_le_bytes());
    }

    pub(in super::super::super) fn extensions(&mut self, uid: u32, text: &str) {
        let Ok(length) = u16::try_from(text.len()) else {
            return;
        };
        let out = self.frame(EXTENSIONS);
        out.extend(uid.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    pub(in super::super) fn keywords(&mut self, letters: &Letters) {
        self.end();
        let out = self.frame(KEYWORDS);
        for (letter, keyword) in letters.iter() {
            let name = keyword.as_str().as_bytes();
            let Ok(length) = u8::try_from(name.len()) else {
                continue;
            };
            out.extend([letter, length]);
            out.extend_from_slice(name);
        }
        self.end();
    }

    pub(in super::super) fn step(&mut self, step: &Step) {
        self.end();
        let out = self.frame(STEP);
        out.extend(step.next.to_le_bytes());
        out.extend(step.modseq.to_le_bytes());
        out.extend((step.lines as u64).to_le_bytes());
        out.push(u8::from(step.torn));
        let again = step.again.map_or(0, micros);
        out.extend(again.to_le_bytes());
        let guid = step.guid.as_bytes();
        let guid = guid.get(..255).unwrap_or(guid);
        out.push(guid.len() as u8);
        out.extend_from_slice(guid);
        let stamps = step.stamps;
        for stamp in [
            Some(stamps.cur),
            Some(stamps.new),
            stamps.list,
            stamps.keywords,
        ] {
            write_stamp(out, stamp);
        }
        self.end();
    }

    pub(in super::super) fn doubt(&mut self) {
        self.end();
        self.frame(DOUBT);
        self.end();
    }
}

fn write_stamp(out: &mut Vec<u8>, stamp: Option<Stamp>) {
    out.push(u8::from(stamp.is_some()));
    let stamp = stamp.unwrap_or(Stamp {
        inode: 0,
        len: 0,
        modified: UNIX_EPOCH,
    });
    let (seconds, nanos) = split(stamp.modified);
    out.extend(stamp.inode.to_le_bytes());
    out.extend(stamp.len.to_le_bytes());
    out.extend(seconds.to_le_bytes());
    out.extend(nanos.to_le_bytes());
}

/// Whole seconds since 1970, downwards, and the rest.
fn split(time: SystemTime) -> (i64, u32) {
    let seconds = seconds(time);
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.subsec_nanos(),
        Err(before) => (1_000_000_000 - before.duration().subsec_nanos()) % 1_000_000_000,
    };
    (seconds, nanos)
}
