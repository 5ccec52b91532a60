//! Looking at the files: what came, went or changed its flags, by whatever hand.
//!
//! The directories are read only when their times changed. A file that no list names gets its UID under the lock, and
//! the list is durable before anybody is told of the UID.

use super::book::{self, Entry};
use super::dotlock::Dotlock;
use super::filename;
use super::index::{self, Draft};
use super::listing::{Found, Listing};
use super::lookout::Heard;
use super::room::{Ledger, Room, Stamp, Stamps};
use super::table::{Row, Table};
use super::uidlist;
use crate::disk::{self, FileKind};
use crate::mailbox::clock::micros;
use crate::mailbox::expunges::Expunges;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{Flags, ModSeq, Uid, UidMap, UidSet};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

/// Brings the view up to date. `held` is the lock, where the caller has it.
///
/// Who seems to be gone is looked for once more, under the lock: a directory that changes while it is read need not show
/// every name. While another program has the lock nobody is taken for gone.
///
/// # Errors
/// NotFound when the mailbox is gone, Busy while another program has the lock and it is needed.
pub(super) fn refresh(room: &Room, ledger: &mut Ledger, held: Option<&Dotlock<'_>>) -> Result<()> {
    let now = room.site.now();
    let stamps = stamps(room)?;
    if !ledger.loaded && index::load(room, ledger) {
        sweep(room);
    }
    let post = room.post();
    let heard = match &post {
        Some(post) => post.hear(room, &mut ledger.echoes),
        None => Heard::Deaf,
    };
    let due = ledger.again.is_some_and(|again| now >= again);
    if ledger.loaded && explains(heard, ledger.stamps.as_ref(), &stamps) {
        ledger.stamps = Some(stamps);
        return match due {
            true => look_is_spared(room, ledger),
            false => Ok(()),
        };
    }
    if ledger.loaded && !due && heard == Heard::Deaf && ledger.stamps == Some(stamps) {
        if let Some(post) = post.filter(|_| ledger.again.is_none()) {
            post.trust();
        }
        return Ok(());
    }
    let failed = |e| Error::io("mailbox directory", e);
    let mut listing = Listing::read(room).map_err(failed)?;
    let mut own = None;
    if listing.has_twins() {
        own = locked(room, held)?;
        if listing.part(room).map_err(failed)? {
            listing = Listing::read(room).map_err(failed)?;
        }
    }
    read_keywords(room, ledger, &stamps)?;
    let table = room.view()?.table.clone();
    let mut uids = match ledger.loaded {
        true => numbered(&listing, &table),
        false => Numbers::none(&listing),
    };
    let mut sure = true;
    if uids.matched < table.len() {
        if own.is_none() {
            own = match locked(room, held) {
                Err(e) if e.kind() == Kind::Busy => {
                    sure = false;
                    None
                }
                Err(e) if e.kind() == Kind::Full => None,
                other => other?,
            };
        }
        listing.add(room).map_err(failed)?;
        uids = numbered(&listing, &table);
    }
    let held = own.as_ref().or(held);
    let list_changed = ledger.stamps.map(|s| s.list) != Some(stamps.list);
    let mut list = stamps.list;
    if (!ledger.loaded || list_changed || uids.unknown() > 0)
        && let Some(written) = assign(room, ledger, (&listing, &table), &mut uids, held)?
    {
        list = written;
    }
    let mut news = compare(room, ledger, (&listing, sure), &uids)?;
    let settled = stamps.settled();
    ledger.again = (now < settled).then_some(settled);
    // Taken before anything was read, or under the lock: what changed since then shows.
    let sure = sure || uids.matched >= table.len();
    ledger.stamps = sure.then_some(Stamps { list, ..stamps });
    match post {
        Some(post) if sure => post.trust(),
        Some(post) => post.lose(), // nobody will tell that the lock is free
        None => {}
    }
    if !ledger.loaded {
        news.table.fit();
        room.view()?.expunges = Expunges::since_start(ModSeq(news.modseq));
    }
    let draft = std::mem::take(&mut news.draft);
    index::write(room, ledger, draft, &mut news.table, news.modseq);
    publish(room, ledger, news)?;
    if !std::mem::replace(&mut ledger.loaded, true) {
        sweep(room);
    }
    Ok(())
}

/// Whether all that makes the directories look another than they were known is our own doing.
fn explains(heard: Heard, known: Option<&Stamps>, now: &Stamps) -> bool {
    let (Heard::Nothing { new, cur }, Some(known)) = (heard, known) else {
        return false;
    };
    let same = |was: &Stamp, is: &Stamp, touched| was == is || (touched && was.inode == is.inode);
    let lists = known.list == now.list && known.keywords == now.keywords;
    lists && same(&known.new, &now.new, new) && same(&known.cur, &now.cur, cur)
}

/// The second look is due, and there is nothing to be seen; the index is told.
fn look_is_spared(room: &Room, ledger: &mut Ledger) -> Result<()> {
    ledger.again = None;
    let (mut table, modseq) = {
        let view = room.view()?;
        (Table::clone(&view.table), view.modseq)
    };
    index::write(room, ledger, Draft::default(), &mut table, modseq);
    room.view()?.show(table, modseq);
    Ok(())
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
    let mut ledger = room.ledger();
    match ledger.loaded {
        true => room.is_there(),
        false => refresh(room, &mut ledger, None),
    }
}

/// Nobody writes to a file in `tmp/` for so long.
const ABANDONED: Duration = Duration::from_secs(36 * 3600);

/// Removes what was abandoned in `tmp/`.
fn sweep(room: &Room) {
    let disk = &*room.site.disk;
    let tmp = room.path("tmp");
    let mut paths = Vec::new();
    // What cannot be looked at now is looked at another time.
    let _ = disk.list(&tmp, &mut |name, _| paths.push(tmp.join(name)));
    for path in paths {
        if let Ok(stat) = disk.stat(&path)
            && let Ok(age) = room.site.now().duration_since(stat.changed)
            && age > ABANDONED
            && stat.kind == FileKind::File
        {
            let _ = disk.unlink(&path);
        }
    }
}

/// How everything looks; makes the directories that are missing.
fn stamps(room: &Room) -> Result<Stamps> {
    let failed = |e| Error::io("mailbox directory", e);
    room.is_there()?;
    match Stamps::take(room) {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        other => return other.map_err(failed),
    }
    let disk = &*room.site.disk;
    match disk.stat(&room.dir) {
        Ok(stat) if stat.kind == FileKind::Dir => {}
        Ok(_) => return Err(Error::new(Kind::NotFound, "mailbox is no directory")),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            room.site.forget(room);
            room.close();
            return Err(Error::new(Kind::NotFound, "mailbox"));
        }
        Err(e) => return Err(failed(e)),
    }
    let mut made = Vec::new();
    for dir in ["tmp", "new", "cur"].map(|dir| room.path(dir)) {
        match disk.mkdir(&dir) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(failed(e)),
            Err(_) => {}
            Ok(()) => made.push(dir),
        }
    }
    disk.sync_dir(&room.dir).map_err(|e| {
        // A name that may be lost must not pass for one that is there when this is called again.
        for dir in &made {
            let _ = disk.rmdir(dir);
        }
        failed(e)
    })?;
    Stamps::take(room).map_err(failed)
}

fn read_keywords(room: &Room, ledger: &mut Ledger, stamps: &Stamps) -> Result<()> {
    if ledger.stamps.map(|s| s.keywords) == Some(stamps.keywords) || stamps.keywords.is_none() {
        return Ok(());
    }
    learn_keywords(room, ledger)
}

/// Takes over what `dovecot-keywords` says.
pub(super) fn learn_keywords(room: &Room, ledger: &mut Ledger) -> Result<()> {
    let path = room.path("dovecot-keywords");
    match disk::read(
        &*room.site.disk,
        &path,
        super::letters::Letters::LONGEST_FILE,
    ) {
        Ok(file) => ledger.letters.learn(&file),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(Error::io("dovecot-keywords", e)),
    }
    Ok(())
}

/// The UIDs of the files listed, by position; zero where none is known.
struct Numbers<'l> {
    uids: Vec<u32>,
    extensions: HashMap<u32, String>,
    places: HashMap<&'l [u8], usize>,
    matched: usize,
}

impl<'l> Numbers<'l> {
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

    fn unknown(&self) -> usize {
        self.uids.len() - self.matched
    }

    fn forget(&mut self) {
        self.uids.fill(0);
        self.extensions.clear();
        self.matched = 0;
    }
}

fn numbered<'l>(listing: &'l Listing, table: &Table) -> Numbers<'l> {
    let mut numbers = Numbers::none(listing);
    for row in table.rows() {
        numbers.give(row.base, row.uid, table.extensions(row.uid));
    }
    numbers
}

/// Finds UIDs in the list, and gives some to the files that have none; how the list looks then, where it was written.
fn assign(
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

/// What is another than it was.
struct News {
    table: Table,
    modseq: u64,
    /// For the index.
    draft: Draft,
    gone: UidSet,
    /// Those that no session has been told of.
    unclaimed: UidSet,
}

/// Compares what was found with what is known; unless that is `sure` to be all, the others are still there.
fn compare(
    room: &Room,
    ledger: &Ledger,
    (listing, sure): (&Listing, bool),
    numbers: &Numbers<'_>,
) -> Result<News> {
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
    let modseq = (before + 1).max(micros(room.site.now()));
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
    Ok(News {
        table,
        modseq: if changed { modseq } else { before },
        draft,
        gone,
        unclaimed,
    })
}

/// The view becomes what was found.
fn publish(room: &Room, ledger: &Ledger, news: News) -> Result<()> {
    let mut view = room.view()?;
    let keywords = ledger.letters.table();
    if *view.keywords != keywords {
        view.keywords = Arc::new(keywords);
    }
    view.lose(news.modseq, &news.gone);
    if news.table.len() != view.uids.len() as usize || news.table.last_uid() != last(&view.uids) {
        view.uids = Arc::new(news.table.uids());
    }
    // A session may have claimed some while the files were looked at: those stay claimed.
    let known = view.unclaimed.intersection(&view.uids.set());
    view.unclaimed = known.union(&news.unclaimed);
    view.show(news.table, news.modseq);
    room.tell(view);
    Ok(())
}

fn last(uids: &UidMap) -> u32 {
    uids.last().map_or(0, Uid::number)
}

/// Above any that another program, or an earlier life of this one, can have given: by the clock, and by the times of
/// the files should the clock have gone back.
pub(super) fn first_modseq(room: &Room, ledger: &Ledger) -> u64 {
    let stamps = ledger.stamps.or_else(|| Stamps::take(room).ok());
    let files = stamps.map_or(0, |s| micros(s.cur.modified).max(micros(s.new.modified)));
    files.max(micros(room.site.now()))
}
