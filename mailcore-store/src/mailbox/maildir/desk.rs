//! One mailbox while a batch is delivered: its messages laid aside, entered in the list, shown, or taken back.

use super::book::{self, Entry};
use super::deliver::{Outcome, again};
use super::dotlock::Dotlock;
use super::fresh::{Fresh, Laid, Origin};
use super::index::{self, Draft};
use super::maildirsize::{self, Size};
use super::parcel::{Aside, Content, Letter, Parcel, Placed, Settled};
use super::room::{Ledger, Room, View};
use super::row::Row;
use super::scan;
use super::table::Table;
use crate::disk::{File, Open};
use crate::mailbox::clock::seconds;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};

/// After so many flushes the lock is touched.
const OFTEN: usize = 64;

/// A mailbox while it is delivered to.
pub(super) struct Desk<'r> {
    pub(super) room: &'r Arc<Room>,
    pub(super) ledger: MutexGuard<'r, Ledger>,
    next: u64,
    // In front of the lock: a client of NFS may write as late as when a file is closed.
    pub(super) list: Option<Box<dyn File>>,
    slips: Vec<Slip>,
    lock: Option<Dotlock<'r>>,
    failed: Option<Error>,
}

/// A parcel on the desk.
struct Slip {
    at: usize,
    result: Result<Vec<Place>>,
}

/// A message of it.
enum Place {
    /// It was delivered before.
    There(u32),
    New(Box<Fresh>),
}

impl<'r> Desk<'r> {
    pub(super) fn open(room: &'r Arc<Room>) -> Result<Self> {
        let mut ledger = room.ledger();
        room.is_there()?; // a mailbox that is gone has no directory for a lock
        let lock = room.dotlock()?;
        scan::refresh(room, &mut ledger, Some(&lock))?;
        let next = room.view()?.next;
        Ok(Self {
            room,
            ledger,
            lock: Some(lock),
            next,
            list: None,
            slips: Vec::new(),
            failed: None,
        })
    }

    pub(super) fn take_in(&mut self, at: usize, parcel: Parcel) {
        let before = self.next;
        let mut places = Vec::new();
        let result = parcel.letters.into_iter().try_for_each(|letter| {
            let place = self.take_letter(letter, &places)?;
            places.push(place);
            Ok(())
        });
        if result.is_err() {
            self.next = before; // no list names them yet
        }
        self.slips.push(Slip {
            at,
            result: result.map(|()| places),
        });
    }

    fn take_letter(&mut self, letter: Letter, beside: &[Place]) -> Result<Place> {
        if let Some(uid) = self.delivered(&letter, beside)? {
            return Ok(Place::There(uid));
        }
        self.allot(&letter)?;
        let flags = letter.flags | self.ledger.letters.flags(&letter.keywords);
        let info = match flags.is_empty() {
            true => Vec::new(),
            false => self.ledger.letters.info(flags, b""),
        };
        let uid = u32::try_from(self.next).map_err(|_| Error::new(Kind::Limit, "UIDs"))?;
        let mut base = self.room.site.unique(letter.identity);
        if let Some(len) = letter.sizes.0 {
            base.push_str(&format!(",S={len}"));
        }
        if let Some(served) = letter.sizes.1 {
            base.push_str(&format!(",W={served}"));
        }
        let laid = self.lay_aside(letter.content, letter.date)?;
        self.next += 1;
        Ok(Place::New(Box::new(Fresh {
            uid,
            origin: laid.origin,
            base: base.into_bytes(),
            info,
            flags,
            identity: letter.identity,
            date: laid.date,
            len: laid.len,
            texts: letter.texts,
            file: laid.file,
        })))
    }

    /// The UID of an earlier delivery of the same message: here, in the same batch, or in the same parcel.
    fn delivered(&self, letter: &Letter, beside: &[Place]) -> Result<Option<u32>> {
        let Some(identity) = letter.identity else {
            return Ok(None);
        };
        let table = self.room.view()?.table.clone();
        if let Some(uid) = table.delivered(identity) {
            return Ok(Some(uid));
        }
        let slips = self.slips.iter().filter_map(|s| s.result.as_ref().ok());
        let fresh = slips
            .flatten()
            .chain(beside)
            .filter_map(|place| match place {
                Place::New(fresh) => Some(fresh),
                Place::There(_) => None,
            });
        let mut same = fresh.filter(|f| f.identity == Some(identity));
        Ok(same.next().map(|f| f.uid))
    }

    /// A keyword's letter is durable before a file name uses it.
    fn allot(&mut self, letter: &Letter) -> Result<()> {
        allot(self.room, &mut self.ledger, &letter.keywords)
    }

    fn lay_aside(&self, content: Content, date: Option<std::time::SystemTime>) -> Result<Laid> {
        let failed = |e| Error::io("message file", e);
        let (aside, file) = match content {
            Content::Held(octets) => {
                let (aside, file) = Aside::create(self.room)?;
                file.write_at(&octets, 0).map_err(failed)?;
                (aside, file)
            }
            Content::Aside(aside) => {
                let file = self.room.site.disk.open(&aside.path(), Open::Write);
                (aside, file.map_err(failed)?)
            }
            Content::Settled(Settled { path, date, len }) => {
                return Ok(Laid {
                    origin: Origin::Shared(path),
                    file: None,
                    date: Some(date),
                    len,
                });
            }
        };
        if let Some(date) = date {
            file.date(date).map_err(failed)?;
        }
        let stat = file.stat().ok();
        Ok(Laid {
            origin: Origin::Aside(aside),
            file: Some(file),
            date: stat.map(|stat| seconds(stat.modified)),
            len: stat.map_or(0, |stat| stat.len),
        })
    }

    fn fresh(&mut self) -> impl Iterator<Item = &mut Fresh> {
        let slips = self.slips.iter_mut().filter_map(|s| s.result.as_mut().ok());
        slips.flatten().filter_map(|place| match place {
            Place::New(fresh) => Some(&mut **fresh),
            Place::There(_) => None,
        })
    }

    /// How many files have octets that must be made durable.
    pub(super) fn unsynced(&mut self) -> usize {
        self.fresh().filter(|fresh| fresh.file.is_some()).count()
    }

    /// The UIDs go into the list.
    pub(super) fn enter(&mut self) {
        if let Err(e) = self.try_enter() {
            self.fail(e);
        }
    }

    fn try_enter(&mut self) -> Result<()> {
        let (table, validity) = {
            let view = self.room.view()?;
            (view.table.clone(), view.validity)
        };
        let named: Vec<(u32, Vec<u8>)> = self.fresh().map(|f| (f.uid, f.base.clone())).collect();
        if named.is_empty() {
            return Ok(());
        }
        let entries: Vec<Entry<'_>> = named
            .iter()
            .map(|(uid, base)| Entry { uid: *uid, base })
            .collect();
        self.ledger.torn |= book::is_rotten(&self.ledger, table.len());
        let numbers = (validity.0.get(), self.next);
        self.list = book::enter(self.room, &mut self.ledger, &table, numbers, &entries)?;
        // Given, whatever becomes of the messages: these UIDs are nobody else's.
        self.room.view()?.next = self.next;
        Ok(())
    }

    /// The messages get their names; other programs see them from here on.
    pub(super) fn show(&mut self) {
        let room = self.room;
        let disk = &*room.site.disk;
        for slip in &mut self.slips {
            let Ok(places) = &mut slip.result else {
                continue;
            };
            let mut shown = Ok(());
            for place in places {
                let Place::New(fresh) = place else { continue };
                let path = fresh.path(room);
                shown = fresh.origin.show(disk, &path);
                if shown.is_err() {
                    break;
                }
                self.ledger.echoes.expect(&path, true);
            }
            if let Err(e) = shown {
                take_back(room, slip, e);
            }
        }
        self.ledger.listed(room);
        if !room.site.shared {
            self.lock = None;
        }
    }

    /// Octets and dates of the messages become durable, one by one.
    pub(super) fn sync(&mut self) -> std::io::Result<()> {
        let slips = self.slips.iter().filter_map(|s| s.result.as_ref().ok());
        for (done, place) in (1usize..).zip(slips.flatten()) {
            let Place::New(fresh) = place else { continue };
            let Some(file) = &fresh.file else { continue };
            file.sync()?;
            if let Some(lock) = &self.lock
                && done.is_multiple_of(OFTEN)
            {
                let _ = lock.touch(); // as long as nobody has waited for two minutes
            }
        }
        Ok(())
    }

    /// Everything on this desk has failed: take back what is there.
    pub(super) fn fail(&mut self, e: Error) {
        for slip in &mut self.slips {
            if slip.result.is_ok() {
                take_back(self.room, slip, again(&e));
            }
        }
        book::doubt(self.room);
        self.ledger.distrust();
        self.failed.get_or_insert(e);
    }

    /// The directories whose names must be flushed.
    pub(super) fn dirs(&self) -> BTreeSet<PathBuf> {
        let places = self.slips.iter().filter_map(|s| s.result.as_ref().ok());
        let dirs = places.flatten().flat_map(|place| match place {
            Place::There(_) => vec!["new", "cur"],
            Place::New(fresh) if fresh.is_new() => vec!["new"],
            Place::New(_) => vec!["cur"],
        });
        dirs.map(|dir| self.room.path(dir)).collect()
    }

    /// Our sessions see the messages, whoever waits for them is answered.
    pub(super) fn close(mut self, outcomes: &mut BTreeMap<usize, Outcome>) {
        let shown = self.failed.is_none();
        if shown {
            self.ledger.settle(self.room);
        }
        (self.list, self.lock) = (None, None);
        let validity = shown.then(|| self.publish());
        let table = self.room.view().map(|view| view.table.clone());
        // What was found in this very batch may have failed since.
        let is_there = |uid: u32| table.as_ref().is_ok_and(|t| t.row(uid).is_some());
        for slip in self.slips.drain(..) {
            let result = slip.result.and_then(|places| {
                let lost = |p: &Place| matches!(p, Place::There(uid) if !is_there(*uid));
                if places.iter().any(lost) {
                    return Err(Error::new(Kind::Unavailable, "delivery"));
                }
                let uids = places.iter().filter_map(|place| match place {
                    Place::There(uid) => Uid::new(*uid),
                    Place::New(fresh) => Uid::new(fresh.uid),
                });
                let uids = uids.collect();
                match &validity {
                    Some(Ok(validity)) => Ok(Placed {
                        validity: *validity,
                        uids,
                    }),
                    Some(Err(e)) => Err(again(e)),
                    None => Err(Error::new(Kind::Unavailable, "delivery")),
                }
            });
            outcomes.insert(slip.at, Outcome::Done(result));
        }
    }

    fn publish(&mut self) -> Result<mailcore_base::mailbox::UidValidity> {
        let room = self.room;
        let keywords = self.ledger.letters.table();
        let modseq = room.rise(&*room.view()?, &self.ledger);
        let texts: Vec<_> = self
            .fresh()
            .filter_map(|fresh| Some((fresh.uid, fresh.texts.take()?)))
            .collect();
        let places = index::add(room, &mut self.ledger, &texts);
        let places: HashMap<u32, u32> = texts.iter().map(|(uid, _)| *uid).zip(places).collect();
        let place = |uid: u32| places.get(&uid).copied().unwrap_or(0);
        let mut size = Size::default();
        self.fresh().for_each(|fresh| size.add(fresh.len));
        if size == Size::default() {
            return Ok(room.view()?.validity);
        }
        let rows: Vec<Row<'_>> = self
            .slips
            .iter()
            .filter_map(|slip| slip.result.as_ref().ok())
            .flatten()
            .filter_map(|it| match it {
                Place::New(fresh) => Some(fresh.row(modseq, place(fresh.uid))),
                Place::There(_) => None,
            })
            .collect();
        let mut view = enter_view(room, &mut self.ledger, &rows, modseq)?;
        let came: UidSet = rows.iter().filter_map(|row| Uid::new(row.uid)).collect();
        view.unclaimed = view.unclaimed.union(&came);
        if !room.site.shared {
            view.durable = view.durable.union(&came);
        }
        view.gain(rows.iter().map(|row| row.uid));
        if *view.keywords != keywords {
            view.keywords = Arc::new(keywords);
        }
        let validity = view.validity;
        room.tell(view);
        if maildirsize::is_kept(&room.site, &room.root) {
            maildirsize::note(&room.site, &room.root, size);
        }
        Ok(validity)
    }
}

/// The index and the table get what came; the view is that of afterwards, and nobody has been told.
fn enter_view<'r>(
    room: &'r Room,
    ledger: &mut Ledger,
    rows: &[Row<'_>],
    modseq: u64,
) -> Result<MutexGuard<'r, View>> {
    let draft = || {
        let mut draft = Draft::default();
        rows.iter().for_each(|row| draft.row(row));
        draft
    };
    if index::note(room, ledger, draft(), modseq) {
        let mut view = room.view()?;
        // In place, unless a session is just looking at it.
        let table = Arc::make_mut(&mut view.table);
        rows.iter().for_each(|row| table.push(*row));
        view.modseq = modseq;
        return Ok(view);
    }
    let mut table = Table::clone(&room.view()?.table);
    rows.iter().for_each(|row| table.push(*row));
    index::write(room, ledger, draft(), &mut table, modseq);
    let mut view = room.view()?;
    view.show(table, modseq);
    Ok(view)
}

/// Removes what a parcel has left anywhere.
fn take_back(room: &Room, slip: &mut Slip, e: Error) {
    if let Ok(places) = std::mem::replace(&mut slip.result, Err(e)) {
        for place in places {
            if let Place::New(fresh) = place {
                // It may be there though its rename has failed. The name is nobody else's.
                let _ = room.site.disk.unlink(&fresh.path(room)); // else it stays: more than was promised
            }
        }
    }
}

/// Gives keywords their letters, durably. Held: the lock.
pub(super) fn allot(
    room: &Room,
    ledger: &mut Ledger,
    keywords: &[mailcore_base::mailbox::Keyword],
) -> Result<()> {
    let path = room.path("dovecot-keywords");
    let doubted = room.site.is_doubted(&path);
    if ledger.letters.knows(keywords) && !doubted {
        return Ok(());
    }
    scan::learn_keywords(room, ledger)?;
    let before = ledger.letters.clone();
    if ledger.letters.allot(keywords)? || doubted {
        let written = room.site.replace(&path, &ledger.letters.file());
        if let Err(e) = written {
            ledger.letters = before;
            return Err(Error::io("dovecot-keywords", e));
        }
    }
    Ok(())
}
