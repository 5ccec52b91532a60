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

mod draft;
mod frame;

use super::super::room::Stamps;
pub(in super::super) use draft::Draft;
pub(super) use frame::Frame;
use std::time::SystemTime;

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
