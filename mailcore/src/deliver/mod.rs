//! Delivery: how a message reaches where it goes. [`Transport`] is one way to go (mailboxes here, another server, nowhere
//! at all): it is given a job and reports what became of each recipient. When to try, and what to do about failures,
//! is decided elsewhere ([`crate::queue`]).

pub(crate) mod content;
mod copies;
mod direct;
mod discard;
mod error;
pub mod hosts;
mod job;
mod mailbox;
mod report;
pub mod smtp;

pub use direct::Delivery;
pub use discard::Discard;
pub use error::Refusal;
pub use job::{Job, Transport};
pub use mailbox::Mailboxes;
pub use report::{Action, Fate, Feedback, Pace, Remote, Report};
