//! From links to threads: what is not there goes, what has one subject comes together, all is put in order.

use super::links::Links;
use super::threads::{Branch, Threads, plant};
use super::{Letter, NONE};

/// ORDEREDSUBJECT: of each subject one thread, the first message at its top and all others below it.
pub(super) fn by_subject(letters: &[Letter], subjects: usize) -> Threads {
    // The first message of each subject; those without a subject are one subject too (RFC 5256 §3).
    let mut tops = vec![NONE; subjects + 1];
    let slot = |letter: &Letter| (letter.subject as usize).min(subjects);
    for (place, letter) in (0..).zip(letters) {
        let Some(top) = tops.get_mut(slot(letter)) else {
            continue;
        };
        let before = letters.get(*top as usize).map(Letter::when);
        if before.is_none_or(|before| letter.when() < before) {
            *top = place;
        }
    }
    let branches = (0..).zip(letters).map(|(place, letter)| {
        let top = tops.get(slot(letter)).copied().unwrap_or(NONE);
        Branch {
            under: if top == place { NONE } else { top },
            when: letter.when(),
            node: place,
            uid: Some(letter.uid),
        }
    });
    plant(branches.collect(), letters.len())
}

/// REFERENCES with so many subjects, or REFS without any.
pub(super) fn by_reference(
    letters: &[Letter],
    mut links: Links,
    subjects: Option<usize>,
) -> Threads {
    let mut grove = Grove::of(letters, &links);
    match subjects {
        Some(subjects) => grove.gather(subjects),
        None => grove.by_latest(&mut links),
    }
    grove.threads()
}

/// A node at the top, or on the way to it.
#[derive(Debug, Clone, Copy)]
struct Top {
    node: u32,
    when: (i64, u32),
    /// Its first message; its own, if it has one.
    letter: u32,
}

/// Messages under messages, or under what is not there but has several below it.
struct Grove<'l> {
    letters: &'l [Letter],
    /// Of each node, what it is under.
    under: Vec<u32>,
    tops: Vec<Top>,
    /// Of nodes that are messages, the place.
    letter: Vec<u32>,
}

impl<'l> Grove<'l> {
    /// Leaves out what is not there (RFC 5256 §3, REFERENCES (3)): its children take its place, but at the top only
    /// where it has a single one.
    fn of(letters: &'l [Letter], links: &Links) -> Self {
        let nodes = links.len();
        let letter: Vec<u32> = (0..nodes).map(|node| links.letter(node)).collect();
        let mut under = nearest(links, &letter);
        // Of each node without a message: how many messages it has below, and the first of them.
        let mut count = vec![0_u32; nodes as usize];
        let mut first = vec![NONE; nodes as usize];
        for (place, one) in (0..).zip(letters) {
            let Some(above) = under.get(one.node as usize).map(|above| *above as usize) else {
                continue;
            };
            if let (Some(count), Some(first)) = (count.get_mut(above), first.get_mut(above)) {
                *count += 1;
                let before = letters.get(*first as usize).map(Letter::when);
                if before.is_none_or(|before| one.when() < before) {
                    *first = place;
                }
            }
        }
        let mut tops = Vec::new();
        for (place, one) in (0..).zip(letters) {
            let Some(above) = under.get_mut(one.node as usize) else {
                continue;
            };
            let is_there = letter.get(*above as usize).is_some_and(|l| *l != NONE);
            if *above != NONE && !is_there && count.get(*above as usize) == Some(&1) {
                *above = NONE;
            }
            if *above == NONE {
                tops.push(Top {
                    node: one.node,
                    when: one.when(),
                    letter: place,
                });
            }
        }
        for node in 0..nodes {
            let place = node as usize;
            let (count, first) = (count.get(place).copied(), first.get(place).copied());
            if letter.get(place) == Some(&NONE)
                && let (Some(2..), Some(first)) = (count, first)
                && let Some(one) = letters.get(first as usize)
            {
                tops.push(Top {
                    node,
                    when: one.when(),
                    letter: first,
                });
            }
        }
        Self {
            letters,
            under,
            tops,
            letter,
        }
    }

    /// RFC 5256 §3, REFERENCES (5): threads of the same subject become one.
    fn gather(&mut self, subjects: usize) {
        // (4) first: in order.
        self.tops.sort_unstable_by_key(|top| top.when);
        let mut table: Vec<Option<Top>> = vec![None; subjects];
        for top in &self.tops {
            let Some(slot) = self.slot(&mut table, *top) else {
                continue;
            };
            let better = slot.is_none_or(|known| {
                let gone = |top: Top| !self.is_there(top);
                gone(*top) && !gone(known) || self.answers(known) && !self.answers(*top)
            });
            if better {
                *slot = Some(*top);
            }
        }
        let tops = std::mem::take(&mut self.tops);
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for top in tops {
            let known = self.slot(&mut table, top).and_then(|slot| *slot);
            let Some(known) = known.filter(|known| known.node != top.node) else {
                self.tops.push(top);
                continue;
            };
            match (self.is_there(known), self.is_there(top)) {
                (false, false) => merged.push((top.node, known.node)),
                (false, true) => self.put(top.node, known.node),
                _ if self.answers(top) && !self.answers(known) => self.put(top.node, known.node),
                _ => {
                    let both = self.join(known, top);
                    self.tops.push(both);
                    if let Some(slot) = self.slot(&mut table, top) {
                        *slot = Some(both);
                    }
                }
            }
        }
        self.settle(&merged);
    }

    /// The place of a top's subject in the table; none without a subject.
    fn slot<'t>(&self, table: &'t mut [Option<Top>], top: Top) -> Option<&'t mut Option<Top>> {
        let subject = self.letters.get(top.letter as usize)?.subject;
        table.get_mut(subject as usize)
    }

    fn is_there(&self, top: Top) -> bool {
        self.letter
            .get(top.node as usize)
            .is_some_and(|l| *l != NONE)
    }

    fn answers(&self, top: Top) -> bool {
        let letter = self.letters.get(top.letter as usize);
        self.is_there(top) && letter.is_some_and(|letter| letter.answers)
    }

    fn put(&mut self, node: u32, under: u32) {
        if let Some(place) = self.under.get_mut(node as usize) {
            *place = under;
        }
    }

    /// A new place at the top with both below it.
    fn join(&mut self, known: Top, top: Top) -> Top {
        let node = u32::try_from(self.under.len()).unwrap_or(NONE);
        self.under.push(NONE);
        self.letter.push(NONE);
        self.put(known.node, node);
        self.put(top.node, node);
        let first = if known.when <= top.when { known } else { top };
        Top { node, ..first }
    }

    /// Carries out what was decided: what was at the top and is not any more leaves it, and what was below one place
    /// goes below the other.
    fn settle(&mut self, merged: &[(u32, u32)]) {
        let mut to = vec![NONE; self.under.len()];
        for (from, into) in merged {
            if let Some(to) = to.get_mut(*from as usize) {
                *to = *into;
            }
        }
        for under in &mut self.under {
            if let Some(into) = to.get(*under as usize).filter(|into| **into != NONE) {
                *under = *into;
            }
        }
        let under = &self.under;
        self.tops
            .retain(|top| under.get(top.node as usize) == Some(&NONE));
        self.first_again();
    }

    /// What stands for a place that is empty is its first message, which may have come by now.
    fn first_again(&mut self) {
        let mut first = vec![NONE; self.under.len()];
        for (place, one) in (0..).zip(self.letters) {
            let above = self.under.get(one.node as usize).copied().unwrap_or(NONE);
            if let Some(first) = first.get_mut(above as usize) {
                let before = self.letters.get(*first as usize).map(Letter::when);
                if before.is_none_or(|before| one.when() < before) {
                    *first = place;
                }
            }
        }
        let (letters, letter) = (self.letters, &self.letter);
        for top in &mut self.tops {
            if letter.get(top.node as usize) == Some(&NONE)
                && let Some(one) = first
                    .get(top.node as usize)
                    .and_then(|f| letters.get(*f as usize))
            {
                top.when = one.when();
            }
        }
    }

    /// REFS: threads in the order of their latest messages; of the same time, as with Dovecot, those first whose first
    /// message is not there.
    fn by_latest(&mut self, links: &mut Links) {
        let mut latest = vec![None; self.under.len()];
        for one in self.letters {
            if let Some(latest) = latest.get_mut(links.root(one.node) as usize) {
                *latest = (*latest).max(Some(one.sent));
            }
        }
        for top in &mut self.tops {
            let root = links.root(top.node) as usize;
            if let Some(Some(sent)) = latest.get(root) {
                top.when.0 = *sent;
            }
            if self.letter.get(root) == Some(&NONE) {
                top.when.1 = 0;
            }
        }
    }

    fn threads(self) -> Threads {
        let Self {
            letters,
            under,
            tops,
            letter,
        } = self;
        let mut branches: Vec<Branch> = letters
            .iter()
            .filter_map(|one| {
                let above = *under.get(one.node as usize)?;
                (above != NONE).then_some(Branch {
                    under: above,
                    when: one.when(),
                    node: one.node,
                    uid: Some(one.uid),
                })
            })
            .collect();
        branches.extend(tops.iter().map(|top| {
            Branch {
                under: NONE,
                when: top.when,
                node: top.node,
                uid: letter
                    .get(top.node as usize)
                    .and_then(|place| letters.get(*place as usize))
                    .map(|one| one.uid),
            }
        }));
        plant(branches, under.len())
    }
}

/// Of each node, the nearest one above that is a message; where there is none, the topmost.
fn nearest(links: &Links, letter: &[u32]) -> Vec<u32> {
    let mut found = vec![NONE; letter.len()];
    let mut seen = vec![false; letter.len()];
    let mut way = Vec::new();
    for start in 0..links.len() {
        let mut node = start;
        // Up to what is known, is a message, or has nothing above it.
        let above = loop {
            let parent = links.parent(node);
            if seen.get(node as usize) == Some(&true) {
                let above = found.get(node as usize).copied().unwrap_or(NONE);
                break if above == NONE { node } else { above };
            }
            way.push(node);
            if parent == NONE {
                break NONE;
            }
            if letter.get(parent as usize).is_some_and(|l| *l != NONE) {
                break parent;
            }
            node = parent;
        };
        settle_way(&mut way, above, &mut found, &mut seen);
    }
    found
}

/// What is known of the end of a way holds for all of it; a way that ends at the top is under the top.
fn settle_way(way: &mut Vec<u32>, mut above: u32, found: &mut [u32], seen: &mut [bool]) {
    while let Some(node) = way.pop() {
        if let (Some(found), Some(seen)) =
            (found.get_mut(node as usize), seen.get_mut(node as usize))
        {
            (*found, *seen) = (above, true);
        }
        if above == NONE {
            // The topmost, and not a message, since a way goes on only from what is none.
            above = node;
        }
    }
}
