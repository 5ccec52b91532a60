//! The Maildir's index: what it spares, what it keeps, and that nothing depends on it.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod account;
#[path = "../common/mod.rs"]
mod common;
mod compaction;
mod damage;
mod flips;
mod format;
mod house;
mod kept;
mod spared;
mod twice;
