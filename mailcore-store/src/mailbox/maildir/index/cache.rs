//! The cache: the texts that are told of messages without opening them. `layout` says how it lies on the disk.
//!
//! What cannot be written or read is nobody's failure: the message is read again.

use super::super::read::TEXTS;
use super::super::room::{Ledger, Room};
use super::super::table::Table;
use super::fill;
use crate::disk::{File, Open};
use crate::mailbox::Fields;
use bytes::Bytes;
use mailcore_base::message::{CHOSEN_FIELDS_VERSION, Summary};
use std::io;

const NAME: &str = "mailcore.cache";
const ASIDE: &str = "mailcore.cache.tmp";
const MAGIC: &[u8; 8] = b"MCCACHE1";
/// Octets in front of the first record.
const HEAD: usize = 24;
/// Octets of a record in front of its texts.
const FRONT: usize = 24;
/// Places are in units of so many octets.
const UNIT: u64 = 8;
/// Longest record that is believed.
const LONGEST: usize = 1 << 20;
/// Records that lie no further apart than this are read at once.
const GAP: u64 = 32 * 1024;
/// Octets that are read at once, about: so many stay in the processor's cache until they have been looked through.
const RUN: u64 = 128 * 1024;
/// What is read of a record whose length is not known.
const GUESS: u64 = 4096;

/// A text is too long to be kept.
const TOO_LONG: u32 = u32::MAX;
/// Nobody has read the message for it yet.
const UNREAD: u32 = u32::MAX - 1;

/// The cache's file, as far as it is known.
#[derive(Debug, Default)]
pub(in super::super) struct Shelf {
    /// Which cache it is; 0: none.
    pub(super) number: u64,
    /// Records in it, about.
    pub(super) records: usize,
    /// Records of messages that are there.
    pub(super) live: usize,
}

/// What is kept of a message.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Texts {
    pub(in super::super) envelope: Option<Bytes>,
    pub(in super::super) structure: Option<Bytes>,
    pub(in super::super) headers: Option<Bytes>,
    /// The structure is not there because nobody has read the message whole.
    pub(in super::super) unread: bool,
}

impl Texts {
    /// What a message that was read came to. `whole`: all of it was read.
    pub(in super::super) fn of(summary: Summary, whole: bool) -> Self {
        Self {
            envelope: summary.envelope.map(Bytes::from),
            structure: summary.structure.filter(|_| whole).map(Bytes::from),
            headers: summary.headers.map(Bytes::from),
            unread: !whole,
        }
    }

    fn write(&self, number: u64, uid: u32, out: &mut Vec<u8>) {
        out.resize(out.len().next_multiple_of(UNIT as usize), 0);
        let at = out.len();
        out.extend_from_slice(&[0; 8]);
        out.extend(uid.to_le_bytes());
        let missing = if self.unread { UNREAD } else { TOO_LONG };
        let length = |text: &Option<Bytes>, none: u32| {
            let length = text
                .as_ref()
                .map(|t| u32::try_from(t.len()).unwrap_or(none));
            length.unwrap_or(none).to_le_bytes()
        };
        out.extend(length(&self.envelope, TOO_LONG));
        out.extend(length(&self.structure, missing));
        out.extend(length(&self.headers, TOO_LONG));
        for text in [&self.envelope, &self.structure, &self.headers] {
            out.extend_from_slice(text.as_deref().unwrap_or_default());
        }
        let body = out.get(at + 8..).unwrap_or_default();
        let length = u32::try_from(body.len()).unwrap_or(0).to_le_bytes();
        let check = check(number, body).to_le_bytes();
        if let Some(front) = out.get_mut(at..at + 8) {
            front.copy_from_slice(&[length, check].concat());
        }
    }

    /// The texts of a record that begins there, those that are wanted; none if it is not this message's.
    fn parse(number: u64, uid: u32, run: &Bytes, start: usize, wanted: Fields) -> Option<Self> {
        let front = run.get(start..)?;
        let length = length(front)?;
        let record = front.get(8..8 + length)?;
        let word = |at: usize| Some(u32::from_le_bytes(front.get(at..at + 4)?.try_into().ok()?));
        if word(4)? != check(number, record) || word(8)? != uid {
            return None;
        }
        let mut at = FRONT;
        let mut text = |length: u32, which: Fields| {
            if length >= UNREAD {
                return Some(None);
            }
            let from = at;
            at = at.checked_add(length as usize)?;
            if at > 8 + record.len() {
                return None;
            }
            let is_wanted = wanted.contains(which);
            Some(is_wanted.then(|| run.slice(start + from..start + at)))
        };
        Some(Self {
            envelope: text(word(12)?, Fields::ENVELOPE)?,
            structure: text(word(16)?, Fields::STRUCTURE)?,
            headers: text(word(20)?, Fields::HEADERS)?,
            unread: word(16)? == UNREAD,
        })
    }
}

/// The length that a record says, without its first two words.
fn length(run: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(run.get(..4)?.try_into().ok()?) as usize;
    (FRONT - 8..=LONGEST).contains(&length).then_some(length)
}

fn check(number: u64, record: &[u8]) -> u32 {
    let mut check = crc32fast::Hasher::new();
    check.update(&number.to_le_bytes());
    check.update(record);
    check.finalize()
}

fn head(number: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let front = MAGIC.iter().copied().chain(number.to_le_bytes());
    let front = front.chain(CHOSEN_FIELDS_VERSION.to_le_bytes());
    for (to, from) in head.iter_mut().zip(front) {
        *to = from;
    }
    head
}

impl Shelf {
    /// The cache that the index speaks of, if it is there.
    pub(super) fn of(room: &Room, number: u64) -> Self {
        let mut found = [0; HEAD];
        let file = room.site.disk.open(&room.path(NAME), Open::Read);
        let read = file.and_then(|file| fill(&*file, &mut found, 0));
        match read.is_ok() && number != 0 && found == head(number) {
            true => Self {
                number,
                ..Self::default()
            },
            false => Self::default(),
        }
    }
}

/// Keeps texts, and says where each one is; 0: nowhere. Held: the ledger.
pub(in super::super) fn add(room: &Room, ledger: &mut Ledger, texts: &[(u32, Texts)]) -> Vec<u32> {
    let nowhere = vec![0; texts.len()];
    if !room.site.indexed || ledger.index.apart || texts.is_empty() {
        return nowhere;
    }
    match try_add(room, ledger, texts) {
        Ok(places) => places,
        Err(_) => nowhere, // it is read again when somebody needs it
    }
}

fn try_add(room: &Room, ledger: &mut Ledger, texts: &[(u32, Texts)]) -> io::Result<Vec<u32>> {
    let disk = &*room.site.disk;
    let path = room.path(NAME);
    let file = match ledger.index.cache.number {
        0 => {
            let _ = disk.unlink(&path); // what is there is worth nothing
            let file = disk.open(&path, Open::Create)?;
            let number = room.site.number();
            file.write_at(&head(number), 0)?;
            // What is known of the index speaks of another cache.
            ledger.index.at = None;
            ledger.index.cache = Shelf {
                number,
                ..Shelf::default()
            };
            file
        }
        _ => match disk.open(&path, Open::Write) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                ledger.index.cache = Shelf::default();
                return Err(e);
            }
            other => other?,
        },
    };
    let start = file.stat()?.len.next_multiple_of(UNIT);
    let mut out = Vec::new();
    let mut places = Vec::with_capacity(texts.len());
    for (uid, texts) in texts {
        let at = start + (out.len() as u64).next_multiple_of(UNIT);
        places.push(u32::try_from(at / UNIT).unwrap_or(0));
        texts.write(ledger.index.cache.number, *uid, &mut out);
    }
    file.write_at(&out, start)?;
    ledger.index.cache.records += texts.len();
    ledger.index.cache.live += texts.len();
    Ok(places)
}

/// Whether the disk may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Pace {
    Wait,
    AtOnce,
}

impl Pace {
    fn open(self, room: &Room) -> io::Result<Box<dyn File>> {
        let (disk, path) = (&*room.site.disk, room.path(NAME));
        match self {
            Self::Wait => disk.open(&path, Open::Read),
            Self::AtOnce => disk.open_now(&path),
        }
    }

    fn read(self, file: &dyn File, out: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Wait => file.read_at(out, at),
            Self::AtOnce => file.read_now(out, at),
        }
    }
}

/// What is kept of these messages, by UID and place, those texts that are wanted; nothing of those that cannot be had at
/// that pace. `number` is the cache that the places mean. It needs no lock: what was written anew meanwhile is not taken for
/// what was meant.
pub(in super::super) fn read(
    room: &Room,
    number: u64,
    wanted: &[(u32, u32)],
    fields: Fields,
    pace: Pace,
) -> Vec<Option<Texts>> {
    let mut found = vec![None; wanted.len()];
    let mut order: Vec<usize> = (0..wanted.len())
        .filter(|n| wanted.get(*n).is_some_and(|(_, place)| *place > 0))
        .collect();
    if order.is_empty() || number == 0 {
        return found;
    }
    let place = |n: usize| {
        wanted
            .get(n)
            .map_or(0, |(_, place)| u64::from(*place) * UNIT)
    };
    order.sort_by_key(|n| place(*n));
    let Ok(file) = pace.open(room) else {
        return found;
    };
    let mut rest = order.as_slice();
    while let Some(first) = rest.first().copied() {
        let start = place(first);
        // Records that follow each other are read at once.
        let mut count = 1;
        while let (Some(last), Some(next)) = (rest.get(count - 1), rest.get(count)) {
            let near = place(*next) - place(*last) <= GAP && place(*next) - start < RUN;
            if !near {
                break;
            }
            count += 1;
        }
        let (run, behind) = rest.split_at(count);
        rest = behind;
        let last = run.last().map_or(start, |n| place(*n));
        let Some(octets) = run_of(&*file, (start, last), pace) else {
            match pace {
                Pace::Wait => continue,
                Pace::AtOnce => return found,
            }
        };
        for n in run {
            let at = usize::try_from(place(*n) - start).unwrap_or(usize::MAX);
            let uid = wanted.get(*n).map_or(0, |(uid, _)| *uid);
            if at < octets.len()
                && let Some(slot) = found.get_mut(*n)
            {
                *slot = Texts::parse(number, uid, &octets, at, fields);
            }
        }
    }
    found
}

/// The octets from one record to the end of another.
fn run_of(file: &dyn File, (start, last): (u64, u64), pace: Pace) -> Option<Bytes> {
    let mut out = read_up_to(file, start, last - start + GUESS, pace).ok()?;
    let within = usize::try_from(last - start).ok()?;
    let whole = within + 8 + length(out.get(within..)?)?;
    if out.len() < whole {
        let behind = start + out.len() as u64;
        let more = read_up_to(file, behind, (whole - out.len()) as u64, pace).ok()?;
        out.extend_from_slice(&more);
    }
    Some(out.into())
}

fn read_up_to(file: &dyn File, at: u64, most: u64, pace: Pace) -> io::Result<Vec<u8>> {
    let mut out = vec![0; usize::try_from(most).unwrap_or(0)];
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match pace.read(file, rest, at + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    out.truncate(filled);
    Ok(out)
}

/// Writes the cache anew once most of it is of messages that are gone; the table's places are then the new ones. Held: the
/// ledger, before a checkpoint.
pub(super) fn compact(room: &Room, ledger: &mut Ledger, table: &mut Table) {
    let shelf = &ledger.index.cache;
    let live = table.rows().filter(|row| row.place > 0).count();
    let few = shelf.records.max(shelf.live) <= 2 * live + 1000;
    ledger.index.cache.live = live;
    if few || ledger.index.cache.number == 0 {
        return;
    }
    if try_compact(room, ledger, table).is_err() {
        let _ = room.site.disk.unlink(&room.path(ASIDE)); // or it is overwritten one day
    }
}

fn try_compact(room: &Room, ledger: &mut Ledger, table: &mut Table) -> io::Result<()> {
    let disk = &*room.site.disk;
    let aside = room.path(ASIDE);
    let _ = disk.unlink(&aside); // what an earlier life has left
    let file = disk.open(&aside, Open::Create)?;
    let (old, number) = (ledger.index.cache.number, room.site.number());
    file.write_at(&head(number), 0)?;
    let wanted: Vec<(u32, u32)> = table
        .rows()
        .filter(|row| row.place > 0)
        .map(|row| (row.uid, row.place))
        .collect();
    let mut at = HEAD as u64;
    let mut moved: Vec<(u32, u32)> = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(256) {
        let mut out = Vec::new();
        for ((uid, _), texts) in some.iter().zip(read(room, old, some, TEXTS, Pace::Wait)) {
            let place = texts.map_or(0, |texts| {
                let start = at + (out.len() as u64).next_multiple_of(UNIT);
                texts.write(number, *uid, &mut out);
                u32::try_from(start / UNIT).unwrap_or(0)
            });
            moved.push((*uid, place));
        }
        out.resize(out.len().next_multiple_of(UNIT as usize), 0);
        file.write_at(&out, at)?;
        at += out.len() as u64;
    }
    drop(file);
    disk.rename(&aside, &room.path(NAME))?;
    for (uid, place) in &moved {
        table.learn(*uid, None, Some(*place));
    }
    ledger.index.cache = Shelf {
        number,
        records: moved.len(),
        live: moved.len(),
    };
    Ok(())
}
