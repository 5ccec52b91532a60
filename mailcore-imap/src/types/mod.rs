//! The words that the IMAP machine shares with its driver. They mirror what mailbox stores say, so that a
//! driver maps them one to one; none of them knows a store or a wire.

mod excerpt;
mod failed;
mod fetch;
mod mailbox;
mod set;

pub use excerpt::Excerpt;
pub use failed::Failed;
pub use fetch::{Described, Fields, Row};
pub use mailbox::{Access, Appended, Copied, Listed, Selected, Status};
pub use set::SequenceSet;
