//! What a start finds: one sequential pass over all segments, in the order in which they were written. It changes
//! nothing but to make durable what it has seen, and it fails only where the medium does.

use super::house::House;
use super::layout::{FIRST, Front, HEADER, HEADERS, Header, checksum};
use super::record::{Head, Record, rest};
use super::scan::{Met, scan};
use super::segment::{Kept, Place, Segment, Stake};
use super::shelf::{Closed, Shelf, Spare};
use super::stage::apply;
use super::writer::Graves;
use super::{Damage, Options, Recovery};
use crate::disk::{Disk, FileKind, Open};
use crate::queue::index::{BETWEEN, Index, Message};
use crate::queue::{Identity, Lane};
use crate::{Error, Kind, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Places of damage that are told of; whoever has more knows enough.
const TOLD: usize = 1000;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) index: Index<Kept>,
    pub(super) shelf: Shelf,
    pub(super) recovery: Recovery,
}

/// Reads the folder, which must be there.
pub(super) fn recover(disk: &Arc<dyn Disk>, options: &Options) -> Result<Found> {
    let folder = &options.folder;
    let mut shelf = Shelf::new(Arc::clone(disk), folder, options.segment, options.spares);
    let mut recovery = Recovery::default();
    let mut cuts = BTreeMap::new();
    for (number, what, path) in files(&**disk, folder)? {
        shelf.next = shelf.next.max(number.saturating_add(1));
        match what.as_str() {
            "log" => {
                let segment = open(&**disk, number, &path, &mut cuts, &mut recovery)?;
                shelf.close(segment, Graves::new());
            }
            "spare" => keep(&**disk, path, options, &mut shelf)?,
            _ => {}
        }
    }
    if let Some(newest) = shelf.closed.values().next_back() {
        // What was written and not flushed when a process ended is seen from here on, and must not vanish later.
        let synced = newest.segment.file.sync_data();
        synced.map_err(|e| Error::io("a flush of the queue's log", e))?;
    }
    let mut reading = Reading {
        index: Index::default(),
        segments: shelf
            .closed
            .iter()
            .map(|(n, closed)| (*n, Arc::clone(&closed.segment)))
            .collect(),
        recovery,
        folder,
        hollow: Vec::new(),
    };
    for (number, closed) in &mut shelf.closed {
        let until = cuts.get(number).copied().unwrap_or(u64::MAX);
        reading.read(closed, until)?;
    }
    reading.tell_of_content();
    let Reading {
        index,
        mut recovery,
        ..
    } = reading;
    recovery.messages = index.len();
    Ok(Found {
        index,
        shelf,
        recovery,
    })
}

/// Numbered files, in the order of their numbers.
fn files(disk: &dyn Disk, folder: &Path) -> Result<Vec<(u64, String, PathBuf)>> {
    let mut files = Vec::new();
    let listed = disk.list(folder, &mut |name, kind| {
        let parts = name.to_str().and_then(|name| name.split_once('.'));
        let Some((number, what)) =
            parts.filter(|(number, _)| number.len() == 16 && kind == FileKind::File)
        else {
            return;
        };
        if let Ok(number) = u64::from_str_radix(number, 16)
            && number > 0
            && number < u64::MAX / 2
        {
            files.push((number, what.to_owned(), folder.join(name)));
        }
    });
    listed.map_err(|e| Error::io("the queue's folder", e))?;
    files.sort_unstable();
    Ok(files)
}

/// A spare is kept if it is as long as a segment; otherwise a crash has cut its making, or the length was changed.
fn keep(disk: &dyn Disk, path: PathBuf, options: &Options, shelf: &mut Shelf) -> Result<()> {
    let failed = |e| Error::io("a spare segment of the queue", e);
    let len = disk.stat(&path).map_err(failed)?.len;
    match len == options.segment && shelf.spares.len() < options.spares {
        true => shelf.spares.push(Spare { path, len }),
        false => disk.unlink(&path).map_err(failed)?,
    }
    Ok(())
}

fn open(
    disk: &dyn Disk,
    number: u64,
    path: &Path,
    cuts: &mut BTreeMap<u64, u64>,
    recovery: &mut Recovery,
) -> Result<Arc<Segment>> {
    let failed = |e| Error::io("a segment of the queue's log", e);
    let file = disk.open(path, Open::Read).map_err(failed)?;
    let len = file.stat().map_err(failed)?.len;
    let mut segment = Segment::new(number, 0, file, len);
    let mut good = None;
    for at in HEADERS {
        let octets = given(&segment, at, HEADER as u32).map_err(|e| ungiven(path, e))?;
        match Header::parse(&octets) {
            Front::Good(header) if header.number == number => good = good.or(Some(header)),
            Front::Unknown(format) => {
                let what =
                    format!("the queue's log is of format {format}, which a later version wrote");
                return Err(Error::new(Kind::Unsupported, what));
            }
            Front::Good(_) | Front::Bad => tell(recovery, path, at..at + HEADER as u64, "a header"),
        }
    }
    match good {
        Some(header) => {
            segment.marker = header.marker;
            segment.cuts = header.cut.0;
            let cut = cuts.entry(header.cut.0).or_insert(u64::MAX);
            *cut = header.cut.1.min(*cut);
        }
        // Each record begins with the marker; the first one stands in a known place.
        None => {
            let first = given(&segment, FIRST, 8).map_err(|e| ungiven(path, e))?;
            let first = first.try_into().ok();
            segment.marker = first.map_or(0, u64::from_le_bytes);
        }
    }
    Ok(Arc::new(segment))
}

/// So many octets; none where the segment is too short.
fn given(segment: &Segment, at: u64, len: u32) -> Result<Vec<u8>> {
    match segment.read_patiently(at, len) {
        Err(e) if e.kind() == Kind::Corrupt => Ok(Vec::new()),
        read => read,
    }
}

fn name_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.log"))
}

fn tell(recovery: &mut Recovery, file: &Path, range: Range<u64>, what: &'static str) {
    if recovery.damage.len() < TOLD {
        let file = file.to_owned();
        recovery.damage.push(Damage { file, range, what });
    }
}

/// All segments, one after the other.
struct Reading<'r> {
    index: Index<Kept>,
    segments: BTreeMap<u64, Arc<Segment>>,
    recovery: Recovery,
    folder: &'r Path,
    /// Messages whose content cannot be there: where their records lie.
    hollow: Vec<(Identity, u64, Range<u64>)>,
}

impl Reading<'_> {
    /// Tells of content that is missing; of a message that has gone since, or that a copy has taken the place of, there
    /// is nothing to tell.
    fn tell_of_content(&mut self) {
        for (identity, number, range) in std::mem::take(&mut self.hollow) {
            let counts = self.index.find(identity).is_some_and(|it| {
                it.kept.base.segment.number == number && it.kept.place.at == range.start
            });
            if counts {
                let path = name_of(self.folder, number);
                tell(&mut self.recovery, &path, range, "a message's content");
            }
        }
    }

    fn read(&mut self, closed: &mut Closed, until: u64) -> Result<()> {
        let segment = Arc::clone(&closed.segment);
        let path = name_of(self.folder, segment.number);
        let found = scan(&segment, until).map_err(|e| ungiven(&path, e))?;
        for range in found.damage {
            // What was never flushed may be cut, and nobody was told of it; it is not thrown away unseen for all that.
            closed.damaged |= range.start < found.settled;
            let what = match range.start < found.settled {
                true => "records",
                false => "the end, where a write was cut or damaged",
            };
            tell(&mut self.recovery, &path, range, what);
        }
        for met in found.records {
            let whole = met.at < found.settled
                || is_whole(&segment, &met).map_err(|e| ungiven(&path, e))?;
            match met.record {
                Record::Message(_) if !whole => {
                    let range = met.at..met.at + met.frame.len();
                    tell(
                        &mut self.recovery,
                        &path,
                        range,
                        "the end, where a message was cut or damaged",
                    );
                }
                Record::Message(ref head) => {
                    if !self.message(&segment, &met, head) {
                        let range = met.at..met.at + met.frame.len();
                        self.hollow.push((met.identity, segment.number, range));
                    }
                }
                Record::Gone(identity, base) => {
                    self.index.remove(identity);
                    *closed.graves.entry(base).or_default() += 1;
                }
                Record::Chunk => {}
                record => {
                    // A change of a message that is gone changes nothing.
                    let _ = self.index.change(met.identity, |message| {
                        apply(message, record);
                        let stake = Stake::new(&segment, met.frame.len());
                        stake.join(&mut message.kept.changes);
                    });
                }
            }
        }
        Ok(())
    }

    /// Takes a message in; whether its content can be there.
    fn message(&mut self, segment: &Arc<Segment>, met: &Met, head: &Head) -> bool {
        let mut pieces = Vec::new();
        let mut sound = true;
        for piece in &head.pieces {
            let end = piece.at.checked_add(u64::from(piece.len));
            let within = |most: u64| end.is_some_and(|end| end <= most);
            match self.segments.get(&piece.segment) {
                None if piece.segment == 0 => sound &= within(u64::from(met.frame.rest)),
                Some(other) if within(other.capacity) => {
                    Stake::new(other, u64::from(piece.len)).join(&mut pieces);
                }
                _ => sound = false,
            }
        }
        let mut message = Message {
            lane: Lane::Incoming,
            arrived: head.arrived,
            due: None,
            attempts: 0,
            warned: false,
            size: head.size(),
            recipients: head.recipients,
            outcomes: Vec::new(),
            turn: BETWEEN,
            until: head.arrived,
            kept: Kept {
                base: Stake::new(segment, met.frame.len()),
                place: Place {
                    at: met.at,
                    head: met.frame.head,
                    sum: met.frame.sum,
                },
                pieces,
                changes: Vec::new(),
            },
        };
        apply(
            &mut message,
            Record::State(head.identity, head.state.clone()),
        );
        if !sound {
            message.assign(Lane::Corrupt);
        }
        self.index.insert(head.identity, message);
        sound
    }
}

/// The medium does not give what is there: mail in it must not pass for mail that is gone, so nothing is begun.
fn ungiven(path: &Path, e: Error) -> Error {
    let what = format!("{} cannot be read", path.display());
    Error::new(Kind::Unavailable, what).because(e)
}

/// Whether all of a message's own record is as it was written.
fn is_whole(segment: &Segment, met: &Met) -> Result<bool> {
    let Record::Message(head) = &met.record else {
        return Ok(true);
    };
    let rest = rest(met.at, met.frame.head);
    for piece in head.pieces.iter().filter(|piece| piece.segment == 0) {
        match segment.read_patiently(rest.saturating_add(piece.at), piece.len) {
            Ok(octets) if checksum(&octets) == piece.sum => {}
            Err(e) if e.kind() != Kind::Corrupt => return Err(e),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

impl House {
    /// Makes the first spares, so that a full disk is noticed early; it may be full already.
    pub(super) fn furnish(&self, shelf: &mut Shelf) {
        let _ = shelf.provide(FIRST, super::writer::Purpose::Content);
    }
}
