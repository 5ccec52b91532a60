//! Linux tells of changes by inotify.

use super::network;
use super::watch::{Event, Watcher};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Inotify {
    fd: OwnedFd,
    root: PathBuf,
}

impl Inotify {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self {
            fd: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?,
            root: root.to_owned(),
        })
    }
}

impl Watcher for Inotify {
    fn add(&self, dir: &Path, names: bool) -> io::Result<u64> {
        let dir = self.root.join(dir);
        if network::name(&dir)?.is_some() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let within =
            WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::MOVED_FROM;
        let what = if names { itself | within } else { itself };
        let flags = what | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        let watch = inotify::add_watch(&self.fd, &dir, flags)?;
        u64::try_from(watch).map_err(io::Error::other)
    }

    fn remove(&self, watch: u64) {
        let removed = i32::try_from(watch).map(|watch| inotify::remove_watch(&self.fd, watch));
        if matches!(removed, Ok(Ok(()))) {
            return; // which is told: whoever waits returns
        }
        // It went with its directory. Another that comes and goes is told as well.
        let itself = WatchFlags::DELETE_SELF | WatchFlags::ONLYDIR;
        if let Ok(other) = inotify::add_watch(&self.fd, "/", itself) {
            let _ = inotify::remove_watch(&self.fd, other);
        }
    }

    fn take(&self, out: &mut Vec<Event>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.fd, &mut space);
        loop {
            let event = match reader.next() {
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                other => other?,
            };
            let what = event.events();
            let Ok(watch) = u64::try_from(event.wd()) else {
                out.push(Event::Lost); // the queue was full
                continue;
            };
            let name = || -> OsString {
                let name = event.file_name().map(|name| name.to_bytes());
                OsStr::from_bytes(name.unwrap_or_default()).to_owned()
            };
            if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                out.push(Event::Came(watch, name()));
            } else if what.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
                out.push(Event::Went(watch, name()));
            } else {
                out.push(Event::Gone(watch));
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None) {
            Err(Errno::INTR) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }
}
