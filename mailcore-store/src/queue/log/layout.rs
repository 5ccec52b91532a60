//! The queue's folder, octet for octet. Format 1; all numbers little-endian. Nothing in here touches a disk.
//!
//! ```text
//! lock                     held by the process that serves the folder
//! 0000000000000007.log     segment 7: a header, then records. Numbers only ever count up
//! 0000000000000003.spare   room for a segment to come; what it holds is worth nothing
//! 0000000000000002.damaged a segment that nothing needs any more but in which something could not be read
//!
//! segment   header at 0 and once more at 512, records from 1024 on, room to the end of the file
//! header    "mailqueu" · format u32 · 0 u32 · number u64 · marker u64 · cut: segment u64, length u64 · CRC-32 u32
//! record    frame (36 octets) · head · rest
//! frame     marker u64 · settled u64 · kind u32 · length of the head u32 · of the rest u32 · CRC-32 of the head u32
//!           · CRC-32 of the frame so far u32
//! ```
//!
//! The **marker** is random and the segment's own: what a spare file still holds of its earlier life, and what a message
//! holds that looks like a record, is never taken for one. **Settled** is how much of the segment had been flushed
//! when the record was written: all before it is on the medium, so what cannot be read there has been damaged, while what
//! cannot be read behind the last such mark may just as well be a write that power loss has cut, and nobody was told of
//! it. Behind the last record stand eight NULs, written with it and overwritten by the next: anything else there is a write
//! that was cut, not what a spare file still holds of its earlier life. The **cut** names an earlier segment of which nothing behind that length counts: a flush of it failed.
//!
//! # Records, and what a cut after any octet of them means
//!
//! | kind | head | rest | until the flush behind it, lost or torn | once flushed |
//! |---|---|---|---|---|
//! | 1 message | identity, state, arrival, size, pieces, envelope | content | the message is not there; `commit` had not returned. Torn in the head: its checksum shows it. Torn in the rest: the pieces' checksums show it, and behind the settled mark recovery reads them all | it is there, whole |
//! | 2 chunk | identity | up to 64 KiB of content | no message names it: the one that will is written after a flush of its own | part of a message if one names it, else room to be freed |
//! | 3 state | identity, state | – | the marks and moves that it sums up still lie where they were, for their segment goes only after a flush | they may go |
//! | 4 mark | identity, outcomes, when due again, attempts | – | the attempt is made again: a delivery whose record was cut is the one case of a duplicate | that recipient is never tried again |
//! | 5 lane | identity, lane | – | it stands where it stood | it is held, or released |
//! | 6 warned | identity | – | it is warned of again | it is not |
//! | 7 gone | identity, its message's segment | – | the message is there again, with its marks | it stays gone: the record is copied forward for as long as that segment exists |
//!
//! A message's pieces name where its content lies, in order: (segment or 0 for this record's rest, place, length, CRC-32).
//! Of records of one identity the later counts: a message record takes the place of all before it (a copy of what
//! lay in a segment that is to go), a state record that of the marks and moves.
//!
//! # States of the folder, step by step
//!
//! | step | a cut in it, or right behind it, leaves | which means |
//! |---|---|---|
//! | a spare file is made, filled with NULs, synced | `N.spare`, of any length and content | made anew when its length is not that of a segment |
//! | the header is written into a spare, synced | `N.spare` with any header | still a spare |
//! | it is renamed to `M.log`, the folder synced | `N.spare`, or `M.log` with a whole header and no record | nothing is written to it before its name is durable |
//! | records are appended, flushed, answered | see above | whoever was answered finds it |
//! | a flush fails: the segment is never written again | its records behind the last good flush, or not | the next segment's header cuts them off, before anything else is answered, and stays for as long as that segment does. The kernel drops what it could not write and reports it once: asking again would succeed and prove nothing |
//! | needed records of `M.log` are copied to the newest segment, flushed | both | the later one counts, and says the same |
//! | `M.log` is renamed to `M.spare` (or removed), the folder synced | the one name or the other | nothing in it was needed. Only then does a record of what is gone from it lose its meaning, and only then is it written over |
//! | start: the folder and those above it are synced, recovery reads all and syncs the newest segment, opens another | as before | what a killed process has left unsynced and recovery has seen, the next one sees too; nothing is ever appended behind a torn end |
//!
//! Assumed of the medium: a write does not change octets beside it, and what was flushed stays (a damaged medium is
//! noticed by checksums and told of, not mended).

use super::coding::{Put, Take};

/// Where records begin.
pub(super) const FIRST: u64 = 1024;
/// Octets of NUL that stand behind the last record, or as many as the segment has room for.
pub(super) const END: u64 = 8;
/// Where the header stands.
pub(super) const HEADERS: [u64; 2] = [0, 512];
/// Octets of a header.
pub(super) const HEADER: usize = 52;
/// Octets of a frame.
pub(super) const FRAME: usize = 36;
/// The format that is written, and read.
const FORMAT: u32 = 1;
const MAGIC: [u8; 8] = *b"mailqueu";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) marker: u64,
    /// Of this segment nothing behind that length counts. Segment 0 is none.
    pub(super) cut: (u64, u64),
}

/// What stands in a segment's front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    Good(Header),
    /// Written by a later version.
    Unknown(u32),
    Bad,
}

impl Header {
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.put(&MAGIC);
        out.put_u32(FORMAT);
        out.put_u32(0);
        for number in [self.number, self.marker, self.cut.0, self.cut.1] {
            out.put_u64(number);
        }
        let sum = checksum(out.get(from..).unwrap_or_default());
        out.put_u32(sum);
    }

    pub(super) fn parse(octets: &[u8]) -> Front {
        let fields = || {
            let mut take = Take(octets);
            let summed = octets.get(..HEADER - 4)?;
            let magic = take.octets(MAGIC.len())? == MAGIC;
            let (format, _) = (take.u32()?, take.u32()?);
            let header = Self {
                number: take.u64()?,
                marker: take.u64()?,
                cut: (take.u64()?, take.u64()?),
            };
            let good = magic && take.u32()? == checksum(summed);
            good.then_some((format, header))
        };
        match fields() {
            Some((FORMAT, header)) => Front::Good(header),
            Some((later, _)) => Front::Unknown(later),
            None => Front::Bad,
        }
    }
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Message = 1,
    Chunk = 2,
    State = 3,
    Mark = 4,
    Lane = 5,
    Warned = 6,
    Gone = 7,
}

impl Form {
    fn of(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Message,
            2 => Self::Chunk,
            3 => Self::State,
            4 => Self::Mark,
            5 => Self::Lane,
            6 => Self::Warned,
            7 => Self::Gone,
            _ => return None,
        })
    }
}

/// What stands before a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) settled: u64,
    pub(super) form: Form,
    pub(super) head: u32,
    pub(super) rest: u32,
    /// The head's checksum.
    pub(super) sum: u32,
}

impl Frame {
    pub(super) fn write_to(&self, marker: u64, out: &mut Vec<u8>) {
        let from = out.len();
        out.put_u64(marker);
        out.put_u64(self.settled);
        for number in [self.form as u32, self.head, self.rest, self.sum] {
            out.put_u32(number);
        }
        let sum = checksum(out.get(from..).unwrap_or_default());
        out.put_u32(sum);
    }

    /// The frame in front of `octets`, if it is one of this segment's and whole.
    pub(super) fn parse(marker: u64, octets: &[u8]) -> Option<Self> {
        let summed = octets.get(..FRAME - 4)?;
        let mut take = Take(octets);
        let marked = take.u64()? == marker;
        let (settled, form) = (take.u64()?, take.u32()?);
        let (head, rest, sum) = (take.u32()?, take.u32()?, take.u32()?);
        (marked && take.u32()? == checksum(summed)).then_some(())?;
        Some(Self {
            settled,
            form: Form::of(form)?,
            head,
            rest,
            sum,
        })
    }

    /// Octets of the whole record.
    pub(super) fn len(&self) -> u64 {
        FRAME as u64 + u64::from(self.head) + u64::from(self.rest)
    }
}

/// CRC-32 as in IEEE 802.3: against accident, not against malice; who can write here owns the mail.
pub(super) fn checksum(octets: &[u8]) -> u32 {
    crc32fast::hash(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Header = Header {
        number: 7,
        marker: 0x0123_4567_89ab_cdef,
        cut: (6, 4096),
    };

    #[test]
    fn a_header_and_a_frame_read_back_and_a_cut_or_changed_one_does_not() {
        let mut octets = Vec::new();
        HEAD.write_to(&mut octets);
        assert_eq!(octets.len(), HEADER);
        assert_eq!(Header::parse(&octets), Front::Good(HEAD));
        let frame = Frame {
            settled: 1024,
            form: Form::Mark,
            head: 5,
            rest: 0,
            sum: checksum(b"12345"),
        };
        let mut framed = Vec::new();
        frame.write_to(HEAD.marker, &mut framed);
        assert_eq!(framed.len(), FRAME);
        assert_eq!(Frame::parse(HEAD.marker, &framed), Some(frame));
        assert_eq!(Frame::parse(HEAD.marker + 1, &framed), None);
        for at in 0..HEADER {
            assert_eq!(Header::parse(&octets[..at]), Front::Bad, "cut at {at}");
            let mut changed = octets.clone();
            changed[at] ^= 0x40;
            assert_eq!(Header::parse(&changed), Front::Bad, "changed at {at}");
        }
        for at in 0..FRAME {
            assert_eq!(Frame::parse(HEAD.marker, &framed[..at]), None);
            let mut changed = framed.clone();
            changed[at] ^= 0x40;
            assert_eq!(Frame::parse(HEAD.marker, &changed), None, "at {at}");
        }
    }

    #[test]
    fn a_later_format_is_told_from_damage() {
        let mut octets = Vec::new();
        HEAD.write_to(&mut octets);
        octets[8] = 2;
        let sum = checksum(&octets[..HEADER - 4]);
        octets.truncate(HEADER - 4);
        octets.put_u32(sum);
        assert_eq!(Header::parse(&octets), Front::Unknown(2));
    }
}
