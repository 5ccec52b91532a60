//! Looking at the files: what came, went or changed its flags, by whatever hand.
//!
//! ```text
//!   Glance    how the directories and lists look from outside; often that is enough
//!   Sight     what lies in the directories, read once more, under the lock, where something seems to be missing
//!   Numbers   the UIDs of that: from what is known, from the list, or given under the lock
//!   News      what is another than it was; the index and the sessions are told
//! ```
//!
//! The directories are read only when their times changed. A file that no list names gets its UID under the lock, and
//! the list is durable before anybody is told of the UID.

mod glance;
mod news;
mod numbers;

use super::dotlock::Dotlock;
use super::index;
use super::letters::Letters;
use super::listing::Listing;
use super::room::{Ledger, Room, Stamps};
use super::sweep::sweep;
use crate::disk;
use crate::mailbox::expunges::Expunges;
use crate::{Error, Kind, Result};
use glance::Glance;
use mailcore_base::mailbox::ModSeq;
use news::News;
pub(super) use news::first_modseq;
use numbers::Numbers;
use std::io::ErrorKind;

/// Brings the view up to date. `held` is the lock, where the caller has it.
///
/// Who seems to be gone is looked for once more, under the lock: a directory that changes while it is read need not show
/// every name. While another program has the lock nobody is taken for gone.
///
/// # Errors
/// NotFound when the mailbox is gone, Busy while another program has the lock and it is needed.
pub(super) fn refresh(room: &Room, ledger: &mut Ledger, held: Option<&Dotlock<'_>>) -> Result<()> {
    let glance = Glance::take(room)?;
    if !ledger.loaded && index::load(room, ledger) {
        let now = &glance.stamps;
        let missed = |known: &Stamps| known.cur != now.cur || known.new != now.new;
        let known = ledger.stamps.as_ref();
        ledger.behind = known.is_none_or(|known| known.list != now.list && missed(known));
        sweep(room);
    }
    if glance.is_enough(room, ledger)? {
        return Ok(());
    }
    let mut sight = Sight::read(room, held)?;
    read_keywords(room, ledger, &glance.stamps)?;
    let table = room.view()?.table.clone();
    let mut uids = Numbers::known(&sight.listing, &table);
    if uids.matched < table.len() {
        sight.read_again(room, held)?;
        uids = Numbers::known(&sight.listing, &table);
    }
    let held = sight.own.as_ref().or(held);
    let mut list = glance.stamps.list;
    let list_changed = ledger.stamps.map(|s| s.list) != Some(list);
    if !ledger.loaded || list_changed || uids.unknown() > 0 {
        let written = numbers::assign(room, ledger, (&sight.listing, &table), &mut uids, held)?;
        list = written.unwrap_or(list);
    }
    let moment = room.moment(Some(glance.stamps));
    let news = News::of(room, ledger, (&sight.listing, sight.sure), &uids, moment)?;
    let sure = sight.sure || uids.matched >= table.len();
    glance.is_read(room, ledger, list, sure);
    tell(room, ledger, news)
}

/// What lies in the directories.
struct Sight<'r> {
    listing: Listing,
    /// Nobody can have changed names while they were read the last time, or nothing depends on it.
    sure: bool,
    /// The lock, where the caller has not got it and it was needed.
    own: Option<Dotlock<'r>>,
}

impl<'r> Sight<'r> {
    fn read(room: &'r Room, held: Option<&Dotlock<'_>>) -> Result<Self> {
        let mut sight = Self {
            listing: Listing::read(room).map_err(failed)?,
            sure: true,
            own: None,
        };
        if sight.listing.has_twins() {
            sight.own = locked(room, held)?;
            if sight.listing.part(room).map_err(failed)? {
                sight.listing = Listing::read(room).map_err(failed)?;
            }
        }
        Ok(sight)
    }

    /// Somebody seems to be missing.
    fn read_again(&mut self, room: &'r Room, held: Option<&Dotlock<'_>>) -> Result<()> {
        if self.own.is_none() {
            self.own = match locked(room, held) {
                Err(e) if e.kind() == Kind::Busy => {
                    self.sure = false;
                    None
                }
                Err(e) if e.kind() == Kind::Full => None,
                other => other?,
            };
        }
        self.listing.add(room).map_err(failed)
    }
}

fn failed(e: std::io::Error) -> Error {
    Error::io("mailbox directory", e)
}

/// The index has the news, then the sessions.
fn tell(room: &Room, ledger: &mut Ledger, mut news: News) -> Result<()> {
    if !ledger.loaded {
        news.table.fit();
        room.view()?.expunges = Expunges::since_start(ModSeq(news.modseq));
    }
    let draft = std::mem::take(&mut news.draft);
    index::write(room, ledger, draft, &mut news.table, news.modseq);
    news.publish(room, ledger)?;
    if !std::mem::replace(&mut ledger.loaded, true) {
        sweep(room);
    }
    Ok(())
}

/// Whether a look would find the mailbox as it is known, as far as that can be said at once, without waiting for the disk or
/// for anybody who works on it; `claims`: and a session that reads its mail would claim none.
pub(super) fn is_current(room: &Room, claims: bool) -> bool {
    let is_fresh = || {
        room.view()
            .is_ok_and(|view| view.table.fresh().next().is_some())
    };
    let Some(mut ledger) = room.try_ledger() else {
        return false;
    };
    let glance = Glance::at_once(room).filter(|glance| !glance.is_due(&ledger));
    let enough = |glance: Glance| glance.is_enough(room, &mut ledger).unwrap_or(false);
    glance.is_some_and(enough) && !(claims && is_fresh())
}

/// The lock, unless the caller has it.
fn locked<'r>(room: &'r Room, held: Option<&Dotlock<'_>>) -> Result<Option<Dotlock<'r>>> {
    match held {
        Some(_) => Ok(None),
        None => room.dotlock().map(Some),
    }
}

/// Sees to it that the mailbox has been looked at once, and has its directories.
pub(super) fn load(room: &Room) -> Result<()> {
    {
        let mut ledger = room.ledger();
        match ledger.loaded {
            true => room.is_there()?,
            false => refresh(room, &mut ledger, None)?,
        }
    }
    room.see();
    Ok(())
}

fn read_keywords(room: &Room, ledger: &mut Ledger, stamps: &Stamps) -> Result<()> {
    match ledger.stamps.map(|s| s.keywords) == Some(stamps.keywords) {
        true => Ok(()),
        false => learn_keywords(room, ledger),
    }
}

/// Takes over what `dovecot-keywords` says.
pub(super) fn learn_keywords(room: &Room, ledger: &mut Ledger) -> Result<()> {
    let path = room.path("dovecot-keywords");
    let file = match disk::read(&*room.site.disk, &path, Letters::LONGEST_FILE) {
        Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|e| Error::io("dovecot-keywords", e))?,
    };
    if !ledger.letters.learn(&file) {
        room.site.doubt(&path); // what it has lost is written anew with the next keyword
    }
    Ok(())
}
