//! Being told of what changes in directories, instead of looking.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;

/// What has happened to a directory that is watched, by whatever hand. The number is that of its watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A name is there: made, or moved to here.
    Came(u64, OsString),
    /// A name is gone: removed, or moved away.
    Went(u64, OsString),
    /// The directory itself was removed or has another place now: nothing more that is told under this number means much.
    Gone(u64),
    /// More happened than could be told, anywhere.
    Lost,
}

/// Tells of changes in any number of directories, of one host's programs: what others do to a file system that several
/// hosts share is told to nobody.
pub trait Watcher: Send + Sync + Debug {
    /// Begins to watch a directory: what happens from now on is told under the number returned, the same number where it is
    /// watched already. `names`: which names come and go is told too.
    ///
    /// # Errors
    /// `Unsupported` on a file system that several hosts may share; as the system says, for instance when no more can be
    /// watched.
    fn add(&self, dir: &Path, names: bool) -> io::Result<u64>;

    /// Watches that directory no longer. Whoever waits returns.
    fn remove(&self, watch: u64);

    /// Takes what has happened so far; never waits.
    ///
    /// # Errors
    /// As the system says; nothing is told from then on.
    fn take(&self, out: &mut Vec<Event>) -> io::Result<()>;

    /// Waits until there is something to be taken. It may return for nothing.
    ///
    /// # Errors
    /// As the system says; nothing is told from then on.
    fn wait(&self) -> io::Result<()>;
}
