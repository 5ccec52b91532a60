//! Reading: counters, records, and the files of messages.

use super::lines;
use super::room::Room;
use super::scan;
use super::table::Row;
use crate::disk::{File, Open};
use crate::mailbox::clock::date;
use crate::mailbox::{Fields, Record, Status};
use crate::{Error, Result};
use mailcore_base::mailbox::{Flags, ModSeq, Uid, UidSet};
use std::io::ErrorKind;

/// Octets that are read at once.
pub(super) const BLOCK: usize = 32 * 1024;

/// A message's file, with its length and its length with CRLF.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: Box<dyn File>,
    pub(super) len: u64,
    pub(super) served: u64,
}

/// Counters of the mailbox.
pub(super) fn status(room: &Room) -> Result<Status> {
    {
        let mut ledger = room.ledger();
        scan::refresh(room, &mut ledger, None)?;
    }
    let (mut status, table) = {
        let view = room.view()?;
        let now = view.snapshot();
        let with = |flag: Flags| {
            let with = view.table.rows().filter(|r| r.flags.contains(flag)).count();
            u32::try_from(with).unwrap_or(u32::MAX)
        };
        let mut status = Status::empty(now.uid_validity);
        status.messages = now.uids.len();
        status.unseen = now.uids.len().saturating_sub(with(Flags::SEEN));
        status.deleted = with(Flags::DELETED);
        status.recent = u32::try_from(view.unclaimed.len()).unwrap_or(u32::MAX);
        status.uid_next = now.uid_next;
        status.modseq = now.modseq;
        (status, view.table.clone())
    };
    for row in table.rows() {
        let size = match table.sizes(&row) {
            (_, Some(served)) => Some(served),
            _ => size(room, row.uid)?,
        };
        status.size += size.unwrap_or(0);
    }
    Ok(status)
}

/// Records, as far as memory knows them; says whether the rest must be asked of the disk.
pub(super) fn records(
    room: &Room,
    uids: &UidSet,
    fields: Fields,
    out: &mut Vec<Record>,
) -> Result<bool> {
    let view = room.view()?;
    let mut more = fields.contains(Fields::DATE);
    for row in view.table.within(uids) {
        let Some(uid) = Uid::new(row.uid) else {
            continue;
        };
        let mut record = Record::new(uid, row.flags, ModSeq(row.modseq));
        if fields.contains(Fields::SIZE) {
            let counted = view.sizes.get(&row.uid).map(|s| s.1);
            record.size = counted.or_else(|| view.table.sizes(&row).1);
            more |= record.size.is_none();
        }
        out.push(record);
    }
    Ok(more)
}

/// Asks the disk for what memory did not know. Messages that are gone meanwhile are left out.
pub(super) fn complete(room: &Room, fields: Fields, records: &mut Vec<Record>) -> Result<()> {
    let mut failed = None;
    records.retain_mut(|record| match fill(room, fields, record) {
        Ok(there) => there,
        Err(e) => {
            failed.get_or_insert(e);
            true
        }
    });
    failed.map_or(Ok(()), Err)
}

fn fill(room: &Room, fields: Fields, record: &mut Record) -> Result<bool> {
    let uid = record.uid.number();
    if fields.contains(Fields::SIZE) && record.size.is_none() {
        record.size = size(room, uid)?;
        if record.size.is_none() {
            return Ok(false);
        }
    }
    if fields.contains(Fields::DATE) {
        let stat = with_file(room, uid, |path| room.site.disk.stat(path))?;
        let Some(stat) = stat else { return Ok(false) };
        record.date = Some(date(stat.modified));
    }
    Ok(true)
}

/// A message's length with CRLF, counted if nothing tells it.
fn size(room: &Room, uid: u32) -> Result<Option<u64>> {
    if let Some(size) = room.view()?.sizes.get(&uid) {
        return Ok(Some(size.1));
    }
    Ok(open(room, uid)?.map(|opened| opened.served))
}

/// Opens a message; none once it is gone.
pub(super) fn open(room: &Room, uid: u32) -> Result<Option<Opened>> {
    let Some(file) = with_file(room, uid, |path| room.site.disk.open(path, Open::Read))? else {
        return Ok(None);
    };
    let failed = |e| Error::io("message file", e);
    let len = file.stat().map_err(failed)?.len;
    let told = {
        let view = room.view()?;
        let named = view.table.row(uid).map(|row| view.table.sizes(&row));
        match (view.sizes.get(&uid), named) {
            (Some((known, served)), _) => Some((*known, *served, true)),
            (None, Some((known, Some(served)))) => Some((known.unwrap_or(len), served, false)),
            _ => None,
        }
    };
    let served = match told {
        Some((known, served, counted)) if known == len && (counted || plausible(len, served)) => {
            served
        }
        // The name lies, or says nothing.
        _ => {
            let served = count(&*file).map_err(failed)?;
            room.view()?.sizes.insert(uid, (len, served));
            served
        }
    };
    Ok(Some(Opened { file, len, served }))
}

/// Between a file with one bare LF and one of nothing else. That there is none at all is not taken on a name's word:
/// the file would be served as it stands.
fn plausible(len: u64, served: u64) -> bool {
    len < served && served <= len.saturating_mul(2)
}

/// Notes that a message's name lies about its length.
pub(super) fn recount(room: &Room, uid: u32, file: &dyn File) -> Result<()> {
    let failed = |e| Error::io("message file", e);
    let sizes = (
        file.stat().map_err(failed)?.len,
        count(file).map_err(failed)?,
    );
    room.view()?.sizes.insert(uid, sizes);
    Ok(())
}

fn count(file: &dyn File) -> std::io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let (mut at, mut served, mut after_cr) = (0, 0, false);
    loop {
        let n = file.read_at(&mut block, at)?;
        let run = block.get(..n).unwrap_or_default();
        if run.is_empty() {
            return Ok(served);
        }
        served += lines::served(run, &mut after_cr);
        at += n as u64;
    }
}

/// Does something with a message's file, whatever it is called by now; none once it is gone.
fn with_file<T>(
    room: &Room,
    uid: u32,
    work: impl Fn(&std::path::Path) -> std::io::Result<T>,
) -> Result<Option<T>> {
    for _ in 0..3 {
        let path = match room.view()?.table.row(uid) {
            Some(row) => room.path(Row::file(&row)),
            None => return Ok(None),
        };
        match work(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => return other.map(Some).map_err(|e| Error::io("message file", e)),
        }
        let mut ledger = room.ledger();
        ledger.distrust();
        scan::refresh(room, &mut ledger, None)?;
    }
    Ok(None)
}
