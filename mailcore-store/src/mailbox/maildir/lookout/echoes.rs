//! What comes to message directories and goes, and what of it is our own doing.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Names that a mailbox's box holds, ours and those of others; of more it is only known that there were more.
pub(super) const HELD: usize = 4096;

/// A name that came to a message directory, or went.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Told {
    pub(super) fresh: bool,
    pub(super) came: bool,
    pub(super) name: Box<[u8]>,
}

impl Told {
    fn of(path: &Path, came: bool) -> Option<Self> {
        let dir = path.parent()?;
        Some(Self {
            fresh: dir.ends_with("new"),
            came,
            name: path.file_name()?.as_bytes().into(),
        })
    }
}

/// What we have done ourselves and will be told of.
#[derive(Debug, Default)]
pub(in super::super) struct Echoes {
    /// The post that they will come to; 0: none.
    pub(super) awaited: u64,
    names: HashMap<Told, usize>,
    /// There were more than are kept.
    pub(super) over: bool,
}

impl Echoes {
    /// We have made that name, or (unless `came`) taken it away.
    pub(in super::super) fn expect(&mut self, path: &Path, came: bool) {
        if self.awaited == 0 || self.over {
            return;
        }
        self.over = self.names.len() >= HELD;
        if let Some(told) = Told::of(path, came) {
            *self.names.entry(told).or_default() += 1;
        }
    }

    /// Whether something of that was not our doing.
    pub(super) fn is_news(&mut self, told: Vec<Told>) -> bool {
        let mut news = false;
        for it in told {
            match self.names.get_mut(&it) {
                None => news = true,
                Some(1) => drop(self.names.remove(&it)),
                Some(count) => *count -= 1,
            }
        }
        news
    }

    pub(super) fn forget(&mut self, awaited: u64) {
        *self = Self::default();
        self.awaited = awaited;
    }
}
