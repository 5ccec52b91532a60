//! Reading the index at the first look at a mailbox: the table as it was, and whether it can be built upon.

use super::super::letters::Letters;
use super::super::room::{Ledger, Room};
use super::super::scan;
use super::super::table::Table;
use super::layout::{FRONT, Frame, Head, LONGEST, MAGIC, Step};
use super::{At, cache, fill, path};
use crate::disk::{File, Open};
use crate::mailbox::expunges::Expunges;
use mailcore_base::mailbox::{Keyword, ModSeq, Uid, UidValidity};
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Longest file that is read: some millions of messages.
const LONGEST_FILE: u64 = 1 << 31;
/// Octets that are read at once.
const BLOCK: usize = 1 << 20;

/// What was read.
struct Found {
    head: Head,
    table: Table,
    letters: Letters,
    sizes: BTreeMap<u32, (u64, u64)>,
    expunges: Expunges,
    step: Option<Step>,
    modseq: u64,
    doubt: bool,
    /// Where the frame that is read next begins.
    at: u64,
    /// Where the first that says that it is in step ends; 0: there was none yet.
    checkpoint: u64,
    /// Messages that got a place in the cache since.
    placed: usize,
}

/// Takes over what the index says; false if there is none, or none that is worth anything. The directories must be read
/// unless its stamps are theirs. Held: the ledger.
pub(in super::super) fn load(room: &Room, ledger: &mut Ledger) -> bool {
    if !room.site.indexed {
        return false;
    }
    let Ok(file) = room.site.disk.open(&path(room), Open::Read) else {
        return false;
    };
    let Ok(stat) = file.stat() else { return false };
    let Some(mut found) = read(&*file, stat.len) else {
        return false;
    };
    let Some(step) = found.step.take() else {
        return false;
    };
    let Some(validity) = NonZeroU32::new(found.head.validity) else {
        return false;
    };
    let whole = found.at == stat.len && !found.doubt;
    let sound = whole && found.head.boot == room.site.disk.boot() && found.head.boot != 0;
    let Ok(mut view) = room.view() else {
        return false;
    };
    let mut modseq = found.modseq;
    if !sound {
        modseq = (modseq + 1).max(scan::first_modseq(room, ledger));
        found.table.raise(modseq);
        found.expunges = Expunges::since_start(ModSeq(modseq));
    }
    ledger.index.cache = cache::Shelf::of(room, found.head.cache);
    ledger.index.cache.records = usize::try_from(found.head.records).unwrap_or(0) + found.placed;
    if ledger.index.cache.number == 0 {
        found.table.unplace();
    }
    ledger.index.cache.live = found.table.rows().filter(|row| row.place > 0).count();
    view.validity = UidValidity(validity);
    view.next = step.next.max(u64::from(found.table.last_uid()) + 1);
    view.modseq = modseq;
    view.uids = Arc::new(found.table.uids());
    let fresh = found.table.fresh().filter_map(|row| Uid::new(row.uid));
    view.unclaimed = fresh.collect();
    view.keywords = Arc::new(found.letters.table());
    view.expunges = found.expunges;
    view.sizes = found.sizes;
    found.table.fit();
    view.table = Arc::new(found.table);
    drop(view);
    ledger.guid.clone_from(&step.guid);
    ledger.lines = step.lines;
    ledger.torn = step.torn;
    ledger.letters = found.letters;
    ledger.again = step.again;
    ledger.stamps = sound.then_some(step.stamps);
    ledger.loaded = true;
    if sound {
        ledger.index.at = Some(At {
            inode: stat.inode,
            len: stat.len,
            checkpoint: found.checkpoint,
            validity: validity.get(),
            letters: ledger.letters.clone(),
            step: Some(step),
            doubted: false,
        });
    }
    true
}

fn read(file: &dyn File, len: u64) -> Option<Found> {
    if len > LONGEST_FILE {
        return None;
    }
    let mut blocks = Blocks {
        file,
        len,
        start: 0,
        block: Vec::new(),
    };
    if blocks.bytes(0, MAGIC.len()).ok()?? != MAGIC {
        return None;
    }
    let mut at = MAGIC.len() as u64;
    let mut found: Option<Found> = None;
    while let Ok(Some(bytes)) = blocks.frame(at) {
        let next = at + (FRONT + bytes.len()) as u64;
        let taken = Frame::parse(bytes).and_then(|frame| match (&mut found, frame) {
            (None, Frame::Head(head)) => {
                found = Some(Found::new(head));
                Some(())
            }
            (None, _) => None,
            (Some(found), frame) => found.take(frame),
        });
        if taken.is_none() {
            break;
        }
        at = next;
        if let Some(found) = &mut found
            && found.checkpoint == 0
            && found.step.is_some()
        {
            found.checkpoint = at;
        }
    }
    let mut found = found?;
    found.at = at;
    Some(found)
}

impl Found {
    fn new(head: Head) -> Self {
        Self {
            head,
            table: Table::default(),
            letters: Letters::default(),
            sizes: BTreeMap::new(),
            expunges: Expunges::since_start(ModSeq(head.reach)),
            step: None,
            modseq: head.reach,
            doubt: false,
            at: 0,
            checkpoint: 0,
            placed: 0,
        }
    }

    /// Takes a frame over; none if it makes no sense.
    fn take(&mut self, frame: Frame<'_>) -> Option<()> {
        match frame {
            Frame::Head(_) => return None,
            Frame::Rows(mut rows) => {
                while !rows.is_empty() {
                    let row = rows.row()?;
                    self.modseq = self.modseq.max(row.modseq);
                    self.placed += usize::from(self.checkpoint > 0 && row.place > 0);
                    self.table.put(row);
                }
            }
            Frame::Gone(modseq, uids) => {
                self.table.remove(&uids);
                self.expunges.add(ModSeq(modseq), &uids);
                self.modseq = self.modseq.max(modseq);
                if !self.sizes.is_empty() {
                    let gone = |uid: u32| Uid::new(uid).is_some_and(|uid| uids.contains(uid));
                    self.sizes.retain(|uid, _| !gone(*uid));
                }
            }
            Frame::Learned(mut each) => {
                while !each.is_empty() {
                    let (uid, date, place) = each.learned()?;
                    self.table.learn(uid, date, Some(place));
                }
            }
            Frame::Sizes(mut each) => {
                while !each.is_empty() {
                    let (uid, sizes) = each.sizes()?;
                    self.sizes.insert(uid, sizes);
                }
            }
            Frame::Extensions(mut each) => {
                while !each.is_empty() {
                    let (uid, text) = each.extensions()?;
                    self.table.extend(uid, text);
                }
            }
            Frame::Keywords(told) => {
                let mut letters = Vec::new();
                for (letter, name) in told {
                    letters.push((letter, Keyword::parse(name).ok()?));
                }
                self.letters = Letters::of(letters)?;
            }
            Frame::Step(step) => {
                self.modseq = self.modseq.max(step.modseq);
                self.step = Some(*step);
            }
            Frame::Doubt => self.doubt = true,
        }
        Some(())
    }
}

/// A file that is read front to back in large pieces.
struct Blocks<'f> {
    file: &'f dyn File,
    len: u64,
    start: u64,
    block: Vec<u8>,
}

impl Blocks<'_> {
    /// Octets at a place; none behind the end.
    fn bytes(&mut self, at: u64, length: usize) -> io::Result<Option<&[u8]>> {
        let end = at + length as u64;
        if end > self.len {
            return Ok(None);
        }
        if at < self.start || end > self.start + self.block.len() as u64 {
            let left = usize::try_from(self.len - at).unwrap_or(usize::MAX);
            self.block.resize(left.min(BLOCK.max(length)), 0);
            self.start = at;
            fill(self.file, &mut self.block, at)?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.block.get(from..from + length))
    }

    /// Kind and body of the frame at a place; none if there is none that is whole.
    fn frame(&mut self, at: u64) -> io::Result<Option<&[u8]>> {
        let Some(front) = self.bytes(at, FRONT)? else {
            return Ok(None);
        };
        let number = |bytes: Option<&[u8]>| {
            let bytes = bytes.and_then(|b| <[u8; 4]>::try_from(b).ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        let (length, check) = (number(front.get(..4)), number(front.get(4..8)));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 || length > LONGEST {
            return Ok(None);
        }
        let body = self.bytes(at + FRONT as u64, length)?;
        Ok(body.filter(|body| crc32fast::hash(body) == check))
    }
}
