//! Copying and moving: a copy is one more name for the same file, delivered like any other message; a move is a copy
//! and then, once that is durable, a removal. So a message is at every moment in one of the two mailboxes, or in both.

use super::index::{self, Pace};
use super::parcel::{Aside, Content, Letter, Parcel, Settled};
use super::read::{BLOCK, TEXTS};
use super::room::Room;
use super::row::Row;
use super::scan;
use crate::disk;
use crate::mailbox::clock::seconds;
use crate::{Error, Result};
use mailcore_base::mailbox::{Keyword, Uid, UidSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Of more messages at once their texts are not taken along (about 8 MiB), but made anew when somebody needs them.
const MOST_TEXTS: usize = 4096;

/// How messages are taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grip {
    /// They get their other name when they are shown, unless somebody has been quicker and they are not where they were.
    Loose,
    /// They get one in `tmp/` at once, under which they stay.
    Firm,
}

/// Takes messages up for another mailbox: those that are there, and what is to be delivered.
pub(super) fn take_up(
    from: &Room,
    uids: &UidSet,
    to: &Arc<Room>,
    grip: Grip,
) -> Result<(UidSet, Parcel)> {
    scan::load(to)?;
    let mut taken = UidSet::new();
    let mut letters = Vec::new();
    let mut places = Vec::new();
    let cache;
    {
        let mut ledger = from.ledger();
        if grip == Grip::Firm {
            ledger.distrust(); // they were not where they were
        }
        scan::refresh(from, &mut ledger, None)?;
        for round in 0..3 {
            let (table, names, durable) = {
                let view = from.view()?;
                (
                    view.table.clone(),
                    view.keywords.clone(),
                    view.durable.clone(),
                )
            };
            let mut settled = UidSet::new();
            let mut vanished = false;
            let rest = uids.difference(&taken);
            for row in table.within(&rest) {
                let Some(uid) = Uid::new(row.uid) else {
                    continue;
                };
                let told = table.sizes(&row);
                let known = row.date.zip(told.0).filter(|_| durable.contains(uid));
                match content((from, to), &row, known, grip) {
                    Ok(content) => {
                        if matches!(content, Content::Settled(_)) {
                            settled.insert(uid);
                        }
                        places.push((row.uid, row.place));
                        let keywords = row.flags.keywords().filter_map(|n| names.iter().nth(n));
                        let keywords: Vec<Keyword> = keywords.cloned().collect();
                        letters.push((uid, letter(content, &row, keywords, told)));
                        taken.insert(uid);
                    }
                    Err(e) if e.kind() == ErrorKind::NotFound => vanished = true,
                    Err(e) => return Err(Error::io("message file", e)),
                }
            }
            {
                let mut view = from.view()?;
                view.durable = view.durable.union(&settled);
            }
            if !vanished || round == 2 {
                break;
            }
            ledger.distrust();
            scan::refresh(from, &mut ledger, None)?;
        }
        cache = ledger.index.cache();
    }
    // What is told of the source is told of its copy.
    let texts = match places.len() <= MOST_TEXTS {
        true => index::read(from, cache, &places, TEXTS, Pace::Wait),
        false => Vec::new(),
    };
    for ((_, letter), texts) in letters.iter_mut().zip(texts) {
        letter.texts = texts;
    }
    letters.sort_by_key(|(uid, _)| *uid);
    let parcel = Parcel {
        room: to.clone(),
        letters: letters.into_iter().map(|(_, letter)| letter).collect(),
    };
    Ok((taken, parcel))
}

fn letter(
    content: Content,
    row: &Row<'_>,
    keywords: Vec<Keyword>,
    sizes: (Option<u64>, Option<u64>),
) -> Letter {
    Letter {
        content,
        flags: row.flags.system(),
        keywords,
        date: None, // the file keeps its own
        texts: None,
        identity: None, // a delivery came there once, its copies did not
        sizes,
    }
}

/// A system writes back what nobody has synced within half of that (Linux: vm.dirty_expire_centisecs).
const WRITTEN_BACK: Duration = Duration::from_secs(120);

/// What is settled was flushed by us, as `known` with its date and length, or has not been touched for so long: nobody can
/// set that time, as whoever restores old mail sets its date.
fn settled(from: &Room, path: &Path, known: Option<(i64, u64)>) -> Option<Settled> {
    if let Some((date, len)) = known {
        let path = path.to_owned();
        return Some(Settled { path, date, len });
    }
    let stat = from.site.disk.stat(path).ok()?;
    let age = from.site.now().duration_since(stat.changed).ok()?;
    (age > WRITTEN_BACK).then(|| Settled {
        path: path.to_owned(),
        date: seconds(stat.modified),
        len: stat.len,
    })
}

fn content(
    (from, to): (&Room, &Arc<Room>),
    row: &Row<'_>,
    known: Option<(i64, u64)>,
    grip: Grip,
) -> std::io::Result<Content> {
    let path = from.path(row.file());
    if grip == Grip::Loose
        && !from.site.shared
        && let Some(settled) = settled(from, &path, known)
    {
        return Ok(Content::Settled(settled));
    }
    match Aside::link(to, &path) {
        Ok(aside) => Ok(Content::Aside(aside)),
        Err(e) if e.kind() == ErrorKind::NotFound || disk::is_stale(&e) => Err(e),
        // Another file system, or too many names already.
        Err(_) => duplicate(from, &path, to),
    }
}

fn duplicate(from: &Room, path: &Path, to: &Arc<Room>) -> std::io::Result<Content> {
    let source = from.site.disk.open(path, disk::Open::Read)?;
    let (aside, file) = Aside::begin(to)?;
    let mut block = vec![0; BLOCK];
    let mut at = 0;
    loop {
        let n = source.read_at(&mut block, at)?;
        let run = block.get(..n).unwrap_or_default();
        if run.is_empty() {
            break;
        }
        file.write_at(run, at)?;
        at += n as u64;
    }
    file.date(source.stat()?.modified)?;
    Ok(Content::Aside(aside))
}
