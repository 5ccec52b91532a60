//! What is another than it was known, and telling it.

use super::super::filename;
use super::super::index::Draft;
use super::super::listing::{Found, Listing};
use super::super::room::{Ledger, Room, Stamps};
use super::super::row::Row;
use super::super::table::Table;
use super::numbers::Numbers;
use crate::Result;
use crate::mailbox::clock::micros;
use mailcore_base::mailbox::{Uid, UidMap, UidSet};
use std::sync::Arc;

/// What is another than it was.
pub(super) struct News {
    pub(super) table: Table,
    pub(super) modseq: u64,
    /// For the index.
    pub(super) draft: Draft,
    gone: UidSet,
    /// Those that no session has been told of.
    unclaimed: UidSet,
}

impl News {
    /// Compares what was found with what is known; unless that is `sure` to be all, the others are still there.
    pub(super) fn of(
        room: &Room,
        ledger: &Ledger,
        (listing, sure): (&Listing, bool),
        numbers: &Numbers<'_>,
        moment: u64,
    ) -> Result<Self> {
        let mut found: Vec<(u32, Found<'_>)> =
            numbers.uids.iter().copied().zip(listing.found()).collect();
        found.retain(|(uid, _)| *uid > 0);
        found.sort_by_key(|(uid, _)| *uid);
        found.dedup_by_key(|(uid, _)| *uid);
        let (old, before) = {
            let view = room.view()?;
            let before = match ledger.loaded {
                true => view.modseq,
                false => first_modseq(room, ledger),
            };
            (view.table.clone(), before)
        };
        let mut unclaimed = UidSet::new();
        let modseq = (before + 1).max(moment);
        let mut there: UidSet = found.iter().filter_map(|(uid, _)| Uid::new(*uid)).collect();
        if !sure {
            there = there.union(&old.rows().filter_map(|row| Uid::new(row.uid)).collect());
        }
        let mut gone = UidSet::new();
        for row in old.rows() {
            let uid = Uid::new(row.uid).filter(|uid| !there.contains(*uid));
            uid.into_iter().for_each(|uid| gone.insert(uid));
        }
        let mut changed = !ledger.loaded || !gone.is_empty();
        let (mut table, mut draft) = (Table::clone(&old), Draft::default());
        if !gone.is_empty() {
            table.remove(&gone);
            draft.gone(modseq, &gone);
        }
        for (uid, found) in found {
            let flags = ledger.letters.read(filename::letters(found.info));
            let known = old.row(uid).filter(|row| row.base == found.base);
            let same = known.filter(|k| k.flags == flags);
            changed |= same.is_none();
            let row = Row {
                uid,
                flags,
                modseq: same.map_or(modseq, |k| k.modseq),
                date: known.and_then(|k| k.date),
                place: known.map_or(0, |k| k.place),
                fresh: found.fresh,
                base: found.base,
                info: found.info,
            };
            if same.is_none_or(|k| k.info != row.info || k.fresh != row.fresh) {
                table.put(row);
                draft.row(&row);
            }
            if known.is_none()
                && (ledger.loaded || found.fresh)
                && let Some(uid) = Uid::new(uid)
            {
                unclaimed.insert(uid);
            }
            if let Some(extensions) = numbers.extensions.get(&uid)
                && table.extensions(uid) != extensions
            {
                table.extend(uid, extensions);
                draft.extensions(uid, extensions);
            }
        }
        Ok(Self {
            table,
            modseq: match changed {
                true => modseq,
                // What a client was told by another host is not above what it is told here.
                false if room.site.shared => before.max(moment),
                false => before,
            },
            draft,
            gone,
            unclaimed,
        })
    }

    /// The view becomes what was found.
    pub(super) fn publish(self, room: &Room, ledger: &Ledger) -> Result<()> {
        let mut view = room.view()?;
        let keywords = ledger.letters.table();
        if *view.keywords != keywords {
            view.keywords = Arc::new(keywords);
        }
        view.lose(self.modseq, &self.gone);
        if self.table.len() != view.uids.len() as usize || self.table.last_uid() != last(&view.uids)
        {
            view.uids = Arc::new(self.table.uids());
        }
        // A session may have claimed some while the files were looked at: those stay claimed.
        let known = view.unclaimed.intersection(&view.uids.set());
        view.unclaimed = known.union(&self.unclaimed);
        view.show(self.table, self.modseq);
        room.tell(view);
        Ok(())
    }
}

fn last(uids: &UidMap) -> u32 {
    uids.last().map_or(0, Uid::number)
}

/// Above any that another program, or an earlier life of this one, can have given: by the clock, and by the times of
/// the files should the clock have gone back.
pub(in super::super) fn first_modseq(room: &Room, ledger: &Ledger) -> u64 {
    let stamps = ledger.stamps.or_else(|| Stamps::take(room).ok());
    let files = stamps.map_or(0, |s| micros(s.cur.modified).max(micros(s.new.modified)));
    match room.site.shared {
        true => files,
        false => files.max(micros(room.site.now())),
    }
}
