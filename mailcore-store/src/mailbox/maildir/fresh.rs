//! A message that has been laid aside and is not shown yet: where its file is, and which name that gets.

use super::index::Texts;
use super::parcel::Aside;
use super::room::Room;
use super::row::{Row, path};
use crate::disk::{Disk, File};
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::Flags;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A message that a batch brings.
pub(super) struct Fresh {
    pub(super) uid: u32,
    pub(super) origin: Origin,
    /// Open, unless its octets are durable.
    pub(super) file: Option<Box<dyn File>>,
    pub(super) base: Vec<u8>,
    pub(super) info: Vec<u8>,
    pub(super) flags: Flags,
    pub(super) identity: Option<crate::queue::Identity>,
    /// When it came, in seconds since 1970.
    pub(super) date: Option<i64>,
    pub(super) len: u64,
    pub(super) texts: Option<Texts>,
}

/// Where a message's file is until it is shown.
pub(super) enum Origin {
    /// In `tmp/`.
    Aside(Aside),
    /// It is that of another message, too.
    Shared(PathBuf),
}

/// A message's file before it is shown.
pub(super) struct Laid {
    pub(super) origin: Origin,
    pub(super) file: Option<Box<dyn File>>,
    pub(super) date: Option<i64>,
    pub(super) len: u64,
}

impl Fresh {
    /// Unread mail lies in `new/`, as others deliver it; what comes with flags goes to `cur/`.
    pub(super) fn is_new(&self) -> bool {
        self.info.is_empty()
    }

    pub(super) fn path(&self, room: &Room) -> PathBuf {
        room.path(path(self.is_new(), &self.base, &self.info))
    }

    pub(super) fn row(&self, modseq: u64, place: u32) -> Row<'_> {
        Row {
            uid: self.uid,
            flags: self.flags,
            modseq,
            date: self.date,
            place,
            fresh: self.is_new(),
            base: &self.base,
            info: &self.info,
        }
    }
}

impl Origin {
    /// Gives the file its name in the mailbox.
    ///
    /// # Errors
    /// NotFound where another message's file has no such name any more, or can have no other: it must be taken up anew.
    pub(super) fn show(&mut self, disk: &dyn Disk, path: &Path) -> Result<()> {
        let failed = |e| Error::io("message file", e);
        match self {
            Self::Aside(aside) => {
                disk.rename(&aside.path(), path).map_err(failed)?;
                aside.moved();
                Ok(())
            }
            Self::Shared(from) => disk.link(from, path).map_err(|e| match e.kind() {
                ErrorKind::NotFound
                | ErrorKind::TooManyLinks
                | ErrorKind::CrossesDevices
                | ErrorKind::PermissionDenied => {
                    Error::new(Kind::NotFound, "message file").because(e)
                }
                _ => failed(e),
            }),
        }
    }
}
