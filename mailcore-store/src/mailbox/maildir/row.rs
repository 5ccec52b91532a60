//! One message of a mailbox as memory has it, and what its file is called.

use mailcore_base::mailbox::Flags;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'t> {
    pub(super) uid: u32,
    pub(super) flags: Flags,
    pub(super) modseq: u64,
    /// When it came, in seconds since 1970, where that is known.
    pub(super) date: Option<i64>,
    /// Where in the cache its texts are; 0: nowhere.
    pub(super) place: u32,
    /// Whether the file is in `new/`, else in `cur/`.
    pub(super) fresh: bool,
    pub(super) base: &'t [u8],
    pub(super) info: &'t [u8],
}

impl Row<'_> {
    /// The file, relative to the mailbox's directory.
    pub(super) fn file(&self) -> PathBuf {
        path(self.fresh, self.base, self.info)
    }
}

/// The path of a message, relative to its mailbox's directory.
pub(super) fn path(fresh: bool, base: &[u8], info: &[u8]) -> PathBuf {
    let dir = if fresh { "new" } else { "cur" };
    let name = [base, info].concat();
    Path::new(dir).join(OsStr::from_bytes(&name))
}
