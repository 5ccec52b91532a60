//! Slow hashing off the event loop: few at a time, in a fair order. Nothing here knows what is hashed.
//!
//! Whoever waits stands in the line of his address (of his /64 for IPv6), and the lines are served in turn,
//! one of each. So a thousand bad logins from one address delay a good one from another by one hash at most
//! for each worker, and those who share an address are served first come, first served.
//!
//! ```text
//!  run ──▶ line of 192.0.2.1   ▪▪▪▪▪▪ ─┐
//!  run ──▶ line of 192.0.2.9   ▪      ─┼─ in turn ─▶ worker, worker … (as many as there are cores)
//!  run ──▶ line of nobody      ▪▪     ─┘
//! ```
//!
//! Lines are bounded. A line that is full refuses; when all together are full, a newcomer takes the place of
//! the last in the longest line. Both are told [`Kind::Busy`], which is a temporary failure and no wrong
//! password. Work whose login has gone away is dropped when its turn comes.

use super::{Credential, Scheme};
use crate::auth::scheme::{Stored, salt_for};
use crate::{Error, Kind, Result};
use mailcore_base::login::Secret;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How much hashing there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HasherLimits {
    /// How many hashes are computed at once; as many cores as the machine has by default.
    pub workers: NonZeroUsize,
    /// How many may wait in all; 4,096.
    pub waiting: usize,
    /// How many may wait of one address; 256.
    pub waiting_per_peer: usize,
}

impl Default for HasherLimits {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            waiting: 4096,
            waiting_per_peer: 256,
        }
    }
}

/// How busy a [`Hasher`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// How many wait.
    pub waiting: usize,
    /// How many are being computed.
    pub working: usize,
    /// How many have been computed since the start.
    pub done: u64,
}

/// Where passwords are hashed. One serves all backends of a server. Clones share the lines.
#[derive(Clone)]
pub struct Hasher {
    limits: HasherLimits,
    seed: Secret,
    lines: Arc<Mutex<Lines>>,
}

type Peer = Option<IpAddr>;
type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Lines {
    /// Whose turn it is next: everybody with a line, once.
    turns: VecDeque<Peer>,
    jobs: HashMap<Peer, VecDeque<Job>>,
    waiting: usize,
    working: usize,
    done: u64,
}

impl Hasher {
    /// A hasher with the usual limits. `seed` is random and secret, made anew when the process starts: the
    /// salts of SCRAM keys that are derived from plain passwords are made of it.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::with_limits(seed, HasherLimits::default())
    }

    /// A hasher with limits of one's own.
    pub fn with_limits(seed: [u8; 32], limits: HasherLimits) -> Self {
        Self {
            limits,
            seed: Secret::new(seed),
            lines: Arc::default(),
        }
    }

    /// How busy it is.
    pub fn load(&self) -> Load {
        let lines = lock(&self.lines);
        Load {
            waiting: lines.waiting,
            working: lines.working,
            done: lines.done,
        }
    }

    /// Whether `password` is what is stored; cheap schemes are checked on the spot.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub async fn verify(&self, peer: Peer, stored: Arc<Stored>, password: &Secret) -> Result<bool> {
        if !stored.is_costly() {
            return Ok(stored.verify(password));
        }
        let password = password.clone();
        self.run(peer, move || stored.verify(&password)).await
    }

    /// The credential of `name`, see [`Stored::credential`]. Asked again it has the same salt.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub async fn credential(
        &self,
        peer: Peer,
        stored: Arc<Stored>,
        scheme: Scheme,
        name: &str,
    ) -> Result<Option<Credential>> {
        let derived = scheme != Scheme::Plain && stored.serves(scheme) && !stored.is_costly();
        let salt = salt_for(self.seed.expose(), scheme, name);
        if !derived {
            return Ok(stored.credential(scheme, &salt));
        }
        self.run(peer, move || stored.credential(scheme, &salt))
            .await
    }

    /// Does `work` when its turn comes, on tokio's threads for blocking work. Dropping the future gives
    /// the place up.
    ///
    /// # Errors
    /// Busy when too many wait, Unavailable outside of a tokio runtime.
    pub async fn run<T: Send + 'static>(
        &self,
        peer: Peer,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let runtime = Handle::try_current()
            .map_err(|error| Error::new(Kind::Unavailable, "password hashing").because(error))?;
        let (sender, result) = oneshot::channel();
        let lines = Arc::clone(&self.lines);
        let job: Job = Box::new(move || {
            if !sender.is_closed() {
                let result = work();
                // Counted before it is told, so that whoever was told sees it counted.
                lock(&lines).done += 1;
                let _ = sender.send(result);
            }
        });
        if self.queue(line_of(peer), job)? {
            let worker = Worker {
                lines: Arc::clone(&self.lines),
                counted: true,
            };
            runtime.spawn_blocking(move || worker.work());
        }
        // The sender is gone without a word where the place went to another, or the work panicked.
        result
            .await
            .map_err(|_| Error::new(Kind::Busy, "password hashing"))
    }

    /// Puts a job into its line; says whether one more worker is to be set on.
    fn queue(&self, peer: Peer, job: Job) -> Result<bool> {
        let mut lines = lock(&self.lines);
        let line = lines.jobs.get(&peer).map_or(0, VecDeque::len);
        let full = lines.waiting >= self.limits.waiting;
        if line >= self.limits.waiting_per_peer || (full && !lines.yields_to(line)) {
            return Err(Error::new(Kind::Busy, "too many logins at once"));
        }
        lines.push(peer, job);
        let more = lines.working < self.limits.workers.get();
        if more {
            lines.working += 1;
        }
        Ok(more)
    }
}

impl Lines {
    fn push(&mut self, peer: Peer, job: Job) {
        let line = self.jobs.entry(peer).or_default();
        if line.is_empty() {
            self.turns.push_back(peer);
        }
        line.push_back(job);
        self.waiting += 1;
    }

    /// The first of the next line; the line then goes behind the others.
    fn pop(&mut self) -> Option<Job> {
        let peer = self.turns.pop_front()?;
        let line = self.jobs.get_mut(&peer)?;
        let job = line.pop_front();
        if line.is_empty() {
            self.jobs.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        self.waiting -= 1;
        job
    }

    /// Drops the last of the longest line for somebody whose own has `len`, if that is fair.
    fn yields_to(&mut self, len: usize) -> bool {
        let Some((peer, line)) = self.jobs.iter_mut().max_by_key(|(_, line)| line.len()) else {
            return false;
        };
        if line.len() <= len + 1 {
            return false;
        }
        let peer = *peer;
        line.pop_back();
        self.waiting -= 1;
        debug_assert!(self.jobs.get(&peer).is_some_and(|line| !line.is_empty()));
        true
    }
}

/// One that works until all lines are empty. However it ends, it is counted off once.
struct Worker {
    lines: Arc<Mutex<Lines>>,
    counted: bool,
}

impl Worker {
    fn work(mut self) {
        while let Some(job) = self.next() {
            // A panic is a bug; it costs its one login.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&mut self) -> Option<Job> {
        let mut lines = lock(&self.lines);
        let job = lines.pop();
        if job.is_none() {
            // Under the same lock: whoever queues from now on sets another worker on.
            lines.working -= 1;
            self.counted = false;
        }
        job
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.counted {
            lock(&self.lines).working -= 1;
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("limits", &self.limits)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One subscriber has a whole /64 of IPv6.
fn line_of(peer: Peer) -> Peer {
    peer.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (!0 << 64))),
        v4 => v4,
    })
}
