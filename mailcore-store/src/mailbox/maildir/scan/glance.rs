//! How a mailbox looks from outside, and whether that is reason to read it.

use super::super::index::{self, Draft};
use super::super::lookout::{Heard, Post};
use super::super::room::{Ledger, Room, Stamp, Stamps};
use super::super::table::Table;
use crate::disk::FileKind;
use crate::{Error, Kind, Result};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::SystemTime;

/// How everything looked before anything was read.
pub(super) struct Glance {
    now: SystemTime,
    pub(super) stamps: Stamps,
    post: Option<Arc<Post>>,
}

impl Glance {
    /// Looks at everything from outside.
    pub(super) fn take(room: &Room) -> Result<Self> {
        Ok(Self {
            now: room.site.now(),
            stamps: stamps(room)?,
            post: room.post(),
        })
    }

    /// The same without waiting for the disk, if that can be: among several hosts what is in memory is no news.
    pub(super) fn at_once(room: &Room) -> Option<Self> {
        room.is_there().ok()?;
        if room.site.shared {
            return None;
        }
        let stamps = Stamps::take_now(room).ok()?;
        Some(Self {
            now: room.site.now(),
            stamps,
            post: room.post(),
        })
    }

    /// Whether the mailbox is to be read even though it looks the same.
    pub(super) fn is_due(&self, ledger: &Ledger) -> bool {
        ledger.again.is_some_and(|again| self.now >= again)
    }

    /// Whether nothing need be read: nothing has happened, or nothing that we have not done ourselves. What is known of the
    /// mailbox is then what it is.
    pub(super) fn is_enough(&self, room: &Room, ledger: &mut Ledger) -> Result<bool> {
        let heard = match &self.post {
            Some(post) => post.hear(room, &mut ledger.echoes),
            None => Heard::Deaf,
        };
        // It is told once, and not every glance is followed by a look.
        ledger.news |= heard == Heard::News;
        if !ledger.loaded || ledger.news {
            return Ok(false);
        }
        let due = self.is_due(ledger);
        if explains(heard, ledger.stamps.as_ref(), &self.stamps) {
            ledger.stamps = Some(self.stamps);
            if due {
                look_is_spared(room, ledger)?;
            }
            return Ok(true);
        }
        let same = ledger.stamps == Some(self.stamps);
        let enough = !due && heard == Heard::Deaf && same;
        if enough && ledger.again.is_none() {
            self.trust();
        }
        Ok(enough)
    }

    /// The mailbox has been read since. If what was read is `sure` to be all, it is known as it looked, but for the list, which
    /// may have been written; if not, it is looked at again.
    pub(super) fn is_read(
        &self,
        room: &Room,
        ledger: &mut Ledger,
        list: Option<Stamp>,
        sure: bool,
    ) {
        ledger.news = false;
        ledger.again = self.stamps.unsettled(room, ledger.stamps, self.now);
        // Taken before anything was read, or under the lock: what changed since then shows.
        let known = Stamps {
            list,
            ..self.stamps
        };
        ledger.stamps = sure.then_some(known);
        match &self.post {
            Some(post) if sure => post.trust(),
            Some(post) => post.lose(), // nobody will tell that the lock is free
            None => {}
        }
    }

    fn trust(&self) {
        if let Some(post) = &self.post {
            post.trust();
        }
    }
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

/// How everything looks; makes the directories that are missing.
fn stamps(room: &Room) -> Result<Stamps> {
    let failed = |e| Error::io("mailbox directory", e);
    room.is_there()?;
    match Stamps::take(room) {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        other => return other.map_err(failed),
    }
    let disk = &*room.site.disk;
    match room.site.look(&room.dir) {
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
