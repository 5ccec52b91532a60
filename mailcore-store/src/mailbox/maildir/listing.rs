//! What lies in `new/` and `cur/`.

use super::filename::{self, Split};
use super::room::Room;
use crate::disk::FileKind;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;

/// The message files of a mailbox, each base once.
#[derive(Debug, Default)]
pub(super) struct Listing {
    files: Vec<(bool, Box<[u8]>)>,
    /// Further files of a base that was there already.
    twins: Vec<(usize, bool, Box<[u8]>)>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'l> {
    pub(super) fresh: bool,
    pub(super) base: &'l [u8],
    pub(super) info: &'l [u8],
}

impl Listing {
    /// Reads both directories. A file that moves meanwhile may be missed, or seen twice.
    pub(super) fn read(room: &Room) -> std::io::Result<Self> {
        let mut listing = Self::default();
        listing.add(room)?;
        Ok(listing)
    }

    /// Reads once more and adds what was missed.
    pub(super) fn add(&mut self, room: &Room) -> std::io::Result<()> {
        let mut seen: HashMap<Box<[u8]>, usize> = HashMap::with_capacity(self.files.len());
        for (at, (_, name)) in self.files.iter().enumerate() {
            if let Some(split) = filename::split(name) {
                seen.insert(split.base.into(), at);
            }
        }
        for (dir, fresh) in [("new", true), ("cur", false)] {
            room.site.disk.list(&room.path(dir), &mut |name, kind| {
                let name = name.as_bytes();
                let Some(split) = filename::split(name).filter(|_| kind == FileKind::File) else {
                    return;
                };
                match seen.get(split.base) {
                    None => {
                        seen.insert(split.base.into(), self.files.len());
                        self.files.push((fresh, name.into()));
                    }
                    Some(at)
                        if self
                            .files
                            .get(*at)
                            .is_some_and(|f| f.0 == fresh && *f.1 == *name) => {}
                    Some(at) => self.twins.push((*at, fresh, name.into())),
                }
            })?;
        }
        Ok(())
    }

    /// Whether two files seem to have one base.
    pub(super) fn has_twins(&self) -> bool {
        !self.twins.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn found(&self) -> impl Iterator<Item = Found<'_>> {
        self.files.iter().map(|(fresh, name)| {
            let split = filename::split(name).unwrap_or(Split {
                base: name,
                info: b"",
            });
            Found {
                fresh: *fresh,
                base: split.base,
                info: split.info,
            }
        })
    }

    /// Two files of one base: a file that was seen on both sides of a move is one, two names of one file lose the
    /// second, and two files get two names. Says whether anything changed, so that it must be read again.
    pub(super) fn part(&self, room: &Room) -> std::io::Result<bool> {
        let disk = &*room.site.disk;
        let mut changed = false;
        for (at, fresh, name) in &self.twins {
            let Some((first_fresh, first)) = self.files.get(*at) else {
                continue;
            };
            let path = |fresh: bool, name: &[u8]| room.path(super::row::path(fresh, name, b""));
            let (one, two) = (path(*first_fresh, first), path(*fresh, name));
            let looked = (room.site.look(&one), room.site.look(&two));
            let parted = match looked {
                (Ok(a), Ok(b)) if a.inode == b.inode => {
                    disk.unlink(if *first_fresh { &one } else { &two })
                }
                (Ok(_), Ok(_)) => {
                    let unique = room.site.unique(None).into_bytes();
                    let info = filename::split(name).map_or(&b""[..], |s| s.info);
                    disk.rename(&two, &room.path(super::row::path(*fresh, &unique, info)))
                }
                _ => Ok(()),
            };
            match parted {
                Err(e) if e.kind() == ErrorKind::NotFound => {} // so there are no two any more
                other => other?,
            }
            changed = true;
        }
        Ok(changed)
    }
}
