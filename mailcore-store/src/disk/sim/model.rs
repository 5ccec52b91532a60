//! What is on the simulated disk: as it looks to those who use it, and as much of it as is durable.

use crate::disk::{FileKind, Stat};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A name in a directory.
pub(super) type Place = (u64, OsString);

/// The directory that every path begins in; relative and absolute paths are the same here.
const ROOT: u64 = 1;
/// So that a wrong offset does not take the whole memory.
const LONGEST: u64 = 1 << 32;

#[derive(Debug)]
pub(super) struct Model {
    pub(super) nodes: HashMap<u64, Node>,
    /// Names as they look.
    pub(super) names: BTreeMap<Place, u64>,
    /// Names that are durable.
    pub(super) stable: BTreeMap<Place, u64>,
    /// What leads from the second to the first, in order.
    pub(super) pending: Vec<Change>,
    pub(super) now: SystemTime,
    pub(super) operations: u64,
    pub(super) crash_after: Option<u64>,
    pub(super) fail_at: Option<u64>,
    pub(super) full_from: Option<u64>,
    pub(super) honour_syncs: bool,
    pub(super) dead: bool,
    /// Files that somebody has locked. No lock survives a crash.
    pub(super) locks: BTreeSet<u64>,
    pub(super) before_syncs: Option<Call>,
    /// Which life of the machine this is.
    pub(super) boot: u128,
    /// How often something was asked for that needs no waiting.
    pub(super) asked_now: u64,
    next: u64,
}

/// Something to be called.
#[derive(Clone)]
pub(super) struct Call(pub(super) Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call(..)")
    }
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: FileKind,
    /// Content as it looks.
    pub(super) bytes: Vec<u8>,
    /// Content that is durable.
    pub(super) stable: Vec<u8>,
    /// What leads from the second to the first, in order.
    pub(super) pending: Vec<Put>,
    pub(super) modified: SystemTime,
    pub(super) stable_modified: SystemTime,
    pub(super) changed: SystemTime,
    /// Names that it has.
    pub(super) links: u64,
}

/// A change of a file's content.
#[derive(Debug, Clone)]
pub(super) enum Put {
    Bytes(u64, Vec<u8>),
    Len(u64),
}

impl Put {
    /// What of it is done when it fails midway.
    pub(super) fn half(self) -> Self {
        match self {
            Self::Bytes(at, mut bytes) => {
                bytes.truncate(bytes.len() / 2);
                Self::Bytes(at, bytes)
            }
            Self::Len(len) => Self::Len(len),
        }
    }

    pub(super) fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Bytes(at, bytes) => {
                let from = usize::try_from(*at).unwrap_or(usize::MAX);
                let until = from.saturating_add(bytes.len());
                if bytes.is_empty() {
                    return;
                }
                if to.len() < until {
                    to.resize(until, 0);
                }
                if let Some(room) = to.get_mut(from..until) {
                    room.copy_from_slice(bytes);
                }
            }
            Self::Len(len) => to.resize(usize::try_from(*len).unwrap_or(usize::MAX), 0),
        }
    }

    fn end(&self) -> u64 {
        match self {
            Self::Bytes(at, bytes) => at.saturating_add(bytes.len() as u64),
            Self::Len(len) => *len,
        }
    }
}

/// A change of names that happens as a whole.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) removes: Vec<Place>,
    pub(super) adds: Option<(u64, OsString, u64)>,
    /// A sync that was to save it has failed.
    pub(super) forgotten: bool,
}

impl Change {
    pub(super) fn adding(dir: u64, name: OsString, node: u64) -> Self {
        Self {
            removes: Vec::new(),
            adds: Some((dir, name, node)),
            forgotten: false,
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let added = self.adds.iter().map(|(dir, name, _)| (*dir, name.clone()));
        self.removes.iter().cloned().chain(added)
    }

    pub(super) fn apply(&self, names: &mut BTreeMap<Place, u64>) {
        for place in &self.removes {
            names.remove(place);
        }
        if let Some((dir, name, node)) = &self.adds {
            names.insert((*dir, name.clone()), *node);
        }
    }
}

/// Which faults an operation can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It takes space.
    Space,
    /// It does not.
    Any,
}

impl Model {
    pub(super) fn new(now: SystemTime) -> Self {
        let mut model = Self {
            nodes: HashMap::new(),
            names: BTreeMap::new(),
            stable: BTreeMap::new(),
            pending: Vec::new(),
            now,
            operations: 0,
            asked_now: 0,
            crash_after: None,
            fail_at: None,
            full_from: None,
            honour_syncs: true,
            dead: false,
            locks: BTreeSet::new(),
            before_syncs: None,
            boot: 1,
            next: ROOT,
        };
        model.node(FileKind::Dir);
        model
    }

    /// After a crash: what survived looks as it is durable.
    pub(super) fn survivor(&self, nodes: HashMap<u64, Node>, names: BTreeMap<Place, u64>) -> Self {
        let mut model = Self {
            stable: names.clone(),
            names,
            nodes,
            boot: self.boot + 1,
            next: self.next,
            ..Self::new(self.now + Duration::from_secs(1))
        };
        model.nodes.values_mut().for_each(|node| node.links = 0);
        let places: Vec<Place> = model.names.keys().cloned().collect();
        model.count(places.iter(), 1);
        model
    }

    /// After the end of a process: everything is as it was, and nobody holds a lock.
    pub(super) fn taken_over(&self) -> Self {
        Self {
            stable: self.stable.clone(),
            names: self.names.clone(),
            pending: self.pending.clone(),
            nodes: self.nodes.clone(),
            boot: self.boot,
            next: self.next,
            honour_syncs: self.honour_syncs,
            ..Self::new(self.now + Duration::from_secs(1))
        }
    }

    pub(super) fn alive(&self) -> io::Result<()> {
        let struck = self.crash_after.is_some_and(|n| self.operations >= n);
        match self.dead || struck {
            true => Err(io::Error::other("power lost")),
            false => Ok(()),
        }
    }

    /// Counts an operation, and fails if it is to.
    pub(super) fn operation(&mut self, fault: Fault) -> io::Result<()> {
        self.operations += 1;
        self.now += Duration::from_micros(1);
        if self.fail_at == Some(self.operations) {
            return Err(io::Error::other("simulated I/O error"));
        }
        let full = self.full_from.is_some_and(|n| self.operations >= n);
        match full && fault == Fault::Space {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    pub(super) fn node(&mut self, kind: FileKind) -> u64 {
        let number = self.next;
        self.next += 1;
        let node = Node {
            kind,
            bytes: Vec::new(),
            stable: Vec::new(),
            pending: Vec::new(),
            modified: self.now,
            stable_modified: self.now,
            changed: self.now,
            links: 0,
        };
        self.nodes.insert(number, node);
        number
    }

    fn found(&self, node: u64) -> io::Result<&Node> {
        self.nodes
            .get(&node)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn kind(&self, node: u64) -> io::Result<FileKind> {
        self.found(node).map(|n| n.kind)
    }

    pub(super) fn walk(&self, path: &Path) -> io::Result<u64> {
        let mut at = ROOT;
        for part in path.components() {
            match part {
                Component::Normal(name) if self.kind(at)? == FileKind::Dir => {
                    at = self.lookup(&(at, name.to_owned()))?;
                }
                Component::Normal(_) => return Err(io::ErrorKind::NotADirectory.into()),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
            }
        }
        Ok(at)
    }

    /// The directory of a path and its last name.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        if name.len() > 255 {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let dir = self.walk(path.parent().unwrap_or(Path::new("")))?;
        match self.kind(dir)? {
            FileKind::Dir => Ok((dir, name.to_owned())),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn lookup(&self, place: &Place) -> io::Result<u64> {
        let found = self.names.get(place).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Whether a rename of `node` may take the place of `there`.
    pub(super) fn replaceable(&self, node: u64, there: u64) -> io::Result<()> {
        match (self.kind(node)?, self.kind(there)?) {
            (FileKind::File, FileKind::File) => Ok(()),
            (FileKind::Dir, FileKind::Dir) if self.inside(there).is_empty() => Ok(()),
            (FileKind::Dir, FileKind::Dir) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            (_, FileKind::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn inside(&self, dir: u64) -> Vec<(OsString, FileKind)> {
        self.names
            .range((dir, OsString::new())..(dir + 1, OsString::new()))
            .filter_map(|((_, name), node)| Some((name.clone(), self.kind(*node).ok()?)))
            .collect()
    }

    pub(super) fn stat(&self, node: u64) -> io::Result<Stat> {
        let found = self.found(node)?;
        Ok(Stat {
            kind: found.kind,
            len: found.bytes.len() as u64,
            inode: node,
            device: 1,
            links: found.links,
            modified: found.modified,
            changed: found.changed,
        })
    }

    pub(super) fn read(&self, node: u64, out: &mut [u8], at: u64) -> io::Result<usize> {
        let bytes = &self.found(node)?.bytes;
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let rest = bytes.get(from..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    pub(super) fn put(&mut self, node: u64, put: Put) -> io::Result<()> {
        if put.end() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let now = self.now;
        let node = self.nodes.get_mut(&node).ok_or(io::ErrorKind::NotFound)?;
        put.apply(&mut node.bytes);
        node.pending.push(put);
        node.modified = now;
        node.changed = now;
        Ok(())
    }

    pub(super) fn date(&mut self, node: u64, modified: SystemTime) -> io::Result<()> {
        let now = self.now;
        let node = self.nodes.get_mut(&node).ok_or(io::ErrorKind::NotFound)?;
        node.modified = modified;
        node.changed = now;
        Ok(())
    }

    pub(super) fn change(&mut self, change: Change) {
        for (dir, _) in change.places() {
            if let Some(dir) = self.nodes.get_mut(&dir) {
                dir.modified = self.now;
                dir.changed = self.now;
            }
        }
        self.count(change.removes.iter(), -1);
        let added = change
            .adds
            .as_ref()
            .map(|(dir, name, _)| (*dir, name.clone()));
        self.count(added.iter(), -1); // what had that name
        change.apply(&mut self.names);
        self.count(added.iter(), 1);
        self.pending.push(change);
    }

    /// What has these names has one more of them, or one less.
    fn count<'p>(&mut self, places: impl Iterator<Item = &'p Place>, by: i64) {
        let nodes: Vec<u64> = places.filter_map(|p| self.names.get(p).copied()).collect();
        for node in nodes {
            if let Some(node) = self.nodes.get_mut(&node) {
                node.links = node.links.saturating_add_signed(by);
            }
        }
    }

    pub(super) fn settle(&mut self, node: u64, date: bool) {
        if let Some(node) = self.nodes.get_mut(&node) {
            for put in node.pending.drain(..) {
                put.apply(&mut node.stable);
            }
            if date {
                node.stable_modified = node.modified;
            }
        }
    }

    /// A sync of this file failed: its pages count as clean, and are not on the medium.
    pub(super) fn forget(&mut self, node: u64) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.pending.clear();
        }
    }

    /// The same of everything.
    pub(super) fn forget_all(&mut self) {
        for node in self.nodes.values_mut() {
            node.pending.clear();
        }
        for change in &mut self.pending {
            change.forgotten = true;
        }
    }

    /// A sync of this directory failed: its names count as clean, and are not on the medium, unless they get there with
    /// a later change of the directory.
    pub(super) fn forget_dir(&mut self, dir: u64) {
        let touched = self.touched(dir);
        for (change, touched) in self.pending.iter_mut().zip(touched) {
            change.forgotten |= touched;
        }
    }

    /// Makes durable what was done to a directory's names, with what must have come before it.
    pub(super) fn settle_dir(&mut self, dir: u64) {
        let touched = self.touched(dir);
        let dirty =
            |change: &Change| !change.forgotten && change.places().any(|place| place.0 == dir);
        if !self.pending.iter().any(dirty) {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        for (change, settled) in pending.into_iter().zip(touched) {
            match settled {
                true => change.apply(&mut self.stable),
                false => self.pending.push(change),
            }
        }
    }

    /// Which changes are of a directory's names, or must have come before those that are.
    fn touched(&self, dir: u64) -> Vec<bool> {
        let mut wanted = BTreeSet::new();
        let mut touched = vec![false; self.pending.len()];
        for (change, touched) in self.pending.iter().zip(&mut touched).rev() {
            let places: Vec<Place> = change.places().collect();
            if places.iter().any(|p| p.0 == dir || wanted.contains(p)) {
                wanted.extend(places);
                *touched = true;
            }
        }
        touched
    }

    pub(super) fn settle_all(&mut self) {
        let places = self.pending.iter().flat_map(Change::places);
        let dirs: BTreeSet<u64> = places.map(|place| place.0).collect();
        for dir in dirs {
            self.settle_dir(dir);
        }
        let nodes: Vec<u64> = self.nodes.keys().copied().collect();
        for node in nodes {
            self.settle(node, true);
        }
    }
}
