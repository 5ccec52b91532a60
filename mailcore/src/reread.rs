//! A file that is read again when it changes. A new state that cannot be read leaves the one before in force. What is
//! wrong with a state is told once, in the log; nothing here knows what the file says.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is read of a file: its value, and what is wrong with it and does not keep the rest from being used.
pub(crate) type Read<T> = (T, Vec<String>);

/// Reads a file.
type Reader<T, E> = fn(&Path) -> Result<Read<T>, E>;

/// A file, and what it said when it was last read.
#[derive(Debug)]
pub(crate) struct Reread<T, E> {
    /// What the log calls it.
    name: &'static str,
    path: PathBuf,
    reader: Reader<T, E>,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    stamp: Option<Stamp>,
    /// The file was old enough when it was read that a later change shows.
    settled: bool,
    value: Arc<T>,
    /// What has been told of it.
    told: Vec<String>,
}

/// Tells one state of the file from another, whatever time it is dressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T, E: std::fmt::Display> Reread<T, E> {
    /// Reads the file for the first time.
    pub(crate) fn open(name: &'static str, path: PathBuf, reader: Reader<T, E>) -> Result<Self, E> {
        let stamp = Stamp::of(&path);
        let (value, faults) = reader(&path)?;
        tell(name, &faults);
        let state = State {
            stamp,
            settled: stamp.is_none_or(Stamp::is_settled),
            value: Arc::new(value),
            told: faults,
        };
        Ok(Self {
            name,
            path,
            reader,
            state: Mutex::new(state),
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says now. Looks at the file, and reads it where it has changed.
    pub(crate) fn now(&self) -> Arc<T> {
        let mut state = self.lock();
        let stamp = Stamp::of(&self.path);
        if stamp != state.stamp || !state.settled {
            self.refresh(&mut state, stamp);
        }
        Arc::clone(&state.value)
    }

    fn refresh(&self, state: &mut State<T>, stamp: Option<Stamp>) {
        state.settled = stamp.is_none_or(Stamp::is_settled);
        state.stamp = stamp;
        let faults = match (self.reader)(&self.path) {
            Ok((value, faults)) => {
                state.value = Arc::new(value);
                faults
            }
            Err(error) => vec![format!("what was read before stays in force: {error}")],
        };
        if faults != state.told {
            tell(self.name, &faults);
            state.told = faults;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(name: &str, faults: &[String]) {
    for fault in faults {
        tracing::warn!("{name}: {fault}");
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(Self::from)
    }

    /// File systems count time in ticks of up to two seconds: within one, a second change may not show.
    fn is_settled(self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        now.is_some_and(|now| now.saturating_sub(self.changed.0) > 2)
    }
}

impl From<Metadata> for Stamp {
    fn from(file: Metadata) -> Self {
        Self {
            inode: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}
