//! The plugin traits of mailcore and their backends: lookup tables, the queue, mailboxes, and the users and
//! passwords behind them.
//!
//! A third party's backend depends on this crate and on `mailcore-base` alone. The traits need no runtime;
//! they are object-safe, have **no default methods** (a decorator would silently lose them), and every
//! look-up has three outcomes: found, absent, and unknown for now (an [`Error`]), so that no mail is bounced
//! because a database was briefly away. Nothing in here knows a protocol.

pub mod auth;
pub mod body;
#[cfg(feature = "conform")]
pub mod conform;
pub mod disk;
mod error;
pub mod figures;
pub mod mailbox;
pub mod queue;
#[cfg(feature = "files")]
mod source;
pub mod table;

pub use error::{Error, Kind, Result};
#[cfg(feature = "files")]
pub use source::{Fault, Report};
