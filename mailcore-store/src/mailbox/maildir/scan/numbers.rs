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

    fn lists(&self, base: &[u8]) -> bool {
        self.places.contains_key(base)
    }

    fn knows(&self, base: &[u8]) -> bool {
        let slot = self.places.get(base).and_then(|at| self.uids.get(*at));
        slot.is_some_and(|uid| *uid > 0)
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
        // The file is lost, what it said is not.
        false if ledger.loaded && !ledger.behind => ledger.torn = true,
        false => {
            let header = book::begin(room)?;
            book::adopt(&header, ledger, &mut *room.view()?);
            numbers.forget();
            ledger.behind = false;
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
///
/// A line that gives the UID of a file that is there to another one is damaged, or one that gives a file its second: nobody
/// does. What is known stands in for such a list, and for one with lines that make no sense; it is written anew.
fn read_list(room: &Room, ledger: &mut Ledger, numbers: &mut Numbers<'_>) -> Result<bool> {
    let Some(file) = book::read(room)? else {
        return Ok(false);
    };
    let table = room.view()?.table.clone();
    let taken = |numbers: &Numbers<'_>, line: &uidlist::Line<'_>| {
        let known = table.row(line.uid);
        known.is_some_and(|row| row.base != line.base && numbers.lists(row.base))
    };
    let (mut at_odds, mut met) = (false, vec![false; numbers.uids.len()]);
    let header = uidlist::read(&file, |line| {
        let slot = numbers.places.get(line.base);
        let slot = slot.and_then(|at| met.get_mut(*at));
        let twice = slot.is_some_and(|met| std::mem::replace(met, true));
        at_odds |= twice || taken(numbers, &line);
    });
    let Some(mut header) = header else {
        return Ok(false);
    };
    let mut view = room.view()?;
    let same = ledger.loaded && view.validity.0.get() == header.validity;
    header.torn |= same && at_odds;
    let damaged = same && header.torn;
    if !damaged {
        numbers.forget();
    }
    uidlist::read(&file, |line| {
        if !(damaged && (taken(numbers, &line) || numbers.knows(line.base))) {
            numbers.give(line.base, line.uid, line.extensions);
        }
    });
    book::adopt(&header, ledger, &mut view);
    ledger.behind = false;
    Ok(true)
}
