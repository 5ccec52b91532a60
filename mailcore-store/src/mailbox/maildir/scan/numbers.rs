//! Which UIDs the files listed have, and giving them to those that have none.

use super::super::book::{self, Entry};
use super::super::dotlock::Dotlock;
use super::super::listing::{Found, Listing};
use super::super::room::{Ledger, Room, Stamp, Stamps};
use super::super::row::Row;
use super::super::table::Table;
use super::super::uidlist;
use super::locked;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::Flags;
use std::collections::HashMap;
use std::sync::Arc;

/// The UIDs of the files listed, by position; zero where none is known.
pub(super) struct Numbers<'l> {
    pub(super) uids: Vec<u32>,
    pub(super) extensions: HashMap<u32, String>,
    places: HashMap<&'l [u8], usize>,
    pub(super) matched: usize,
}

impl<'l> Numbers<'l> {
    /// Those that the table tells.
    pub(super) fn known(listing: &'l Listing, table: &Table) -> Self {
        let mut numbers = Self::none(listing);
        for row in table.rows() {
            numbers.give(row.base, row.uid, table.extensions(row.uid));
        }
        numbers
    }

    fn none(listing: &'l Listing) -> Self {
        let places = listing.found().enumerate().map(|(at, f)| (f.base, at));
        Self {
            uids: vec![0; listing.len()],
            extensions: HashMap::new(),
            places: places.collect(),
            matched: 0,
        }
    }

    fn give(&mut self, base: &[u8], uid: u32, extensions: &str) {
        let Some(slot) = self.places.get(base).and_then(|at| self.uids.get_mut(*at)) else {
            return;
        };
        self.matched += usize::from(*slot == 0);
        *slot = uid;
        if !extensions.is_empty() {
            self.extensions.insert(uid, extensions.to_owned());
        }
    }

    pub(super) fn unknown(&self) -> usize {
        self.uids.len() - self.matched
    }

    fn forget(&mut self) {
        self.uids.fill(0);
        self.extensions.clear();
        self.matched = 0;
    }
}

/// Finds UIDs in the list, and gives some to the files that have none; how the list looks then, where it was written.
pub(super) fn assign(
    room: &Room,
    ledger: &mut Ledger,
    (listing, table): (&Listing, &Arc<Table>),
    numbers: &mut Numbers<'_>,
    held: Option<&Dotlock<'_>>,
) -> Result<Option<Option<Stamp>>> {
    let believed = read_list(room, ledger, numbers)?;
    if believed && numbers.unknown() == 0 && !book::is_doubtful(room, ledger) {
        return Ok(None);
    }
    let _lock = locked(room, held)?;
    match read_list(room, ledger, numbers)? {
        true => {}
        false if ledger.loaded => ledger.torn = true, // the file is lost, what it said is not
        false => {
            let header = book::begin(room)?;
            book::adopt(&header, ledger, &mut *room.view()?);
        }
    }
    ledger.torn |= book::is_rotten(ledger, listing.len());
    {
        let mut view = room.view()?;
        let new = numbers.unknown() as u64;
        if new > 0 && view.next + new > 1 << 32 {
            let header = book::renew(room, view.validity.0.get())?;
            book::adopt(&header, ledger, &mut view);
            numbers.forget();
        }
    }
    let (validity, mut next) = {
        let view = room.view()?;
        (view.validity.0.get(), view.next)
    };
    let found: Vec<Found<'_>> = listing.found().collect();
    let mut nameless: Vec<usize> = (0..found.len())
        .filter(|at| numbers.uids.get(*at) == Some(&0))
        .collect();
    nameless.sort_by_key(|at| found.get(*at).map(|f| (when(f.base), f.base)));
    let mut entries = Vec::new();
    for at in nameless {
        let (Some(found), Ok(uid)) = (found.get(at), u32::try_from(next)) else {
            return Err(Error::new(Kind::Limit, "UIDs of a mailbox"));
        };
        numbers.give(found.base, uid, "");
        entries.push(Entry {
            uid,
            base: found.base,
        });
        next += 1;
    }
    // A list written anew holds what is there, known before or not.
    let known = match book::is_doubtful(room, ledger) {
        true => Arc::new(known(&found, numbers, &entries)),
        false => table.clone(),
    };
    let file = book::enter(room, ledger, &known, (validity, next), &entries)?;
    if let Some(file) = file
        && let Err(e) = file.sync_data()
    {
        book::doubt(room);
        ledger.distrust();
        return Err(Error::io("dovecot-uidlist", e));
    }
    room.view()?.next = next;
    let written = Stamps::list(room).map_err(|e| Error::io("dovecot-uidlist", e))?;
    Ok(Some(written))
}

/// Those that have a UID and are not among the new entries.
fn known(found: &[Found<'_>], numbers: &Numbers<'_>, entries: &[Entry<'_>]) -> Table {
    let first_new = entries.first().map_or(u32::MAX, |e| e.uid);
    let mut rows: Vec<(u32, &Found<'_>)> = numbers.uids.iter().copied().zip(found).collect();
    rows.retain(|(uid, _)| *uid > 0 && *uid < first_new);
    rows.sort_by_key(|(uid, _)| *uid);
    let mut table = Table::default();
    for (uid, found) in rows {
        table.push(Row {
            uid,
            flags: Flags::NONE,
            modseq: 0,
            date: None,
            place: 0,
            fresh: found.fresh,
            base: found.base,
            info: found.info,
        });
        if let Some(extensions) = numbers.extensions.get(&uid) {
            table.extend(uid, extensions);
        }
    }
    table
}

/// The second in which a file came, as its name says.
fn when(base: &[u8]) -> u64 {
    let digits = base.iter().take(18).take_while(|b| b.is_ascii_digit());
    digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

/// Takes over what the list on the disk says; false if there is none that can be believed.
fn read_list(room: &Room, ledger: &mut Ledger, numbers: &mut Numbers<'_>) -> Result<bool> {
    let Some(file) = book::read(room)? else {
        return Ok(false);
    };
    if uidlist::read(&file, |_| {}).is_none() {
        return Ok(false);
    }
    numbers.forget();
    let header = uidlist::read(&file, |line| {
        numbers.give(line.base, line.uid, line.extensions)
    });
    if let Some(header) = header {
        book::adopt(&header, ledger, &mut *room.view()?);
    }
    Ok(true)
}
