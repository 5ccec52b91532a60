//! Threads as they are told: a forest, flat.

use mailcore_base::mailbox::Uid;

/// A message in a thread, or the place of one that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Which; none at the top of a thread whose first message is not there.
    pub uid: Option<Uid>,
    /// How many follow as its children, each with its own behind it.
    pub children: u32,
}

/// Threads, each message in front of its children.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Threads {
    told: Vec<Told>,
}

impl Threads {
    /// How many messages and places.
    pub fn len(&self) -> usize {
        self.told.len()
    }

    /// There are no threads.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// What is at this place.
    pub fn get(&self, place: usize) -> Option<Told> {
        self.told.get(place).copied()
    }

    pub(super) fn push(&mut self, told: Told) {
        self.told.push(told);
    }
}

/// A node and what it is under, as [`plant`] wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Branch {
    /// Which node it is under, by its number; the highest number for none.
    pub(super) under: u32,
    /// What orders it among its siblings.
    pub(super) when: (i64, u32),
    pub(super) node: u32,
    /// Its message.
    pub(super) uid: Option<Uid>,
}

/// Makes threads of branches in any order, of which none is above itself.
pub(super) fn plant(mut branches: Vec<Branch>, nodes: usize) -> Threads {
    branches.sort_unstable();
    // Where the branches under each node begin; siblings stand in a row.
    let mut first = vec![super::NONE; nodes];
    for (place, branch) in branches.iter().enumerate().rev() {
        if let Some(first) = first.get_mut(branch.under as usize) {
            *first = u32::try_from(place).unwrap_or(super::NONE);
        }
    }
    let under = |node: u32| {
        let start = *first.get(node as usize)? as usize;
        let family = branches.get(start..)?;
        let count = family.partition_point(|branch| branch.under == node);
        Some((start, count)).filter(|(_, count)| *count > 0)
    };
    let mut threads = Threads {
        told: Vec::with_capacity(branches.len()),
    };
    let tops = branches.partition_point(|branch| branch.under != super::NONE);
    // Runs of siblings still to be told; a run that has none left is not kept.
    let mut open = vec![(tops, branches.len())];
    while let Some((place, end)) = open.pop() {
        let Some(branch) = branches.get(place).filter(|_| place < end) else {
            continue;
        };
        if place + 1 < end {
            open.push((place + 1, end));
        }
        let children = under(branch.node);
        threads.push(Told {
            uid: branch.uid,
            children: children.map_or(0, |(_, count)| u32::try_from(count).unwrap_or(0)),
        });
        if let Some((start, count)) = children {
            open.push((start, start + count));
        }
    }
    threads
}
