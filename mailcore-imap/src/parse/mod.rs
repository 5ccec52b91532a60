//! Reading commands: first whole frames out of the stream ([`frame`]), then the words in them ([`cursor`]).
//!
//! Nothing in here decides what a command does. Every reader takes time linear in its input, and none goes
//! deeper than a stated bound.

pub(crate) mod cursor;
pub(crate) mod fetch;
pub(crate) mod flags;
pub(crate) mod frame;
pub(crate) mod modifiers;
pub(crate) mod order;
pub(crate) mod returned;
pub(crate) mod search;

pub(crate) use cursor::{Cursor, Wrong};
