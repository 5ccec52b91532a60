//! The queue manager (Postfix: qmgr): what is in the queue gets to where it is going. Never takes mail in, and never
//! keeps it: that is the queue's own ([`crate::store::queue`]).

mod orders;
mod runner;
pub mod scheduler;

pub use orders::Orders;
pub use runner::{Runner, Setup, Ways};
