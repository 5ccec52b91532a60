//! Reading frames: nothing is believed of them that makes no sense.

use super::super::super::filename;
use super::super::super::room::{Stamp, Stamps};
use super::super::super::row::Row;
use super::{
    DOUBT, EXTENSIONS, GONE, HEAD, Head, KEYWORDS, LEARNED, ROWS, SIZES, STEP, Step, UNDATED,
};
use mailcore_base::mailbox::{Flags, Uid, UidSet};
use std::time::{Duration, UNIX_EPOCH};

/// A frame that was read.
#[derive(Debug)]
pub(in super::super) enum Frame<'f> {
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
    pub(in super::super) fn parse(bytes: &'f [u8]) -> Option<Self> {
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
pub(in super::super) struct Bodies<'f>(&'f [u8]);

impl<'f> Bodies<'f> {
    pub(in super::super) fn is_empty(&self) -> bool {
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

    pub(in super::super) fn row(&mut self) -> Option<Row<'f>> {
        let uid = self.u32().filter(|uid| *uid > 0)?;
        let flags = Flags::from_bits(u64::from(self.u32()?));
        let (modseq, date, place) = (self.u64()?, self.i64()?, self.u32()?);
        let [fresh, base, info] = self.array()?;
        let (base, info) = (self.take(base.into())?, self.take(info.into())?);
        // A name that is no message's file would lead anywhere.
        let name = [base, info].concat();
        let split = filename::split(&name)?;
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

    pub(in super::super) fn learned(&mut self) -> Option<(u32, Option<i64>, u32)> {
        let (uid, date, place) = (self.u32()?, self.i64()?, self.u32()?);
        Some((uid, (date != UNDATED).then_some(date), place))
    }

    pub(in super::super) fn sizes(&mut self) -> Option<(u32, (u64, u64))> {
        Some((self.u32()?, (self.u64()?, self.u64()?)))
    }

    pub(in super::super) fn extensions(&mut self) -> Option<(u32, &'f str)> {
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
