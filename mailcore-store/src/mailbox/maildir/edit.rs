//! Changing what is there: flags, removal, and the move from `new/` to `cur/`.
//!
//! Each message is one rename or one unlink, which happens as a whole; one flush of the directory serves all of a
//! command. All of a command happens under the lock: a directory that changes while it is read may not show every name, and
//! a Dovecot that reads it, under the same lock, would take a message for gone and give it another UID.

use super::desk::allot;
use super::dotlock::Dotlock;
use super::index::{self, Draft};
use super::maildirsize::{self, Size};
use super::room::{Ledger, Room};
use super::row::{Row, path};
use super::scan;
use super::table::Table;
use crate::disk;
use crate::{Error, Result};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, ModSeq, Uid, UidSet};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

/// A file name that a message has got.
struct Renamed {
    uid: u32,
    from: PathBuf,
    to: PathBuf,
    fresh: bool,
    info: Vec<u8>,
    flags: Flags,
    /// Flags are news, a place is not.
    news: bool,
}

/// Changes flags; those left alone because they were modified behind `unchanged_since` are returned.
pub(super) fn flag(
    room: &Room,
    uids: &UidSet,
    change: &FlagChange,
    unchanged_since: Option<ModSeq>,
) -> Result<UidSet> {
    let mut ledger = room.ledger();
    scan::refresh(room, &mut ledger, None)?;
    let table = room.view()?.table.clone();
    let mut lock = None;
    if change.op != FlagOp::Remove && table.within(uids).next().is_some() {
        let path = room.path("dovecot-keywords");
        if !ledger.letters.knows(&change.keywords) || room.site.is_doubted(&path) {
            lock = Some(room.dotlock()?);
            allot(room, &mut ledger, &change.keywords)?;
        }
    }
    let keywords = ledger.letters.flags(&change.keywords);
    let mut later = UidSet::new();
    let wanted = |row: &Row<'_>| {
        let flags = change.apply(row.flags, keywords);
        (flags != row.flags).then_some((false, flags))
    };
    let due: UidSet = table
        .within(uids)
        .filter_map(|row| {
            let uid = Uid::new(row.uid)?;
            let changed = unchanged_since.is_some_and(|since| row.modseq > since.0);
            if changed {
                later.insert(uid);
            }
            (!changed && wanted(&row).is_some()).then_some(uid)
        })
        .collect();
    drop(table);
    if due.is_empty() {
        show(room, &mut ledger, &[])?; // a keyword may be new
        return Ok(later);
    }
    let lock = match lock {
        None => room.turn()?,
        held => held,
    };
    rename(room, &mut ledger, &due, wanted, (lock, true))?;
    Ok(later)
}

/// Moves what is in `new/` to `cur/`: a session has been told of it. Not durable: a crash undoes it, and no harm done.
pub(super) fn claim(room: &Room, ledger: &mut Ledger) -> Result<()> {
    let table = room.view()?.table.clone();
    let fresh: UidSet = table.fresh().filter_map(|row| Uid::new(row.uid)).collect();
    drop(table);
    if fresh.is_empty() {
        return Ok(());
    }
    match room.dotlock() {
        Ok(lock) => {
            let wanted = |row: &Row<'_>| Some((false, row.flags));
            rename(room, ledger, &fresh, wanted, (Some(lock), false))
        }
        // It can lie in `new/` until the next look.
        Err(_) => room.is_there(),
    }
}

/// After so many names the lock is touched.
const LONG: usize = 4096;

/// One more name has been changed under the lock.
fn keep(lock: &Option<Dotlock<'_>>, changed: usize) {
    if let Some(lock) = lock
        && changed.is_multiple_of(LONG)
    {
        let _ = lock.touch(); // who takes it for stale then will have waited for two minutes
    }
}

/// Whether a message's file is not where it was: another program was at it, or has removed it. On a network file system that
/// may be all that is known of it, which is why it is then looked for again, however often.
fn is_elsewhere(e: &io::Error) -> bool {
    e.kind() == ErrorKind::NotFound || disk::is_stale(e)
}

/// Messages that were not where they were, one after the other.
#[derive(Default)]
struct Elsewhere {
    uids: UidSet,
    stale: Option<io::Error>,
}

impl Elsewhere {
    fn add(&mut self, uid: u32, e: io::Error) {
        self.uids.extend(Uid::new(uid));
        if disk::is_stale(&e) {
            self.stale = Some(e);
        }
    }

    /// They change hands faster than we look: they are gone, or as good as, unless nobody could say.
    fn given_up(self) -> Result<()> {
        let failed = |e| Err(Error::io("message file", e));
        self.stale.map_or(Ok(()), failed)
    }
}

/// Others may have been at work before we had the lock. On one host that shows by names that are not what they were; among
/// several, what they did must also be told before what we are about to do.
fn catch_up(room: &Room, ledger: &mut Ledger, lock: &Option<Dotlock<'_>>) -> Result<()> {
    match lock {
        Some(lock) if room.site.shared => scan::refresh(room, ledger, Some(lock)),
        _ => Ok(()),
    }
}

/// Gives messages the place and flags `wanted`, one after the other, and shows what was done even if not all was.
fn rename(
    room: &Room,
    ledger: &mut Ledger,
    uids: &UidSet,
    wanted: impl Fn(&Row<'_>) -> Option<(bool, Flags)>,
    (mut lock, durable): (Option<Dotlock<'_>>, bool),
) -> Result<()> {
    catch_up(room, ledger, &lock)?;
    let mut rest = uids.clone();
    let mut elsewhere = Elsewhere::default();
    for round in 0..3 {
        elsewhere = Elsewhere::default();
        let table = room.view()?.table.clone();
        let mut done = Vec::new();
        let mut failed = None;
        for row in table.within(&rest) {
            let Some((fresh, flags)) = wanted(&row) else {
                continue;
            };
            let info = ledger
                .letters
                .info(flags, super::filename::letters(row.info));
            let (from, to) = (
                room.path(row.file()),
                room.path(path(fresh, row.base, &info)),
            );
            if from == to {
                continue; // another program was faster
            }
            match room.site.disk.rename(&from, &to) {
                Ok(()) => {
                    ledger.echoes.expect(&from, false);
                    ledger.echoes.expect(&to, true);
                    done.push(Renamed {
                        uid: row.uid,
                        from,
                        to,
                        fresh,
                        info,
                        flags,
                        news: flags != row.flags,
                    });
                    keep(&lock, done.len());
                }
                Err(e) if is_elsewhere(&e) => elsewhere.add(row.uid, e),
                Err(e) => {
                    failed = Some(Error::io("message file", e));
                    break;
                }
            }
        }
        drop(table);
        if elsewhere.uids.is_empty() && !room.site.shared {
            lock = None; // others need not wait for the flush
        }
        // What is found to be done already may have been done by us, or by somebody who has not flushed it.
        let flushed = match durable && (round > 0 || !done.is_empty()) {
            true => room.site.disk.sync_dir(&room.path("cur")),
            false => Ok(()),
        };
        if let Err(e) = flushed {
            let _lock = lock.take().or_else(|| room.dotlock().ok());
            // Taken back: who tries again gets a rename and a flush of their own.
            for it in done.iter().rev() {
                let _ = room.site.disk.rename(&it.to, &it.from);
            }
            ledger.distrust();
            return Err(Error::io("flush", e));
        }
        ledger.settle(room);
        show(room, ledger, &done)?;
        if let Some(e) = failed {
            return Err(e);
        }
        if elsewhere.uids.is_empty() {
            return Ok(());
        }
        ledger.distrust();
        scan::refresh(room, ledger, lock.as_ref())?;
        rest.clone_from(&elsewhere.uids);
    }
    elsewhere.given_up()
}

fn show(room: &Room, ledger: &mut Ledger, done: &[Renamed]) -> Result<()> {
    let keywords = ledger.letters.table();
    let (mut table, modseq, news) = {
        let mut view = room.view()?;
        if *view.keywords != keywords {
            view.keywords = Arc::new(keywords);
        }
        if done.is_empty() {
            return Ok(());
        }
        let news = done.iter().any(|d| d.news);
        let modseq = match news {
            true => room.rise(&view, ledger),
            false => view.modseq,
        };
        (Table::clone(&view.table), modseq, news)
    };
    let mut draft = Draft::default();
    for it in done {
        let old = table.row(it.uid).map_or(0, |row| row.modseq);
        let modseq = if it.news { modseq } else { old };
        table.change(it.uid, it.fresh, &it.info, it.flags, modseq);
        if let Some(row) = table.row(it.uid) {
            draft.row(&row);
        }
    }
    index::write(room, ledger, draft, &mut table, modseq);
    let mut view = room.view()?;
    view.show(table, modseq);
    match news {
        true => room.tell(view),
        false => drop(view),
    }
    Ok(())
}

/// Removes messages for good; those removed are returned.
pub(super) fn expunge(room: &Room, uids: &UidSet) -> Result<UidSet> {
    let mut ledger = room.ledger();
    scan::refresh(room, &mut ledger, None)?;
    let mut gone = UidSet::new();
    let mut rest = uids.clone();
    if room.view()?.table.within(&rest).next().is_none() {
        return Ok(gone);
    }
    let mut lock = room.turn()?;
    catch_up(room, &mut ledger, &lock)?;
    let sized = maildirsize::is_kept(&room.site, &room.root);
    let mut elsewhere = Elsewhere::default();
    for _ in 0..3 {
        elsewhere = Elsewhere::default();
        let table = room.view()?.table.clone();
        let mut dirs = BTreeSet::new();
        let (mut removed, mut size) = (UidSet::new(), Size::default());
        let mut failed = None;
        for row in table.within(&rest) {
            let Some(uid) = Uid::new(row.uid) else {
                continue;
            };
            let path = room.path(row.file());
            let octets = sized.then(|| maildirsize::of(room, row.base, &path));
            match room.site.disk.unlink(&path) {
                Ok(()) => {
                    octets.into_iter().for_each(|octets| size.add(octets));
                    ledger.echoes.expect(&path, false);
                    removed.insert(uid);
                    dirs.insert(if row.fresh { "new" } else { "cur" });
                    keep(&lock, removed.len() as usize);
                }
                Err(e) if is_elsewhere(&e) => elsewhere.add(row.uid, e),
                Err(e) => {
                    failed = Some(Error::io("message file", e));
                    break;
                }
            }
        }
        drop(table);
        if elsewhere.uids.is_empty() && !room.site.shared {
            lock = None; // as above
        }
        let flush = |dir: &&str| room.site.disk.sync_dir(&room.path(dir));
        let flushed = dirs.iter().try_for_each(flush);
        if !removed.is_empty() {
            ledger.settle(room);
            forget(room, &mut ledger, &removed)?;
            gone = gone.union(&removed);
            maildirsize::note(&room.site, &room.root, size.gone());
        }
        flushed.map_err(|e| Error::io("flush", e))?;
        if let Some(e) = failed {
            return Err(e);
        }
        if elsewhere.uids.is_empty() {
            break;
        }
        ledger.distrust();
        scan::refresh(room, &mut ledger, lock.as_ref())?;
        rest.clone_from(&elsewhere.uids);
    }
    elsewhere.given_up()?;
    Ok(gone)
}

/// These are not there any more.
fn forget(room: &Room, ledger: &mut Ledger, gone: &UidSet) -> Result<()> {
    let (mut table, modseq) = {
        let view = room.view()?;
        (Table::clone(&view.table), room.rise(&view, ledger))
    };
    table.remove(gone);
    let mut draft = Draft::default();
    draft.gone(modseq, gone);
    index::write(room, ledger, draft, &mut table, modseq);
    let mut view = room.view()?;
    view.lose(modseq, gone);
    view.show(table, modseq);
    room.tell(view);
    Ok(())
}
