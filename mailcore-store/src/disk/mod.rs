//! The seam under every file that is kept: mailboxes, indexes, the queue's log.
//!
//! [`Disk`] is what we ask of a file system, call by call, and it says what each call promises about power
//! loss: **a write is durable once its file is synced, a name once its directory is**, and [`Disk::sync_all`]
//! does both for a whole file system. [`RealDisk`] is the operating system; [`SimDisk`] is a model in memory
//! that can lose power after any operation, fill up, or fail. It knows no time of its own and no mail.

#[cfg(all(feature = "files", target_os = "linux"))]
mod inotify;
#[cfg(all(feature = "files", target_os = "linux"))]
mod network;
#[cfg(feature = "files")]
mod real;
#[cfg(feature = "files")]
mod shared;
mod sim;
mod watch;

#[cfg(feature = "files")]
pub use real::RealDisk;
#[cfg(feature = "files")]
pub(crate) use real::metadata_now;
#[cfg(feature = "files")]
pub(crate) use shared::SharedDisk;
pub use sim::{Loss, SimDisk};
pub use watch::{Event, Watcher};

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// How a file is opened. A symbolic link is never followed in a path's last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Open {
    /// For reading a file that is there.
    Read,
    /// For reading and writing a file that is there.
    Write,
    /// For reading and writing a file that must not be there yet (`O_EXCL`; also how a lock file is taken).
    Create,
    /// For adding to a file that is there ([`File::append`]), together with others: what each adds stays whole (`O_APPEND`).
    Append,
}

/// What a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link, a device, a socket …: nothing of ours.
    Other,
}

/// What is known of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Its length in octets.
    pub len: u64,
    /// Which one it is: stays the same under another name.
    pub inode: u64,
    /// Which file system it is on.
    pub device: u64,
    /// How many names a file has.
    pub links: u64,
    /// When its content was last changed, or as [`File::date`] said.
    pub modified: SystemTime,
    /// When anything about it last changed; nobody can set this one.
    pub changed: SystemTime,
}

/// A file system, or a part of one. Calls block; paths are absolute or relative to the disk's root.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// As the medium says; `AlreadyExists` for [`Open::Create`], `NotFound` for the others.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>>;

    /// Opens a file for reading, if that can be done without waiting for the medium: whatever is on its way is in memory.
    ///
    /// # Errors
    /// `WouldBlock` where it may have to be waited for, or where nobody can tell; as [`open`](Self::open).
    fn open_now(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// As [`stat`](Self::stat), if that can be done without waiting for the medium.
    ///
    /// # Errors
    /// `WouldBlock` where it may have to be waited for, or where nobody can tell; as `stat`.
    fn stat_now(&self, path: &Path) -> io::Result<Stat>;

    /// Gives a file or directory another name, in place of what had that name. In a crash it is the one name or the
    /// other, never neither. Durable once the new directory is synced.
    ///
    /// # Errors
    /// As the medium says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file one more name.
    ///
    /// # Errors
    /// As the medium says; `AlreadyExists` where the name is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away; its content goes with its last name and its last opener.
    ///
    /// # Errors
    /// As the medium says.
    fn unlink(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory in one that is there.
    ///
    /// # Errors
    /// As the medium says; `AlreadyExists` where the name is taken.
    fn mkdir(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As the medium says.
    fn rmdir(&self, path: &Path) -> io::Result<()>;

    /// Shows each name in a directory, in no particular order. Names that come or go meanwhile may be shown or not.
    ///
    /// # Errors
    /// As the medium says.
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()>;

    /// What is known of a path; of a symbolic link itself, not of what it points at.
    ///
    /// # Errors
    /// As the medium says.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// The same as of now. On a network file system [`stat`](Self::stat) may tell what was known of a path seconds ago;
    /// this asks whoever keeps the file, and what is in a directory that was looked at is then what is in it now.
    ///
    /// # Errors
    /// As the medium says.
    fn look(&self, path: &Path) -> io::Result<Stat>;

    /// The name of the network file system that a path is on, or of one that programs behind the kernel's back may change;
    /// none for a file system of this host's own, and where nobody can tell.
    ///
    /// # Errors
    /// As the medium says.
    fn network(&self, path: &Path) -> io::Result<Option<&'static str>>;

    /// The user id that a directory is in the hands of, if it is not to be served by this process: this one is root's, and the
    /// directory, or one on the way to it, is another user's, who may exchange what lies there at any moment. None
    /// where nobody can tell.
    ///
    /// # Errors
    /// As the medium says.
    fn foreign(&self, _path: &Path) -> io::Result<Option<u32>> {
        Ok(None)
    }

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// When they could not be: then they may be lost, and asking again proves nothing.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes a lock file for this process alone, making it where it is not there. The lock is given back when what is
    /// returned is dropped, and when the process ends, however it ends.
    ///
    /// # Errors
    /// As the medium says; `WouldBlock` while somebody else has it, this process included.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Begins to listen for changes of directories.
    ///
    /// # Errors
    /// `Unsupported` where nobody tells of them; as the system says.
    fn listen(&self) -> io::Result<Box<dyn Watcher>>;

    /// Which life of the machine this is: another number after power was lost or the system was started anew, whatever the
    /// process; 0 where nobody knows. What was written and not synced is there for sure only in the same life.
    fn boot(&self) -> u128;

    /// Makes everything durable that was written so far to the file system that `path` (a directory) is on: contents,
    /// names, dates. One call serves any number of files.
    ///
    /// # Errors
    /// When any of it could not be: then any of it may be lost, and asking again proves nothing.
    fn sync_all(&self, path: &Path) -> io::Result<()>;
}

/// An open file. Calls block.
pub trait File: Send + Sync + Debug {
    /// What is known of it.
    ///
    /// # Errors
    /// As the medium says.
    fn stat(&self) -> io::Result<Stat>;

    /// Reads at an offset as much as comes at once; nothing only at the end.
    ///
    /// # Errors
    /// As the medium says.
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize>;

    /// As [`read_at`](Self::read_at), of what can be had without waiting for the medium.
    ///
    /// # Errors
    /// `WouldBlock` where it would have to be waited for, or where nobody can tell; as `read_at`.
    fn read_now(&self, out: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at an offset; a gap before it reads as NUL.
    ///
    /// # Errors
    /// As the medium says; some of it may have been written.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Writes all of `bytes` at the end and says where that was, as far as it is known: one writer at a time, unless the file
    /// was opened by all with [`Open::Append`].
    ///
    /// # Errors
    /// As the medium says; some of it may have been written.
    fn append(&self, bytes: &[u8]) -> io::Result<u64>;

    /// Cuts or stretches the file to a length.
    ///
    /// # Errors
    /// As the medium says.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Sets when its content was last changed.
    ///
    /// # Errors
    /// As the medium says.
    fn date(&self, modified: SystemTime) -> io::Result<()>;

    /// Makes the content durable (`fdatasync`): not the date, and not the name.
    ///
    /// # Errors
    /// When it could not be: then what was written may be lost, and asking again proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes content and date durable (`fsync`); the name is its directory's affair.
    ///
    /// # Errors
    /// As for [`sync_data`](Self::sync_data).
    fn sync(&self) -> io::Result<()>;
}

/// Whether a network file system has lost sight of a file or directory (`ESTALE`): another host has removed or replaced it,
/// or the file server was started anew. It says nothing about what is there now, and asks to look again.
pub fn is_stale(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::StaleNetworkFileHandle
}

/// Calls again what [is stale](is_stale), a few times.
fn anew<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..3 {
        match call() {
            Err(e) if is_stale(&e) => {}
            other => return other,
        }
    }
    call()
}

/// The whole content of a small file.
///
/// # Errors
/// As the medium says; `InvalidData` for a file of more than `limit` octets.
pub fn read(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Where another host has put another file in its place meanwhile, that one is read.
    anew(|| read_once(disk, path, limit))
}

fn read_once(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Open::Read)?;
    let len = file.stat()?.len;
    if len > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "file too large"));
    }
    let mut out = vec![0; usize::try_from(len).unwrap_or(0)];
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    out.truncate(filled);
    Ok(out)
}

/// Puts `bytes` in the place of a file's content, durably: a reader, and a crash, finds the old content or the new.
/// `aside` is a name in the same directory for the time between; what a crash left under it is overwritten.
///
/// # Errors
/// As the medium says: the old content is then still there, or (when the last sync failed) perhaps the new.
pub fn replace(disk: &dyn Disk, path: &Path, aside: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = match disk.open(aside, Open::Create) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            disk.unlink(aside)?;
            disk.open(aside, Open::Create)?
        }
        other => other?,
    };
    let written = file.write_at(bytes, 0).and_then(|()| file.sync_data());
    drop(file);
    if let Err(e) = written.and_then(|()| disk.rename(aside, path)) {
        let _ = disk.unlink(aside); // it is not in anybody's way if it stays
        return Err(e);
    }
    disk.sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// Makes a directory and those above it that are missing.
///
/// # Errors
/// As the medium says.
pub fn mkdir_all(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut at = path;
    while let Err(e) = disk.stat(at) {
        if e.kind() != io::ErrorKind::NotFound {
            return Err(e);
        }
        missing.push(at);
        match at.parent() {
            Some(up) if !up.as_os_str().is_empty() => at = up,
            _ => break,
        }
    }
    for dir in missing.into_iter().rev() {
        match disk.mkdir(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => disk
                .sync_dir(dir.parent().unwrap_or(Path::new("")))
                .inspect_err(|_| {
                    // A name that may be lost must not pass for one that is there when this is called again.
                    let _ = disk.rmdir(dir);
                })?,
        }
    }
    Ok(())
}
