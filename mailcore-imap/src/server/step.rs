//! What a session says when it is asked to take a step.

use super::question::Ask;
use super::session::Core;
use crate::types::Failed;
use mailcore_base::wire::{Io, Wire};
use std::fmt;

/// What a session wants next. **A step dropped is a step not taken: the session says it again.**
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something of the connection.
    Io(Io<'s>),
    /// An answer.
    Ask(Ask<'s>),
    /// Octets of the message that was begun have come and are to be kept.
    Content(Content<'s>),
}

/// Octets of a message on its way in: a loan of the session's input buffer.
#[must_use = "content dropped is offered again"]
pub struct Content<'s> {
    wire: &'s mut Wire,
    core: &'s mut Core,
    /// Of the input, so many octets belong to the message.
    most: usize,
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("octets", &self.most)
            .finish()
    }
}

impl<'s> Content<'s> {
    pub(super) fn new(wire: &'s mut Wire, core: &'s mut Core, most: usize) -> Self {
        Self { wire, core, most }
    }

    /// The octets; never empty.
    pub fn bytes(&self) -> &[u8] {
        let input = self.wire.input();
        input.get(..self.most).unwrap_or(input)
    }

    /// The first `n` of them are kept; the rest is offered again.
    pub fn taken(self, n: usize) {
        let n = n.min(self.bytes().len());
        self.wire.consume(n);
        self.core.took(n as u64);
    }

    /// They cannot be kept: the client is told once it has sent the rest, which nobody is asked to keep. What
    /// was begun is over.
    pub fn refused(self, failed: Failed) {
        self.core.content_refused(failed);
    }
}
