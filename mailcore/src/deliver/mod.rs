//! Delivery: how a message reaches where it goes. [`Transport`] is one way to go (mailboxes here, another server, nowhere
//! at all): it is given a job and reports what became of each recipient. When to try, and what to do about failures,
//! is decided elsewhere ([`crate::queue`]).

mod direct;
pub mod hosts;
mod job;
mod report;

pub use direct::Delivery;
pub use job::{Job, Transport};
pub use report::{Action, Fate, Feedback, Pace, Remote, Report};
