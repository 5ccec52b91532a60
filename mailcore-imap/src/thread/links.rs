//! Which message answers which: a forest of nodes, of which some are messages that are only referred to.
//!
//! Links are made and broken in the order in which messages are read, as RFC 5256 §3, REFERENCES (1) has it; one that
//! would close a loop is left out. Whether it would is found without walking the thread, however deep: each tree is kept
//! as paths downwards, and each path as a splay tree in the order of its depth (link/cut trees, Sleator and Tarjan 1983).
//! One step takes log n of these, seen over all of them.

use super::NONE;

/// Messages that are only referred to, at most.
const STRANGERS: u32 = 4 * 1024 * 1024;
/// Nearer to the root, and farther from it.
const NEARER: usize = 0;
const FARTHER: usize = 1;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The place of its message among the letters.
    letter: u32,
    parent: u32,
    /// What is above it in the splay tree of its path; of the topmost, the node that the path hangs from.
    up: u32,
    /// What is below it there.
    below: [u32; 2],
}

const NOWHERE: Node = Node {
    letter: NONE,
    parent: NONE,
    up: NONE,
    below: [NONE; 2],
};

/// The nodes.
#[derive(Debug, Default)]
pub(super) struct Links {
    nodes: Vec<Node>,
    letters: u32,
}

impl Links {
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(NONE)
    }

    /// There is room for another message that is only referred to.
    pub(super) fn takes_strangers(&self) -> bool {
        self.len() - self.letters < STRANGERS
    }

    /// A new node, of the message at this place or of none.
    pub(super) fn add(&mut self, letter: u32) -> u32 {
        let node = self.len();
        self.letters += u32::from(letter != NONE);
        self.nodes.push(Node { letter, ..NOWHERE });
        node
    }

    /// The node is that of the message at this place, unless it is another's already.
    pub(super) fn claim(&mut self, node: u32, letter: u32) -> bool {
        let free = self.letter(node) == NONE;
        if free {
            self.change(node, |node| node.letter = letter);
            self.letters += 1;
        }
        free
    }

    /// Somebody's references say that `node` answers `parent`: so it is, unless it answers something already.
    pub(super) fn guess(&mut self, node: u32, parent: u32) {
        if self.parent(node) == NONE {
            self.link(node, parent);
        }
    }

    /// The message at `node` says itself that it answers `parent`, or nothing: so it is, whatever others have said.
    pub(super) fn answer(&mut self, node: u32, parent: u32) {
        let before = self.parent(node);
        if before == parent {
            return;
        }
        if before != NONE {
            self.cut(node);
        }
        self.link(node, parent);
    }

    /// The place of the message at this node; [`NONE`] where it is only referred to.
    pub(super) fn letter(&self, node: u32) -> u32 {
        self.node(node).letter
    }

    /// What it answers.
    pub(super) fn parent(&self, node: u32) -> u32 {
        self.node(node).parent
    }

    /// The root of a node's tree.
    pub(super) fn root(&mut self, node: u32) -> u32 {
        self.expose(node);
        let mut root = node;
        while self.node(root).below[NEARER] != NONE {
            root = self.node(root).below[NEARER];
        }
        // What was gone down is not gone down again.
        self.splay(root);
        root
    }

    /// Links a root to its parent. It is above itself exactly if it is the root of the parent's tree.
    fn link(&mut self, node: u32, parent: u32) {
        if parent == NONE || self.root(parent) == node {
            return;
        }
        self.expose(node);
        self.change(node, |node| (node.parent, node.up) = (parent, parent));
    }

    /// Makes a root of what is none.
    fn cut(&mut self, node: u32) {
        self.expose(node);
        let above = self.node(node).below[NEARER];
        self.change(above, |above| above.up = NONE);
        self.change(node, |node| {
            (node.parent, node.below[NEARER]) = (NONE, NONE);
        });
    }

    /// Makes one path of the way from the root to this node, and puts the node on top of its splay tree.
    fn expose(&mut self, node: u32) {
        let (mut at, mut farther) = (node, NONE);
        while at != NONE {
            self.splay(at);
            self.change(at, |at| at.below[FARTHER] = farther);
            (farther, at) = (at, self.node(at).up);
        }
        self.splay(node);
    }

    /// Puts a node on top of the splay tree that it is in.
    fn splay(&mut self, node: u32) {
        while let Some(side) = self.side(node) {
            let above = self.node(node).up;
            if let Some(other) = self.side(above) {
                self.rotate(if other == side { above } else { node });
            }
            self.rotate(node);
        }
    }

    /// On which side of what is above it a node is; none on top.
    fn side(&self, node: u32) -> Option<usize> {
        let above = self.node(node).up;
        let below = self.nodes.get(above as usize)?.below;
        below.iter().position(|below| *below == node)
    }

    /// A node and what is above it change places.
    fn rotate(&mut self, node: u32) {
        let Some(side) = self.side(node) else { return };
        let other = NEARER + FARTHER - side;
        let above = self.node(node).up;
        let (top, top_side) = (self.node(above).up, self.side(above));
        let between = self.node(node).below[other];
        self.change(between, |between| between.up = above);
        self.change(above, |above| {
            (above.up, above.below[side]) = (node, between)
        });
        self.change(node, |node| (node.up, node.below[other]) = (top, above));
        if let Some(side) = top_side {
            self.change(top, |top| top.below[side] = node);
        }
    }

    fn node(&self, node: u32) -> Node {
        self.nodes.get(node as usize).copied().unwrap_or(NOWHERE)
    }

    fn change(&mut self, node: u32, how: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            how(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The way upwards, one step after the other.
    fn top(parents: &[u32], mut node: u32) -> u32 {
        while parents[node as usize] != NONE {
            node = parents[node as usize];
        }
        node
    }

    proptest! {
        #[test]
        fn what_answers_what_is_what_was_said_but_for_loops(
            said in proptest::collection::vec((any::<bool>(), 0..24_u32, 0..26_u32), 0..120),
        ) {
            let mut links = Links::default();
            let mut parents = vec![NONE; 24];
            for _ in 0..24 {
                links.add(NONE);
            }
            for (by_itself, node, parent) in said {
                let parent = if parent < 24 { parent } else { NONE };
                let known = &mut parents[node as usize];
                match by_itself {
                    true => {
                        *known = if *known == parent { parent } else { NONE };
                        links.answer(node, parent);
                    }
                    false => links.guess(node, parent),
                }
                if parents[node as usize] == NONE && parent != NONE && top(&parents, parent) != node {
                    parents[node as usize] = parent;
                }
                for node in 0..24 {
                    prop_assert_eq!(links.parent(node), parents[node as usize]);
                    prop_assert_eq!(links.root(node), top(&parents, node));
                }
            }
        }
    }
}
