//! `dovecot-uidlist` on the disk: reading it, appending to it, writing it anew.

use super::room::{Ledger, Room, View};
use super::table::Table;
use super::uidlist::{self, Header, Line};
use super::validity;
use crate::disk::{self, File, Open};
use crate::mailbox::expunges::Expunges;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{ModSeq, UidSet, UidValidity};
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::sync::Arc;

const NAME: &str = "dovecot-uidlist";

/// A message's new line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) uid: u32,
    pub(super) base: &'e [u8],
}

/// The file as it is; none where there is none.
pub(super) fn read(room: &Room) -> Result<Option<Vec<u8>>> {
    match disk::read(&*room.site.disk, &room.path(NAME), uidlist::LONGEST_FILE) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(NAME, e)),
    }
}

/// The mailbox has no list that can be believed: it begins a new life, under a new UIDVALIDITY. Held: the lock.
pub(super) fn begin(room: &Room) -> Result<Header> {
    Ok(Header {
        validity: validity::next(&room.site, &room.root)?.0.get(),
        next: 1,
        guid: room.site.guid(),
        torn: true, // nothing of it is on the disk yet
        lines: 0,
    })
}

/// The UIDs are used up: the messages get new ones under a higher UIDVALIDITY (RFC 3501 §2.3.1.1). Held: the lock.
pub(super) fn renew(room: &Room, old: u32) -> Result<Header> {
    let mut header = begin(room)?;
    // The list may tell a value that the account has not given.
    header.validity = header.validity.max(old.checked_add(1).unwrap_or(1));
    match header.validity == old {
        true => Err(Error::new(Kind::Limit, "UIDs of a mailbox")),
        false => Ok(header),
    }
}

/// What a header says, taken over.
pub(super) fn adopt(header: &Header, ledger: &mut Ledger, view: &mut View) {
    let same = view.validity.0.get() == header.validity && ledger.loaded;
    if same {
        view.next = view.next.max(header.next);
    } else if let Some(validity) = NonZeroU32::new(header.validity) {
        // Another life: whatever is known under the old value is not what these UIDs mean.
        view.validity = UidValidity(validity);
        view.next = header.next;
        view.table = Arc::default();
        view.uids = Arc::default();
        view.expunges = Expunges::since_start(ModSeq(view.modseq));
        view.sizes.clear();
        view.durable = UidSet::new();
    }
    ledger.guid.clone_from(&header.guid);
    ledger.lines = header.lines;
    ledger.torn = header.torn;
}

/// Whether too many lines are of messages that are gone.
pub(super) fn is_rotten(ledger: &Ledger, messages: usize) -> bool {
    ledger.lines > 2 * messages + 200
}

/// Whether the file must be written anew before anything is added to it.
pub(super) fn is_doubtful(room: &Room, ledger: &Ledger) -> bool {
    ledger.torn || room.site.is_doubted(&room.path(NAME))
}

/// A sync of the file has failed, or that of a message that it names.
pub(super) fn doubt(room: &Room) {
    room.site.doubt(&room.path(NAME));
}

/// Adds lines, which come behind all others; not yet durable, unless none is returned. Held: the lock.
///
/// # Errors
/// When they could not be written: what is in the file then counts as doubtful.
pub(super) fn enter(
    room: &Room,
    ledger: &mut Ledger,
    table: &Table,
    (validity, next): (u32, u64),
    entries: &[Entry<'_>],
) -> Result<Option<Box<dyn File>>> {
    if is_doubtful(room, ledger) {
        rewrite(room, ledger, table, (validity, next), entries)?;
        return Ok(None);
    }
    let mut text = Vec::new();
    for entry in entries {
        write(&mut text, entry, "");
    }
    let file = room.site.disk.open(&room.path(NAME), Open::Write);
    let file = file.map_err(|e| Error::io(NAME, e))?;
    let before = file.stat().map_err(|e| Error::io(NAME, e))?.len;
    if let Err(e) = file.write_at(&text, before) {
        let _ = file.truncate(before); // or it stays torn
        doubt(room);
        return Err(Error::io(NAME, e));
    }
    ledger.lines += entries.len();
    Ok(Some(file))
}

/// Writes the whole file, durably. Held: the lock.
fn rewrite(
    room: &Room,
    ledger: &mut Ledger,
    table: &Table,
    (validity, next): (u32, u64),
    entries: &[Entry<'_>],
) -> Result<()> {
    let mut text = Vec::new();
    uidlist::write_header(&mut text, validity, next, &ledger.guid);
    for row in table.rows() {
        let entry = Entry {
            uid: row.uid,
            base: row.base,
        };
        write(&mut text, &entry, table.extensions(row.uid));
    }
    for entry in entries {
        write(&mut text, entry, "");
    }
    let written = room.site.replace(&room.path(NAME), &text);
    written.map_err(|e| Error::io(NAME, e))?;
    ledger.torn = false;
    ledger.lines = table.len() + entries.len();
    Ok(())
}

fn write(text: &mut Vec<u8>, entry: &Entry<'_>, extensions: &str) {
    let line = Line {
        uid: entry.uid,
        extensions,
        base: entry.base,
    };
    uidlist::write_line(text, line);
}
