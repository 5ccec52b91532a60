//! The queue as a segment log on a [`Disk`]: messages and what becomes of them are appended to preallocated files by
//! one writer, and all who wait share one flush. `layout` says what lies in the folder, octet for octet, and what
//! a crash at any moment leaves. It schedules nothing, and it never changes what has been flushed.
//!
//! ```text
//!  Draft ──▶ works (wishes gather while the disk works) ──▶ stage (each a record) ──▶ writer (one flush for all)
//!                                                                                        │
//!  claim, entry, page, content ◀── index (who is where and due when) ◀── what was flushed ┘──▶ shelf (files), compact
//! ```
//!
//! Promises: when `commit`, `mark`, `assign`, `warned` or `remove` has returned, it survives power loss; when one
//! returned an error, it does not count, and where a flush has failed, it will not count after a restart either.
//! Claims are kept in memory alone: a queue has one process (a lock sees to it), and after a restart what was claimed
//! is incoming or deferred, and due at once.
//!
//! Costs: a message takes about 300 octets of memory and no content; all else is on the disk. Claims and changes are
//! logarithmic in the number of messages. A start reads the log once. The log takes up to four times what is needed
//! of it, and two segments more, one of which is held back: on a full disk a commit fails with
//! [`Kind::Full`] while messages can still be marked and removed, which makes room.

mod body;
mod coding;
mod compact;
mod draft;
mod envelope;
mod house;
mod layout;
mod record;
mod recover;
mod scan;
mod segment;
mod shelf;
mod stage;
mod works;
mod writer;

use super::{Claim, Draft, Entry, Identity, Lane, Outcome, Queue};
use crate::body::Body;
use crate::disk::{self, Disk, RealDisk};
use crate::figures::Flushes;
use crate::mailbox::Clock;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use body::LogBody;
use draft::LogDraft;
use house::{House, Outline};
use recover::Found;
use stage::{Marking, Wish};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use works::Works;
use writer::Writer;

/// How a segment log is kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where it lies, on its disk.
    pub folder: PathBuf,
    /// Octets of a segment. What does not fit into one gets a longer one of its own.
    pub segment: u64,
    /// Octets of a body that wait in memory for the commit; of more, whole blocks go to the log as they come.
    pub buffer: usize,
    /// How many files are kept to be used again, 2 at least.
    pub spares: usize,
    /// Where identities and markers are drawn from: never the same in two lives of one queue.
    pub seed: u64,
}

impl Options {
    /// Usual values: segments of 16 MiB, 256 KiB of a body in memory, 4 spare files, chance of the system's.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            segment: 16 << 20,
            buffer: 256 << 10,
            spares: 4,
            seed: std::hash::RandomState::new().build_hasher().finish(),
        }
    }
}

/// What a start has found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Messages in the queue.
    pub messages: usize,
    /// What could not be read, in part at least; the first thousand places.
    pub damage: Vec<Damage>,
}

/// A place in the log that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub range: Range<u64>,
    /// What should be there.
    pub what: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, range, what } = self;
        let (from, to) = (range.start, range.end);
        write!(f, "{}, octets {from} to {to}: {what}", file.display())
    }
}

/// A queue in a segment log. Clones are the same queue.
///
/// It needs a tokio runtime: disk work goes to its blocking threads.
#[derive(Debug, Clone)]
pub struct SegmentQueue {
    works: Arc<Works>,
    recovery: Arc<Recovery>,
}

impl SegmentQueue {
    /// Opens the queue in a folder of the operating system's, which is made where it is not there. Reads the whole
    /// log, and blocks for as long.
    ///
    /// # Errors
    /// Busy while another process has it; Unsupported for a log that a later version has written; otherwise when the
    /// folder cannot be read. Damage is no error: [`recovery`](Self::recovery) tells of it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let disk = Arc::new(RealDisk::new("/"));
        let folder = std::path::absolute(folder).map_err(|e| Error::io("the queue's folder", e))?;
        Self::on(disk, Clock::system(), Options::new(folder))
    }

    /// The same on any disk, by any clock.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn on(disk: Arc<dyn Disk>, clock: Clock, mut options: Options) -> Result<Self> {
        options.segment = options.segment.max(layout::FIRST * 2);
        options.spares = options.spares.max(2);
        options.buffer = options.buffer.clamp(1, 64 << 20);
        let failed = |e| Error::io("the queue's folder", e);
        disk::mkdir_all(&*disk, &options.folder).map_err(failed)?;
        let lock = disk
            .lock(&options.folder.join("lock"))
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::WouldBlock => {
                    Error::new(Kind::Busy, "another process has this queue")
                }
                _ => failed(e),
            })?;
        // A process that was killed may have made or taken away names that nobody has synced.
        for dir in options.folder.ancestors() {
            match disk.sync_dir(dir) {
                Err(e) if e.kind() != std::io::ErrorKind::PermissionDenied => {
                    return Err(failed(e));
                }
                _ => {}
            }
        }
        let Found {
            index,
            mut shelf,
            recovery,
        } = recover::recover(&disk, &options)?;
        let house = Arc::new(House::new(clock, options, index, lock));
        house.furnish(&mut shelf);
        let writer = Writer::new(Arc::clone(&house), shelf);
        Ok(Self {
            works: Arc::new(Works::new(house, writer)),
            recovery: Arc::new(recovery),
        })
    }

    /// What opening it has found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// How many messages are in it.
    pub fn len(&self) -> usize {
        self.works.house.index().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages each lane has.
    pub fn lanes(&self) -> Vec<(Lane, usize)> {
        let index = self.works.house.index();
        let lanes = [
            Lane::Incoming,
            Lane::Active,
            Lane::Deferred,
            Lane::Hold,
            Lane::Corrupt,
        ];
        lanes.map(|lane| (lane, index.in_lane(lane))).to_vec()
    }

    /// Flushes of its log so far, tried ones too, and how many changes of messages shared each.
    pub fn flushes(&self) -> &Flushes {
        &self.works.house.flushes
    }

    /// Waits until nothing is being written and nothing is left to tidy up, as before an orderly end. Whoever goes on
    /// asking for things keeps it waiting.
    pub async fn quiet(&self) {
        let works = Arc::clone(&self.works);
        // It fails only where the runtime comes to its end, and then nothing more is written either.
        let paused = self.works.read(move || {
            works.pause();
            Ok(())
        });
        let _ = paused.await;
    }

    /// Entries with their envelopes, those at hand at once.
    async fn complete(&self, outlines: Vec<Outline>) -> Result<Vec<Entry>> {
        let house = Arc::clone(&self.works.house);
        let near = |outline: &Outline| house.at_hand(outline.entry.identity);
        let all = outlines.iter().map(near).collect::<Option<Vec<_>>>();
        if let Some(envelopes) = all {
            let entries = outlines.into_iter().zip(envelopes);
            return Ok(entries
                .map(|(it, envelope)| Entry {
                    envelope,
                    ..it.entry
                })
                .collect());
        }
        let work = move || Ok(outlines.into_iter().map(|it| house.complete(it)).collect());
        self.works.read(work).await
    }

    /// Claims those of `ready` that are still due, as they stand now.
    fn take(&self, ready: Vec<Entry>, now: SystemTime, until: SystemTime) -> Vec<Claim> {
        let mut index = self.works.house.index();
        let claimed = ready.into_iter().filter_map(
            |Entry {
                 identity, envelope, ..
             }| {
                let message = index.claim(identity, now, until)?;
                Some(Claim {
                    entry: message.entry(identity, envelope),
                    turn: message.turn,
                    until,
                })
            },
        );
        claimed.collect()
    }
}

#[async_trait]
impl Queue for SegmentQueue {
    async fn create(&self) -> Result<Box<dyn Draft>> {
        Ok(Box::new(LogDraft::new(Arc::clone(&self.works))))
    }

    async fn claim(&self, now: SystemTime, lease: Duration, limit: usize) -> Result<Vec<Claim>> {
        let until = now
            .checked_add(lease)
            .ok_or_else(|| Error::new(Kind::Limit, "the length of a claim"))?;
        loop {
            let outlines: Vec<Outline> = {
                let index = self.works.house.index();
                let due = index.due(now, limit).into_iter();
                due.filter_map(|it| Some(index.find(it)?.outline(it)))
                    .collect()
            };
            let found = outlines.len();
            let mut ready = self.complete(outlines).await?;
            ready.retain(|entry| entry.lane != Lane::Corrupt);
            let claims = self.take(ready, now, until);
            // Somebody else may have been quicker, or all of them were damaged: there may be more.
            if !claims.is_empty() || found == 0 {
                return Ok(claims);
            }
        }
    }

    async fn entry(&self, identity: Identity) -> Result<Option<Entry>> {
        let outline = self
            .works
            .house
            .index()
            .find(identity)
            .map(|it| it.outline(identity));
        let entries = self.complete(outline.into_iter().collect()).await?;
        Ok(entries.into_iter().next())
    }

    async fn content(&self, identity: Identity) -> Result<Option<Arc<dyn Body>>> {
        let sight = self
            .works
            .house
            .index()
            .find(identity)
            .map(|it| it.kept.sight());
        let Some(sight) = sight else { return Ok(None) };
        let works = Arc::clone(&self.works);
        let open = move || {
            let opened = sight
                .head()
                .and_then(|(head, _)| LogBody::new(Arc::clone(&works), &sight, &head));
            opened.inspect_err(|e| {
                if e.kind() == Kind::Corrupt {
                    works.house.damaged(identity);
                }
            })
        };
        let body = self.works.read(open).await?;
        Ok(Some(Arc::new(body)))
    }

    async fn renew(&self, claim: &Claim, until: SystemTime) -> Result<Option<Claim>> {
        let identity = claim.entry.identity;
        let mut index = self.works.house.index();
        if index.held(claim).is_none() {
            return Ok(None);
        }
        index.change(identity, |message| {
            message.claim(claim.turn, until);
            Some(Claim {
                entry: message.entry(identity, Arc::clone(&claim.entry.envelope)),
                turn: claim.turn,
                until,
            })
        })
    }

    async fn mark(
        &self,
        claim: &Claim,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<bool> {
        let (identity, turn) = (claim.entry.identity, claim.turn);
        let outcomes = outcomes.to_vec();
        let wish = |answer| {
            let marking = Marking {
                identity,
                turn,
                outcomes,
                due,
            };
            Wish::Mark(marking, answer)
        };
        self.works.ask(wish).await
    }

    async fn assign(&self, identity: Identity, lane: Lane) -> Result<()> {
        lane.may_be_assigned()?;
        self.works
            .ask(|answer| Wish::Assign(identity, lane, answer))
            .await
    }

    async fn warned(&self, identity: Identity) -> Result<()> {
        self.works
            .ask(|answer| Wish::Warned(identity, answer))
            .await
    }

    async fn remove(&self, identity: Identity) -> Result<bool> {
        self.works
            .ask(|answer| Wish::Remove(identity, answer))
            .await
    }

    async fn page(
        &self,
        lane: Option<Lane>,
        after: Option<Identity>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let outlines: Vec<Outline> = {
            let index = self.works.house.index();
            let page = index.page(lane, after).take(limit);
            page.map(|(identity, message)| message.outline(identity))
                .collect()
        };
        self.complete(outlines).await
    }
}

/// The same failure for one more who waits.
fn again(e: &Error) -> Error {
    Error::new(e.kind(), e.context().to_owned())
}

/// The log cannot be written for now.
fn unavailable() -> Error {
    Error::new(Kind::Unavailable, "the queue's log")
}
