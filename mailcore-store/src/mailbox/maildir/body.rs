//! A message's octets as they are served: LF becomes CRLF on the way, range by range.

use super::lines;
use super::read::{self, BLOCK, Opened};
use super::room::Room;
use super::site::lock;
use super::works::Works;
use crate::body::Body;
use crate::disk;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use bytes::Bytes;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Between two places that can be gone back to lie so many octets of the file.
const STRIDE: u64 = 256 * 1024;

#[derive(Debug)]
pub(super) struct LfBody {
    open: Arc<Open>,
    len: u64,
    works: Arc<Works>,
}

#[derive(Debug)]
struct Open {
    room: Arc<Room>,
    uid: u32,
    reading: Mutex<Reading>,
}

#[derive(Debug)]
struct Reading {
    message: Opened,
    cursor: Cursor,
}

/// The run that was read last, and where to go on.
#[derive(Debug, Default)]
struct Cursor {
    start: u64,
    run: Bytes,
    next: Mark,
    marks: Vec<Mark>,
}

/// A place in the file, and in what is served.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    served: u64,
    at: u64,
    after_cr: bool,
}

impl LfBody {
    /// Touches the disk: the first run is read at once.
    pub(super) fn open(works: Arc<Works>, room: Arc<Room>, uid: u32) -> Result<Option<Self>> {
        let Some(message) = read::open(&room, uid)? else {
            return Ok(None);
        };
        let mut len = message.served;
        let open = Open::new(message, room, uid);
        if len > 0 {
            open.load(0)?;
            let reading = lock(&open.reading);
            let whole = reading.cursor.next;
            if whole.at == reading.message.len && whole.served != len {
                // Its name lied about its length, and all of it has been read.
                read::recount(&open.room, uid, &*reading.message.file)?;
                len = whole.served;
            }
        }
        Ok(Some(Self {
            len,
            open: Arc::new(open),
            works,
        }))
    }
}

impl LfBody {
    /// The same without waiting for the disk; none where that cannot be, or not all is as it should be.
    pub(super) fn open_now(works: &Arc<Works>, room: &Arc<Room>, uid: u32) -> Option<Self> {
        let message = read::open_now(room, uid)?;
        let len = message.served;
        let open = Open::new(message, room.clone(), uid);
        if len > 0 {
            let mut reading = lock(&open.reading);
            if !reading.load_now(0) {
                return None;
            }
            let whole = reading.cursor.next;
            if whole.at == reading.message.len && whole.served != len {
                return None;
            }
        }
        Some(Self {
            len,
            open: Arc::new(open),
            works: works.clone(),
        })
    }
}

#[async_trait]
impl Body for LfBody {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let range = range.start..range.end.min(self.len);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if let Some(run) = self.open.part_now(&range) {
            return Ok(run);
        }
        let open = self.open.clone();
        self.works
            .run(move || {
                open.load(range.start)?;
                let part = lock(&open.reading).cursor.part(&range);
                part.ok_or_else(|| Error::new(Kind::Corrupt, "message file"))
            })
            .await
    }
}

impl Open {
    fn new(message: Opened, room: Arc<Room>, uid: u32) -> Self {
        let cursor = Cursor::default();
        Self {
            room,
            uid,
            reading: Mutex::new(Reading { message, cursor }),
        }
    }

    /// Octets of the run that was read last, or of the next one if that needs no waiting.
    fn part_now(&self, range: &Range<u64>) -> Option<Bytes> {
        let mut reading = self.reading.try_lock().ok()?;
        if let Some(run) = reading.cursor.part(range) {
            return Some(run);
        }
        match reading.load_now(range.start) {
            true => reading.cursor.part(range),
            false => None,
        }
    }

    /// Reads the run that holds this octet.
    fn load(&self, start: u64) -> Result<()> {
        let mut reading = lock(&self.reading);
        let loaded = match reading.load(start) {
            Err(e) if disk::is_stale(&e) => {
                self.open_again(&mut reading)?;
                reading.load(start)
            }
            other => other,
        };
        match loaded {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Its name lied about its length: the next one who asks is told the truth.
                read::recount(&self.room, self.uid, &*reading.message.file)?;
                Err(Error::new(Kind::Corrupt, "message file"))
            }
            Err(e) => Err(Error::io("message file", e)),
        }
    }
}

impl Open {
    /// Another host has taken away the file that we had open; it may have left another in its place.
    fn open_again(&self, reading: &mut Reading) -> Result<()> {
        let message = read::open(&self.room, self.uid)?;
        let message = message.ok_or_else(|| Error::new(Kind::NotFound, "message is gone"))?;
        let same = |m: &Opened| (m.len, m.served);
        if same(&message) != same(&reading.message) {
            return Err(Error::new(Kind::Corrupt, "message file"));
        }
        reading.message = message;
        Ok(())
    }
}

impl Reading {
    fn load(&mut self, start: u64) -> io::Result<bool> {
        let file = &*self.message.file;
        let read = |out: &mut [u8], at| file.read_at(out, at);
        self.cursor.load(&self.message, start, read)
    }

    /// The same if that needs no waiting; whether it did not, and the octet is there.
    fn load_now(&mut self, start: u64) -> bool {
        let file = &*self.message.file;
        let read = |out: &mut [u8], at| file.read_now(out, at);
        matches!(self.cursor.load(&self.message, start, read), Ok(true))
    }
}

impl Cursor {
    fn part(&self, range: &Range<u64>) -> Option<Bytes> {
        let within = |at: u64| usize::try_from(at.checked_sub(self.start)?).ok();
        let from = within(range.start).filter(|from| *from < self.run.len())?;
        let until = within(range.end).map_or(self.run.len(), |until| until.min(self.run.len()));
        Some(self.run.slice(from..until.max(from)))
    }

    /// False if the file ends before.
    fn load(
        &mut self,
        message: &Opened,
        start: u64,
        read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let mut block = vec![0; BLOCK.min(usize::try_from(message.len).unwrap_or(BLOCK))];
        let mut mark = match message.len == message.served {
            // Nothing is added anywhere.
            true => Mark {
                served: start,
                at: start,
                after_cr: true,
            },
            false => self.before(start),
        };
        loop {
            let n = read(&mut block, mark.at)?;
            let raw = block.get(..n).unwrap_or_default();
            if raw.is_empty() {
                return Ok(false);
            }
            let mut run = Vec::with_capacity(n + n / 16);
            let mut after_cr = mark.after_cr;
            match message.len == message.served {
                true => run.extend_from_slice(raw),
                false => lines::unfold(raw, &mut after_cr, &mut run),
            }
            let next = Mark {
                served: mark.served + run.len() as u64,
                at: mark.at + n as u64,
                after_cr,
            };
            if self.marks.last().map_or(0, |m| m.at) + STRIDE <= next.at {
                self.marks.push(next);
            }
            if start < next.served {
                self.start = mark.served;
                self.run = run.into();
                self.next = next;
                return Ok(true);
            }
            mark = next;
        }
    }

    /// The last place known in front of an octet.
    fn before(&self, start: u64) -> Mark {
        let at = self.marks.partition_point(|m| m.served <= start);
        let mark = at.checked_sub(1).and_then(|at| self.marks.get(at));
        let mark = mark.copied().unwrap_or_default();
        match (mark.served..=start).contains(&self.next.served) {
            true => self.next,
            false => mark,
        }
    }
}
