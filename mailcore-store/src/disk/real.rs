//! The operating system's files.

use super::{Disk, File, FileKind, Open, Stat, Watcher};
use rustix::fs::OFlags;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Files of the operating system. What it makes belongs to the process's user alone (0600, 0700).
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    /// One open descriptor for each file system met. An error of writing back is reported once to each descriptor
    /// that was open when it happened: one opened for the sync alone could miss it (Linux ≥ 5.8).
    systems: Mutex<HashMap<u64, fs::File>>,
}

impl RealDisk {
    /// Relative paths are relative to `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            systems: Mutex::default(),
        }
    }

    fn at(&self, path: &Path) -> PathBuf {
        match path.as_os_str().is_empty() {
            true => self.root.clone(),
            false => self.root.join(path),
        }
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        // A message or a list that is a symbolic link could show what lies outside of the store.
        let nofollow = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut options = fs::OpenOptions::new();
        options
            .read(true)
            .mode(0o600)
            .custom_flags(nofollow.bits() as i32);
        match how {
            Open::Read => {}
            Open::Write => {
                options.write(true);
            }
            Open::Create => {
                options.write(true).create_new(true);
            }
            Open::Append => {
                options.append(true);
                let file = options.open(self.at(path))?;
                return Ok(Box::new(RealFile(file, true)));
            }
        }
        Ok(Box::new(RealFile(options.open(self.at(path))?, false)))
    }

    fn open_now(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(Box::new(RealFile(cached(&self.at(path), flags)?, false)))
    }

    fn stat_now(&self, path: &Path) -> io::Result<Stat> {
        let file = cached(&self.at(path), OFlags::PATH | OFlags::NOFOLLOW)?;
        file.metadata().map(|m| stat(&m))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(self.at(from), self.at(to))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn mkdir(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(self.at(path))
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(self.at(path))
    }

    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        for entry in fs::read_dir(self.at(path))? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_file() => FileKind::File,
                Ok(kind) if kind.is_dir() => FileKind::Dir,
                Ok(_) => FileKind::Other,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            each(&entry.file_name(), kind);
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(self.at(path)).map(|m| stat(&m))
    }

    /// Opening is what makes a client of NFS ask the server (close-to-open consistency), for directories too.
    fn look(&self, path: &Path) -> io::Result<Stat> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let link = rustix::io::Errno::LOOP.raw_os_error();
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(flags.bits() as i32);
        match options.open(self.at(path)) {
            // A link is what it is, and what may not be read can still be told of.
            Err(e) if e.raw_os_error() == Some(link) => self.stat(path),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => self.stat(path),
            other => other?.metadata().map(|m| stat(&m)),
        }
    }

    #[cfg(target_os = "linux")]
    fn network(&self, path: &Path) -> io::Result<Option<&'static str>> {
        super::network::name(&self.at(path))
    }

    #[cfg(not(target_os = "linux"))]
    fn network(&self, _: &Path) -> io::Result<Option<&'static str>> {
        Ok(None)
    }

    fn foreign(&self, path: &Path) -> io::Result<Option<u32>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let path = self.at(path);
        // Links by whoever may have made them, and what the last one leads to.
        let mut owners = vec![fs::metadata(&path)?.uid()];
        for place in path.ancestors().filter(|it| !it.as_os_str().is_empty()) {
            owners.push(fs::symlink_metadata(place)?.uid());
        }
        Ok(owners.into_iter().find(|uid| *uid != 0))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Whatever has taken its place, a pipe for one, is not waited for.
        let flags = OFlags::DIRECTORY | OFlags::NONBLOCK;
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(flags.bits() as i32);
        options.open(self.at(path))?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let nofollow = OFlags::NOFOLLOW.bits() as i32;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options
            .mode(0o600)
            .custom_flags(nofollow)
            .open(self.at(path))?;
        file.try_lock()?;
        Ok(Box::new(RealFile(file, false)))
    }

    #[cfg(target_os = "linux")]
    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        Ok(Box::new(super::inotify::Inotify::open(&self.root)?))
    }

    #[cfg(not(target_os = "linux"))]
    fn listen(&self) -> io::Result<Box<dyn Watcher>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn boot(&self) -> u128 {
        static BOOT: std::sync::OnceLock<u128> = std::sync::OnceLock::new();
        *BOOT.get_or_init(|| {
            // Only Linux tells.
            let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            let digits: String = id.trim().chars().filter(|c| *c != '-').collect();
            u128::from_str_radix(&digits, 16).unwrap_or(0)
        })
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        let path = self.at(path);
        let device = fs::metadata(&path)?.dev();
        let system = {
            let mut systems = self.systems.lock().unwrap_or_else(PoisonError::into_inner);
            match systems.entry(device) {
                std::collections::hash_map::Entry::Occupied(it) => it.get().try_clone()?,
                std::collections::hash_map::Entry::Vacant(it) => {
                    it.insert(fs::File::open(&path)?).try_clone()?
                }
            }
        };
        Ok(rustix::fs::syncfs(system)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        let _ = &self.systems; // there is no call for one file system: walk it
        let mut dirs = vec![self.at(path)];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    dirs.push(entry.path());
                } else if kind.is_file() {
                    fs::File::open(entry.path())?.sync_all()?;
                }
            }
            fs::File::open(&dir)?.sync_all()?;
        }
        Ok(())
    }
}

/// What is known of a file, links followed, if that can be said without waiting for the medium.
pub(crate) fn metadata_now(path: &Path) -> io::Result<fs::Metadata> {
    cached(path, OFlags::PATH)?.metadata()
}

/// Opens what every part of the path of is in memory (Linux ≥ 5.12).
#[cfg(target_os = "linux")]
fn cached(path: &Path, flags: OFlags) -> io::Result<fs::File> {
    use rustix::fs::{CWD, Mode, ResolveFlags, openat2};
    let opened = openat2(
        CWD,
        path,
        flags | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::CACHED,
    );
    opened.map(fs::File::from).map_err(|e| match e {
        // An older kernel, or one whose calls are filtered.
        rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL | rustix::io::Errno::PERM => {
            io::ErrorKind::WouldBlock.into()
        }
        e => e.into(),
    })
}

#[cfg(not(target_os = "linux"))]
fn cached(_: &Path, _: OFlags) -> io::Result<fs::File> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// A file, and whether it was opened for adding.
#[derive(Debug)]
struct RealFile(fs::File, bool);

impl File for RealFile {
    fn stat(&self) -> io::Result<Stat> {
        self.0.metadata().map(|m| stat(&m))
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(out, at) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn read_now(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let mut out = [io::IoSliceMut::new(out)];
        let read = rustix::io::preadv2(&self.0, &mut out, at, rustix::io::ReadWriteFlags::NOWAIT);
        read.map_err(|e| match e {
            // The file system, or the kernel, does not know the question.
            rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS => {
                io::ErrorKind::WouldBlock.into()
            }
            e => e.into(),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn read_now(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.0.metadata()?.len();
        match self.1 {
            true => (&self.0).write_all(bytes)?,
            false => self.0.write_all_at(bytes, at)?,
        }
        Ok(at)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn date(&self, modified: SystemTime) -> io::Result<()> {
        self.0.set_modified(modified)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn stat(of: &fs::Metadata) -> Stat {
    let kind = match of.file_type() {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Dir,
        _ => FileKind::Other,
    };
    Stat {
        kind,
        len: of.len(),
        inode: of.ino(),
        device: of.dev(),
        links: of.nlink(),
        modified: time(of.mtime(), of.mtime_nsec()),
        changed: time(of.ctime(), of.ctime_nsec()),
    }
}

fn time(seconds: i64, nanos: i64) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let fraction = Duration::from_nanos(nanos.unsigned_abs());
    let base = match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(whole),
        false => UNIX_EPOCH.checked_add(whole),
    };
    base.and_then(|t| t.checked_add(fraction))
        .unwrap_or(UNIX_EPOCH)
}
