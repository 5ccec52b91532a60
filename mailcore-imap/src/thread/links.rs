//! Which message answers which: a forest of nodes, of which some are messages that are only referred to.
//!
//! What a message says of itself stands before what others' references say of it, whichever of them is read first,
//! so that the threads do not hang on the order of the mailbox but for references that contradict one another. A
//! link that would close a loop is left out; whether it would is found without walking the thread, however deep.

use super::{Letter, NONE};

/// Messages that are only referred to, at most.
const STRANGERS: u32 = 4 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The place of its message among the letters.
    letter: u32,
    parent: u32,
    /// What the first reference to it that names a parent says.
    guess: u32,
    /// Upwards in its tree, not by single steps; of a root, itself.
    up: u32,
}

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
        self.nodes.push(Node {
            letter,
            parent: NONE,
            guess: NONE,
            up: node,
        });
        node
    }

    /// The node is that of the message at this place, unless it is another's already.
    pub(super) fn claim(&mut self, node: u32, letter: u32) -> bool {
        let Some(of) = self.nodes.get_mut(node as usize) else {
            return false;
        };
        let free = of.letter == NONE;
        if free {
            of.letter = letter;
            self.letters += 1;
        }
        free
    }

    /// Somebody's references say that `node` answers `parent`.
    pub(super) fn guess(&mut self, node: u32, parent: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize)
            && node.guess == NONE
        {
            node.guess = parent;
        }
    }

    /// Links all that has been said: first what messages say of themselves.
    pub(super) fn tie(&mut self, letters: &[Letter]) {
        for letter in letters {
            self.link(letter.node, letter.parent);
        }
        for node in 0..self.len() {
            let guess = self.node(node).guess;
            if self.node(node).parent == NONE {
                self.link(node, guess);
            }
        }
    }

    /// The place of the message at this node; [`NONE`] where it is only referred to.
    pub(super) fn letter(&self, node: u32) -> u32 {
        self.node(node).letter
    }

    /// What it answers.
    pub(super) fn parent(&self, node: u32) -> u32 {
        self.node(node).parent
    }

    fn node(&self, node: u32) -> Node {
        const NOWHERE: Node = Node {
            letter: NONE,
            parent: NONE,
            guess: NONE,
            up: NONE,
        };
        self.nodes.get(node as usize).copied().unwrap_or(NOWHERE)
    }

    /// Links a root to its parent. It is above itself exactly if it is the root of the parent's tree.
    fn link(&mut self, node: u32, parent: u32) {
        if parent == NONE {
            return;
        }
        let root = self.root(parent);
        if root != node
            && let Some(linked) = self.nodes.get_mut(node as usize)
        {
            linked.parent = parent;
            linked.up = root;
        }
    }

    /// The root of a node's tree. The way there is halved while it is gone.
    pub(super) fn root(&mut self, mut node: u32) -> u32 {
        loop {
            let up = self.node(node).up;
            if up == node || up == NONE {
                return node;
            }
            let above = self.node(up).up;
            if let Some(node) = self.nodes.get_mut(node as usize) {
                node.up = above;
            }
            node = above;
        }
    }
}
