//! The view promises: a client that believes whatever it is told is never wrong about a number, and knows the
//! true mailbox once it has been told all.

#![allow(clippy::unwrap_used)]

mod client;
mod history;
mod told;
