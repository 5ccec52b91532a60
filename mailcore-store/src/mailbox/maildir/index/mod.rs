//! The index of a mailbox: what the table holds, kept from one start to the next, with the texts of the cache.
//!
//! It never is the only place where something stands: without it, or with a worthless one, everything is found in the
//! directories, the lists and the messages. Nobody waits for it, it flushes nothing, and its failures are nobody's.

mod cache;
mod layout;
mod load;
#[cfg(test)]
mod tests;

pub(super) use cache::{Pace, Texts, add, read};
pub(super) use layout::Draft;
pub(super) use load::load;

use super::letters::Letters;
use super::room::{Ledger, Room};
use super::table::Table;
use crate::disk::{File, Open};
use layout::{Head, MAGIC, Step};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const NAME: &str = "mailcore.index";
const ASIDE: &str = "mailcore.index.tmp";
/// A log shorter than this is not worth a checkpoint.
const SHORT: u64 = 64 * 1024;
/// After a failure nothing is tried for so long.
const PAUSE: Duration = Duration::from_secs(60);

/// What is known of the index's files.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// As we left it; none: there is none that can be appended to.
    at: Option<At>,
    /// The file of another process of ours.
    apart: bool,
    /// A file is there that must go, and would not.
    rubbish: bool,
    /// After a failure: when to try again.
    again: Option<SystemTime>,
    cache: cache::Shelf,
}

/// The file that we append to.
#[derive(Debug)]
struct At {
    inode: u64,
    len: u64,
    /// How long it was when it was a checkpoint alone.
    checkpoint: u64,
    validity: u32,
    /// What it last said.
    letters: Letters,
    step: Option<Step>,
    /// Somebody else has told something.
    doubted: bool,
}

impl Index {
    /// A number that stands for this cache alone; 0: there is none.
    pub(super) fn cache(&self) -> u64 {
        self.cache.number
    }
}

/// A change is about to be told: it goes into the log, and that the index is in step, if it is. `table` is the mailbox
/// after the change (places of texts may become others), `modseq` the highest then. Held: the ledger.
pub(super) fn write(
    room: &Room,
    ledger: &mut Ledger,
    draft: Draft,
    table: &mut Table,
    modseq: u64,
) {
    if !room.site.indexed || !clear(room, ledger) {
        return;
    }
    if ledger.index.apart {
        if !draft.is_empty() {
            let _ = doubt(room); // there is nothing else to be done about it
        }
        return;
    }
    let Ok(wanted) = Wanted::of(room, ledger, modseq) else {
        return; // the mailbox is gone
    };
    let written = match append(room, ledger, draft, &wanted) {
        Ok(Outcome::Done) => Ok(()),
        Ok(Outcome::Apart) => {
            ledger.index.at = None;
            ledger.index.apart = true;
            let _ = doubt(room); // as above
            Ok(())
        }
        Ok(Outcome::Checkpoint) => checkpoint(room, ledger, &wanted, table),
        Err(e) => Err(e),
    };
    if written.is_err() {
        ledger.index.at = None;
        ledger.index.rubbish = true;
        ledger.index.again = Some(room.site.now() + PAUSE);
        clear(room, ledger);
    }
}

/// The same for a change that the log may take without the mailbox after it being at hand; false if it cannot, and
/// nothing was written. Held: the ledger.
pub(super) fn note(room: &Room, ledger: &mut Ledger, draft: Draft, modseq: u64) -> bool {
    if !room.site.indexed || !clear(room, ledger) {
        return true;
    }
    if ledger.index.apart {
        return false;
    }
    let wanted = Wanted::of(room, ledger, modseq);
    wanted.is_ok_and(|wanted| matches!(append(room, ledger, draft, &wanted), Ok(Outcome::Done)))
}

/// Whether there is nothing in the way of writing.
fn clear(room: &Room, ledger: &mut Ledger) -> bool {
    if ledger.index.rubbish {
        let gone = room.site.disk.unlink(&path(room));
        ledger.index.rubbish = gone.is_err_and(|e| e.kind() != io::ErrorKind::NotFound);
    }
    let waits = ledger.index.again.is_some_and(|at| room.site.now() < at);
    !waits && !ledger.index.rubbish
}

fn path(room: &Room) -> PathBuf {
    room.path(NAME)
}

/// What is to be said besides the change.
struct Wanted {
    validity: u32,
    step: Option<Step>,
}

impl Wanted {
    fn of(room: &Room, ledger: &Ledger, modseq: u64) -> crate::Result<Self> {
        let view = room.view()?;
        let step = ledger.stamps.map(|stamps| Step {
            next: view.next,
            modseq,
            lines: ledger.lines,
            torn: ledger.torn,
            again: ledger.again,
            guid: ledger.guid.clone(),
            stamps,
        });
        Ok(Self {
            validity: view.validity.0.get(),
            step,
        })
    }
}

enum Outcome {
    Done,
    /// There is no log, or it has grown too long.
    Checkpoint,
    /// Somebody else writes to it.
    Apart,
}

fn append(
    room: &Room,
    ledger: &mut Ledger,
    mut draft: Draft,
    wanted: &Wanted,
) -> io::Result<Outcome> {
    let Some(at) = &mut ledger.index.at else {
        return Ok(Outcome::Checkpoint);
    };
    let long = at.len - at.checkpoint > at.checkpoint.max(SHORT);
    if long || at.validity != wanted.validity {
        // Nobody else's file is put away.
        return Ok(match own(room, at)? {
            Some(_) => Outcome::Checkpoint,
            None => apart(room),
        });
    }
    if at.letters != ledger.letters {
        draft.keywords(&ledger.letters);
    }
    let same = draft.is_empty() && at.step == wanted.step;
    match &wanted.step {
        _ if same => return Ok(Outcome::Done),
        Some(step) => draft.step(step),
        None => {}
    }
    let Some(file) = own(room, at)? else {
        return Ok(apart(room));
    };
    let bytes = draft.finish();
    file.write_at(&bytes, at.len)?;
    at.len += bytes.len() as u64;
    at.letters.clone_from(&ledger.letters);
    at.step.clone_from(&wanted.step);
    Ok(Outcome::Done)
}

/// The file, locked; none if it is not as we left it.
fn own(room: &Room, at: &mut At) -> io::Result<Option<Box<dyn File>>> {
    let file = match room.site.disk.lock(&path(room)) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        other => other?,
    };
    let stat = file.stat()?;
    if stat.inode != at.inode || stat.len < at.len {
        return Ok(None);
    }
    // Whoever works without it may have said that he does.
    let more = usize::try_from(stat.len - at.len).unwrap_or(usize::MAX);
    if more > 64 * 1024 {
        return Ok(None);
    }
    let mut behind = vec![0; more];
    fill(&*file, &mut behind, at.len)?;
    if !doubts_alone(&behind) {
        return Ok(None);
    }
    at.doubted |= !behind.is_empty();
    at.len = stat.len;
    Ok(Some(file))
}

/// The file is not as we left it: another's, or (taking the lock has made an empty one) nobody's.
fn apart(room: &Room) -> Outcome {
    let stat = room.site.disk.stat(&path(room));
    match stat.is_ok_and(|stat| stat.len == 0) {
        true => Outcome::Checkpoint,
        false => Outcome::Apart,
    }
}

fn doubts_alone(mut bytes: &[u8]) -> bool {
    let mut one = Draft::default();
    one.doubt();
    let one = one.finish();
    while let Some(rest) = bytes.strip_prefix(one.as_slice()) {
        bytes = rest;
    }
    bytes.is_empty()
}

/// Reads all of `out`.
fn fill(file: &dyn File, out: &mut [u8], at: u64) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => filled += n,
        }
    }
    Ok(())
}

/// Something was told that the index does not say.
fn doubt(room: &Room) -> io::Result<()> {
    let file = room.site.disk.lock(&path(room))?;
    let mut draft = Draft::default();
    draft.doubt();
    let bytes = draft.finish();
    // There are enough of them already, or nothing to doubt.
    let len = file.stat()?.len;
    let mut last = vec![0; bytes.len()];
    if len < bytes.len() as u64 {
        return Ok(());
    }
    fill(&*file, &mut last, len - bytes.len() as u64)?;
    match last == bytes {
        true => Ok(()),
        false => file.append(&bytes).map(drop),
    }
}

/// A new file with all there is.
fn checkpoint(
    room: &Room,
    ledger: &mut Ledger,
    wanted: &Wanted,
    table: &mut Table,
) -> io::Result<()> {
    cache::compact(room, ledger, table);
    let disk = &*room.site.disk;
    let aside = room.path(ASIDE);
    let file = match disk.open(&aside, Open::Create) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            disk.unlink(&aside)?;
            disk.open(&aside, Open::Create)?
        }
        other => other?,
    };
    let (expunges, sizes) = match room.view() {
        Ok(view) => (view.expunges.clone(), view.sizes.clone()),
        Err(_) => return Ok(()),
    };
    let mut out = Pieces {
        file: &*file,
        len: 0,
    };
    out.put(MAGIC)?;
    let mut draft = Draft::default();
    draft.head(&Head {
        validity: wanted.validity,
        boot: disk.boot(),
        cache: ledger.index.cache.number,
        records: ledger.index.cache.records as u64,
        reach: expunges.reach().0,
    });
    draft.keywords(&ledger.letters);
    for (modseq, uids) in expunges.entries() {
        draft.gone(modseq.0, uids);
    }
    for row in table.rows() {
        draft.row(&row);
        if draft.len() > 512 * 1024 {
            out.put(&std::mem::take(&mut draft).finish())?;
        }
        let extensions = table.extensions(row.uid);
        if !extensions.is_empty() {
            draft.extensions(row.uid, extensions);
        }
        if let Some(sizes) = sizes.get(&row.uid) {
            draft.sizes(row.uid, *sizes);
        }
    }
    let doubted = ledger.index.at.as_ref().is_some_and(|at| at.doubted);
    if doubted {
        draft.doubt(); // what was told then may still be news to somebody
    }
    if let Some(step) = &wanted.step {
        draft.step(step);
    }
    out.put(&draft.finish())?;
    let (len, inode) = (out.len, file.stat()?.inode);
    drop(file);
    disk.rename(&aside, &path(room))?;
    ledger.index.at = Some(At {
        inode,
        len,
        checkpoint: len,
        validity: wanted.validity,
        letters: ledger.letters.clone(),
        step: wanted.step.clone(),
        doubted,
    });
    Ok(())
}

/// A file that is written front to back.
struct Pieces<'f> {
    file: &'f dyn File,
    len: u64,
}

impl Pieces<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(())
    }
}
