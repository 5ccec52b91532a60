//! The Maildir's index: what it spares, what it keeps, and that nothing depends on it.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod house;
mod kept;
mod spared;
