//! What survives when the simulated disk loses power.

use super::Loss;
use super::model::{Change, Model, Node, Place, Put};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The disk as it is found after a crash.
pub(super) fn survive(model: &Model, loss: Loss, seed: u64) -> Model {
    let mut chance = Chance(seed);
    let names = match loss {
        Loss::Lost => model.stable.clone(),
        Loss::Kept => model.names.clone(),
        Loss::Torn => torn_names(model, &mut chance),
    };
    let mut numbers: Vec<u64> = model.nodes.keys().copied().collect();
    numbers.sort_unstable(); // so that one seed gives one history
    let nodes: HashMap<u64, Node> = numbers
        .into_iter()
        .filter_map(|number| {
            Some((
                number,
                survivor(model.nodes.get(&number)?, loss, &mut chance),
            ))
        })
        .collect();
    model.survivor(nodes, names)
}

fn survivor(node: &Node, loss: Loss, chance: &mut Chance) -> Node {
    let mut bytes = node.stable.clone();
    match loss {
        Loss::Lost => {}
        Loss::Kept => node.pending.iter().for_each(|put| put.apply(&mut bytes)),
        Loss::Torn => torn_bytes(&node.pending, &mut bytes, chance),
    }
    let dated = loss == Loss::Kept || (loss == Loss::Torn && chance.coin());
    let modified = match dated {
        true => node.modified,
        false => node.stable_modified,
    };
    Node {
        links: node.links,
        kind: node.kind,
        stable: bytes.clone(),
        bytes,
        pending: Vec::new(),
        modified,
        stable_modified: modified,
        changed: node.changed,
    }
}

/// Some of the writes: the first few and a piece of the next, or each one by chance.
fn torn_bytes(pending: &[Put], bytes: &mut Vec<u8>, chance: &mut Chance) {
    let ordered = chance.coin();
    let whole = chance.below(pending.len() + 1);
    for (n, put) in pending.iter().enumerate() {
        let kept = if ordered { n < whole } else { chance.coin() };
        match put {
            _ if kept => put.apply(bytes),
            Put::Bytes(at, all) if !ordered || n == whole => {
                let cut = chance.below(all.len() + 1);
                let mut piece = all.clone();
                match chance.coin() {
                    true => piece.truncate(cut), // not all of it arrived
                    false => piece.iter_mut().skip(cut).for_each(|b| *b = 0), // length before content
                }
                Put::Bytes(*at, piece).apply(bytes);
            }
            _ => {}
        }
    }
}

/// Some of the changes of names, in their order, none without those before it that it builds on.
fn torn_names(model: &Model, chance: &mut Chance) -> BTreeMap<Place, u64> {
    let ordered = chance.coin(); // a journal that is written front to back, or one tree at a time
    let whole = chance.below(model.pending.len() + 1);
    let mut lost = BTreeSet::new();
    let mut names = model.stable.clone();
    for (n, change) in model.pending.iter().enumerate() {
        let kept = if ordered { n < whole } else { chance.coin() };
        match kept && !builds_on(change, &lost) {
            true => change.apply(&mut names),
            false => lost.extend(change.places()),
        }
    }
    names
}

fn builds_on(change: &Change, lost: &BTreeSet<Place>) -> bool {
    change.places().any(|place| lost.contains(&place))
}

/// A small generator of chance (splitmix64): the same seed, the same history.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n.max(1) as u64)).unwrap_or(0)
    }
}
