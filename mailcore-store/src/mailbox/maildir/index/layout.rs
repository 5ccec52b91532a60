//! The index's files, to the octet. Numbers are little-endian.
//!
//! Two files lie beside the lists of a mailbox. Both are ours alone, and nothing in them is mail: whatever becomes of
//! them, the next look at the directories and at `dovecot-uidlist` makes them anew. The file names are the truth for
//! flags, the list for UIDs, the messages for everything else.
//!
//! ## `mailcore.index`
//!
//! ```text
//! "MCINDEX1"                                          8 octets: the format's version is in it
//! frame, frame, …
//!   length   u32     of kind and body, at most 1 MiB
//!   check    u32     CRC-32 of kind and body
//!   kind     u8
//!   body
//!
//! 1 Head       validity u32 · boot 16 octets · cache u64 · records u64 · reach u64   first
//! 2 Rows       each: uid u32 · flags u32 · modseq u64 · date i64 · place u32 · fresh u8 · base u8 · info u8 · name
//! 3 Gone       modseq u64, then ranges of UIDs: first u32 · last u32
//! 4 Learned    each: uid u32 · date i64 · place u32
//! 5 Sizes      each: uid u32 · length of the file u64 · length with CRLF u64
//! 6 Extensions each: uid u32 · length u16 · what dovecot-uidlist says besides
//! 7 Keywords   each: letter u8 · length u8 · name; all of them, in the order of the flags' bits
//! 8 Step       next u64 · modseq u64 · lines u64 · torn u8 · again u64 · guid (length u8) · stamps of cur, new,
//!              dovecot-uidlist, dovecot-keywords (there u8 · inode u64 · length u64 · seconds i64 · nanoseconds u32)
//! 9 Doubt      nothing
//! ```
//!
//! `date` is in seconds since 1970, the lowest number where none is known; `place` is where in the cache a message's texts
//! are, in units of eight octets, 0 for nowhere; `cache` is the cache that places mean, and `records` how many
//! it held; `reach` is how far back the
//! history of Gone goes. A row stands for the message of its UID whatever an earlier one said. `again` is when to look at
//! the directories once more although they look the same (microseconds since 1970, 0: never).
//!
//! A checkpoint is a new file with all rows, put in the old one's place; the log is what is appended behind. When the log
//! has grown longer than its checkpoint, a new one is made: each change costs its own frames and as many octets again.
//!
//! **A change is in the log before anybody is told of it**, and a Step behind it says that with it the index is in step
//! with the directories as they look. Reading ends at the first frame that is not whole:
//!
//! - *Cut or damaged anywhere:* what stands in front is taken. The last Step in it does not match the directories any more,
//!   so they are read, and what differs is a change with a new modification sequence. Since what was lost may have been
//!   told, all modification sequences begin anew above the last ones and the clock, and the history is empty: clients that
//!   know an earlier one resynchronise. Only a cut exactly between two frames cannot be told from no cut at all.
//! - *The process was killed:* the kernel has all that was written. Nothing is lost.
//! - *Power was lost:* the log is never flushed (a delivery flushes its message, a change of flags its directory, and no
//!   more), so its end may be missing, or torn. The disk's boot has another name then: all begins anew as above, and the
//!   directories are read whatever the Step says.
//! - *A write failed:* the file is removed before the change is told, and made anew after a while.
//! - *`dovecot-uidlist` is lost, or its lines give UIDs to other files:* what the index knows stands in for it, and it is
//!   written anew. An index that has missed something cannot tell which UID comes next: the mailbox begins a new life.
//!
//! Two processes of ours on one mailbox: whoever finds under the file's lock that it is not as he left it (another file, or
//! another length) works on without it, and appends a Doubt whenever he has told something; the other goes on writing.
//! A Doubt makes the next who loads the index begin all modification sequences anew.
//!
//! ## `mailcore.cache`
//!
//! ```text
//! "MCCACHE1" · cache u64 · version of the chosen header fields u16 · NUL to 24 octets
//! record, record, … each at a multiple of eight octets
//!   length    u32     of what follows the check
//!   check     u32     CRC-32 of the cache's number and what follows
//!   uid       u32
//!   envelope  u32     its length; the highest number: too long to be kept; the next lower: not read yet
//!   structure u32
//!   headers   u32
//!   the three texts
//! ```
//!
//! A record whose check or UID is not right is none, and the message is read again; so an overwritten, cut or torn cache
//! loses work and nothing else. When most of its records are of messages that are gone, it is written anew under another
//! number, which makes places of the old one worthless.

use super::super::letters::Letters;
use super::super::room::{Stamp, Stamps};
use super::super::table::Row;
use mailcore_base::mailbox::{Flags, Uid, UidSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) const MAGIC: &[u8; 8] = b"MCINDEX1";
/// Longest body of a frame, its kind included.
pub(super) const LONGEST: usize = 1 << 20;
/// Octets in front of a frame's kind.
pub(super) const FRONT: usize = 8;
/// A frame of rows is ended once it has so many octets.
const FULL: usize = 32 * 1024;
const UNDATED: i64 = i64::MIN;

const HEAD: u8 = 1;
const ROWS: u8 = 2;
const GONE: u8 = 3;
const LEARNED: u8 = 4;
const SIZES: u8 = 5;
const EXTENSIONS: u8 = 6;
const KEYWORDS: u8 = 7;
const STEP: u8 = 8;
const DOUBT: u8 = 9;

/// What the file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) validity: u32,
    pub(super) boot: u128,
    pub(super) cache: u64,
    /// In that cache.
    pub(super) records: u64,
    pub(super) reach: u64,
}

/// The index is in step with the directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: u64,
    pub(super) modseq: u64,
    pub(super) lines: usize,
    pub(super) torn: bool,
    pub(super) again: Option<SystemTime>,
    pub(super) guid: String,
    pub(super) stamps: Stamps,
}

/// Frames that are being written.
#[derive(Debug, Default)]
pub(in super::super) struct Draft {
    bytes: Vec<u8>,
    /// The kind of the frame that is open, and where it begins.
    open: Option<(u8, usize)>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All frames, ended.
    pub(super) fn finish(mut self) -> Vec<u8> {
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

    pub(super) fn head(&mut self, head: &Head) {
        let out = self.frame(HEAD);
        out.extend(head.validity.to_le_bytes());
        out.extend(head.boot.to_le_bytes());
        out.extend(head.cache.to_le_bytes());
        out.extend(head.records.to_le_bytes());
        out.extend(head.reach.to_le_bytes());
    }

    /// A message is so from now on.
    pub(in super::super) fn row(&mut self, row: &Row<'_>) {
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
    pub(in super::super) fn gone(&mut self, modseq: u64, uids: &UidSet) {
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
    pub(in super::super) fn learned(&mut self, uid: u32, date: Option<i64>, place: u32) {
        let out = self.frame(LEARNED);
        out.extend(uid.to_le_bytes());
        out.extend(date.unwrap_or(UNDATED).to_le_bytes());
        out.extend(place.to_le_bytes());
    }

    pub(in super::super) fn sizes(&mut self, uid: u32, (len, served): (u64, u64)) {
        let out = self.frame(SIZES);
        out.extend(uid.to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(served.to_le_bytes());
    }

    pub(in super::super) fn extensions(&mut self, uid: u32, text: &str) {
        let Ok(length) = u16::try_from(text.len()) else {
            return;
        };
        let out = self.frame(EXTENSIONS);
        out.extend(uid.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn keywords(&mut self, letters: &Letters) {
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

    pub(super) fn step(&mut self, step: &Step) {
        self.end();
        let out = self.frame(STEP);
        out.extend(step.next.to_le_bytes());
        out.extend(step.modseq.to_le_bytes());
        out.extend((step.lines as u64).to_le_bytes());
        out.push(u8::from(step.torn));
        let again = step.again.map_or(0, crate::mailbox::clock::micros);
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

    pub(super) fn doubt(&mut self) {
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
    let seconds = crate::mailbox::clock::seconds(time);
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.subsec_nanos(),
        Err(before) => (1_000_000_000 - before.duration().subsec_nanos()) % 1_000_000_000,
    };
    (seconds, nanos)
}

/// A frame that was read.
#[derive(Debug)]
pub(super) enum Frame<'f> {
    Head(Head),
    Rows(Bodies<'f>),
    Gone(u64, UidSet),
    Learned(Bodies<'f>),
    Sizes(Bodies<'f>),
    Extensions(Bodies<'f>),
    Keywords(Vec<(u8, &'f str)>),
    Step(Box<Step>),
    Doubt,
}

impl<'f> Frame<'f> {
    /// Reads kind and body; none for what makes no sense.
    pub(super) fn parse(bytes: &'f [u8]) -> Option<Self> {
        let (kind, body) = bytes.split_first()?;
        let mut body = Bodies(body);
        Some(match *kind {
            HEAD => Self::Head(Head {
                validity: body.u32().filter(|v| *v > 0)?,
                boot: u128::from_le_bytes(body.array()?),
                cache: body.u64()?,
                records: body.u64()?,
                reach: body.u64()?,
            }),
            ROWS => Self::Rows(body),
            GONE => {
                let modseq = body.u64()?;
                let mut uids = UidSet::new();
                while !body.0.is_empty() {
                    let (first, last) = (Uid::new(body.u32()?)?, Uid::new(body.u32()?)?);
                    if first > last {
                        return None;
                    }
                    uids.insert_range(first..=last);
                }
                Self::Gone(modseq, uids)
            }
            LEARNED => Self::Learned(body),
            SIZES => Self::Sizes(body),
            EXTENSIONS => Self::Extensions(body),
            KEYWORDS => {
                let mut keywords = Vec::new();
                while !body.0.is_empty() {
                    let (letter, length) = (body.u8()?, body.u8()?);
                    let name = body.take(usize::from(length))?;
                    keywords.push((letter, std::str::from_utf8(name).ok()?));
                }
                Self::Keywords(keywords)
            }
            STEP => Self::Step(Box::new(body.step()?)),
            DOUBT if body.0.is_empty() => Self::Doubt,
            _ => return None,
        })
    }
}

/// What is left of a frame's body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bodies<'f>(&'f [u8]);

impl<'f> Bodies<'f> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'f [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn row(&mut self) -> Option<Row<'f>> {
        let uid = self.u32().filter(|uid| *uid > 0)?;
        let flags = Flags::from_bits(u64::from(self.u32()?));
        let (modseq, date, place) = (self.u64()?, self.i64()?, self.u32()?);
        let [fresh, base, info] = self.array()?;
        let (base, info) = (self.take(base.into())?, self.take(info.into())?);
        // A name that is no message's file would lead anywhere.
        let name = [base, info].concat();
        let split = super::super::filename::split(&name)?;
        (split.base == base && fresh < 2).then_some(Row {
            uid,
            flags,
            modseq,
            date: (date != UNDATED).then_some(date),
            place,
            fresh: fresh == 1,
            base,
            info,
        })
    }

    pub(super) fn learned(&mut self) -> Option<(u32, Option<i64>, u32)> {
        let (uid, date, place) = (self.u32()?, self.i64()?, self.u32()?);
        Some((uid, (date != UNDATED).then_some(date), place))
    }

    pub(super) fn sizes(&mut self) -> Option<(u32, (u64, u64))> {
        Some((self.u32()?, (self.u64()?, self.u64()?)))
    }

    pub(super) fn extensions(&mut self) -> Option<(u32, &'f str)> {
        let uid = self.u32()?;
        let length = self.array().map(u16::from_le_bytes)?;
        let text = std::str::from_utf8(self.take(length.into())?).ok()?;
        let odd = |c: char| c.is_control() || c == ':';
        (!text.contains(odd)).then_some((uid, text))
    }

    fn step(mut self) -> Option<Step> {
        let (next, modseq, lines) = (self.u64()?, self.u64()?, self.u64()?);
        let torn = self.u8()? != 0;
        let again = match self.u64()? {
            0 => None,
            micros => Some(UNIX_EPOCH.checked_add(Duration::from_micros(micros))?),
        };
        let length = self.u8()?;
        let guid = std::str::from_utf8(self.take(length.into())?).ok()?;
        let step = Step {
            next: Some(next).filter(|next| (1..=1 << 32).contains(next))?,
            modseq,
            lines: usize::try_from(lines).ok()?,
            torn,
            again,
            guid: guid.to_owned(),
            stamps: Stamps {
                cur: self.stamp()??,
                new: self.stamp()??,
                list: self.stamp()?,
                keywords: self.stamp()?,
            },
        };
        self.0.is_empty().then_some(step)
    }

    fn stamp(&mut self) -> Option<Option<Stamp>> {
        let there = self.u8()? != 0;
        let (inode, len) = (self.u64()?, self.u64()?);
        let seconds = self.i64()?;
        let nanos = u64::from(self.u32().filter(|nanos| *nanos < 1_000_000_000)?);
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let whole = match seconds < 0 {
            true => UNIX_EPOCH.checked_sub(distance)?,
            false => UNIX_EPOCH.checked_add(distance)?,
        };
        let modified = whole.checked_add(Duration::from_nanos(nanos))?;
        Some(there.then_some(Stamp {
            inode,
            len,
            modified,
        }))
    }
}
