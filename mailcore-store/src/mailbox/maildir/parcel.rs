//! Messages on their way into a mailbox, ready to be delivered.

use super::index::Texts;
use super::lines::{self, Fold};
use super::room::Room;
use crate::disk::{File, FileKind, Open};
use crate::mailbox::Stamp;
use crate::queue::Identity;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{Flags, Keyword, Uid, UidValidity};
use mailcore_base::message::Summarizing;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Messages that come into one mailbox together: all of them or none.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) room: Arc<Room>,
    pub(super) letters: Vec<Letter>,
}

/// Where they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) validity: UidValidity,
    /// One for each letter.
    pub(super) uids: Vec<Uid>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) content: Content,
    pub(super) flags: Flags,
    pub(super) keywords: Vec<Keyword>,
    pub(super) date: Option<SystemTime>,
    pub(super) identity: Option<Identity>,
    /// The file's length, and its length with CRLF, where they are known.
    pub(super) sizes: (Option<u64>, Option<u64>),
    /// What is told of it without opening it, where that is known.
    pub(super) texts: Option<Texts>,
}

/// A message's octets with LF line ends.
#[derive(Debug)]
pub(super) enum Content {
    /// In memory.
    Held(Vec<u8>),
    /// In a file in `tmp/`, which is removed if nothing comes of it.
    Aside(Aside),
    /// In the file of another message, which gets one more name: its octets are durable.
    Settled(Settled),
}

/// A file that need not be opened.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) path: PathBuf,
    /// When the message came, in seconds since 1970.
    pub(super) date: i64,
    /// Octets.
    pub(super) len: u64,
}

/// A file in a mailbox's `tmp/`; dropping it removes it.
#[derive(Debug)]
pub(super) struct Aside {
    room: Arc<Room>,
    path: Option<PathBuf>,
}

impl Aside {
    /// A new, empty file.
    pub(super) fn create(room: &Arc<Room>) -> Result<(Self, Box<dyn File>)> {
        Self::begin(room).map_err(|e| Error::io("message file", e))
    }

    pub(super) fn begin(room: &Arc<Room>) -> io::Result<(Self, Box<dyn File>)> {
        Self::make(room, |path| room.site.disk.open(path, Open::Create))
    }

    /// Another name for a message of any mailbox of the account.
    pub(super) fn link(room: &Arc<Room>, from: &Path) -> io::Result<Self> {
        Self::make(room, |path| room.site.disk.link(from, path)).map(|(aside, ())| aside)
    }

    /// Makes a name in `tmp/`, and that directory where it is missing: a crash or a copy may have lost it while it was
    /// empty. It holds nothing that must last.
    fn make<T>(room: &Arc<Room>, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(Self, T)> {
        let tmp = room.path("tmp");
        let path = tmp.join(room.site.unique(None));
        // As with `cur` and `new`, a link is not followed.
        if matches!(room.site.disk.stat(&tmp), Ok(stat) if stat.kind != FileKind::Dir) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let made = match make(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && room.site.disk.mkdir(&tmp).is_ok() => {
                make(&path)?
            }
            other => other?,
        };
        Ok((Self::at(room, path), made))
    }

    fn at(room: &Arc<Room>, path: PathBuf) -> Self {
        Self {
            room: room.clone(),
            path: Some(path),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.clone().unwrap_or_default()
    }

    /// It has another name now, which is not ours to remove.
    pub(super) fn moved(&mut self) {
        self.path = None;
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = self.room.site.disk.unlink(path); // or it is swept one day
        }
    }
}

/// Messages that come in chunks, one after the other: what is small stays in memory, what is more goes to `tmp/`.
#[derive(Debug)]
pub(super) struct Incoming {
    room: Arc<Room>,
    /// Those that have ended.
    letters: Vec<Letter>,
    /// Octets of them that are in memory.
    kept: usize,
    fold: Fold,
    held: Vec<u8>,
    aside: Option<(Aside, Box<dyn File>)>,
    written: u64,
    reading: Option<Box<Reading>>,
}

/// A message that is read for what is told of it while it comes, as it will be served.
#[derive(Debug, Default)]
struct Reading {
    summary: Summarizing,
    after_cr: bool,
    run: Vec<u8>,
}

impl Reading {
    fn feed(&mut self, kept: &[u8]) {
        self.run.clear();
        lines::unfold(kept, &mut self.after_cr, &mut self.run);
        self.summary.feed(&self.run);
        self.run.shrink_to(Incoming::HELD);
    }
}

impl Incoming {
    /// More than this of one message goes to the disk at once; once all messages of the append hold more, those that
    /// follow go there as well.
    const HELD: usize = 64 * 1024;

    pub(super) fn new(room: Arc<Room>) -> Self {
        Self {
            reading: room.site.indexed.then(Box::default),
            room,
            letters: Vec::new(),
            kept: 0,
            fold: Fold::default(),
            held: Vec::new(),
            aside: None,
            written: 0,
        }
    }

    /// Takes octets; says whether it is time to [`spill`](Self::spill).
    pub(super) fn push(&mut self, chunk: &[u8]) -> bool {
        let before = self.held.len();
        self.fold.push(chunk, &mut self.held);
        self.read(before);
        self.held.len() > Self::HELD
    }

    /// Reads what has been added to what is held.
    fn read(&mut self, before: usize) {
        if let Some(reading) = &mut self.reading {
            reading.feed(self.held.get(before..).unwrap_or_default());
        }
    }

    /// Writes what is held to the disk.
    pub(super) fn spill(&mut self) -> Result<()> {
        if self.aside.is_none() {
            self.aside = Some(Aside::create(&self.room)?);
        }
        if let Some((_, file)) = &self.aside {
            let written = file.write_at(&self.held, self.written);
            written.map_err(|e| Error::io("message file", e))?;
        }
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    /// Whether ending the message will touch the disk.
    pub(super) fn is_heavy(&self) -> bool {
        self.aside.is_some() || self.kept + self.held.len() > Self::HELD
    }

    /// Ends the last message. Touches the disk only if it [`is_heavy`](Self::is_heavy).
    pub(super) fn end(mut self, stamp: Stamp) -> Result<Parcel> {
        self.seal(stamp)?;
        Ok(Parcel {
            room: self.room,
            letters: self.letters,
        })
    }

    /// Ends a message behind which another one may come. Touches the disk only if it [`is_heavy`](Self::is_heavy).
    pub(super) fn seal(&mut self, stamp: Stamp) -> Result<()> {
        let before = self.held.len();
        let served = std::mem::take(&mut self.fold).end(&mut self.held);
        self.read(before);
        let texts = self.reading.take();
        let texts = texts.map(|reading| Texts::of(reading.summary.finish(), true));
        self.reading = self.room.site.indexed.then(Box::default);
        if self.is_heavy() {
            self.spill()?;
        }
        let len = std::mem::take(&mut self.written) + self.held.len() as u64;
        let content = match self.aside.take() {
            Some((aside, _)) => Content::Aside(aside),
            None => {
                self.kept += self.held.len();
                Content::Held(std::mem::take(&mut self.held))
            }
        };
        self.letters.push(Letter {
            content,
            flags: stamp.flags.system(),
            keywords: stamp.keywords,
            date: stamp.date.map(|d| time(d.seconds)).transpose()?,
            identity: stamp.identity,
            sizes: (Some(len), Some(served)),
            texts,
        });
        Ok(())
    }
}

/// A second since 1970 as a file's time.
fn time(seconds: i64) -> Result<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    // What no file system can say.
    let kept = time.filter(|_| seconds.unsigned_abs() < 1 << 40);
    kept.ok_or_else(|| Error::new(Kind::Limit, "date of a message"))
}
