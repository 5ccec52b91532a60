//! The Maildir store beside other programs: what Dovecot or a delivery agent did is understood, and nothing outside of
//! the store is touched.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod beside;
#[path = "../common/mod.rs"]
mod common;
mod delivered;
mod flushes;
mod full;
mod lists;
mod names;
mod place;
mod sized;
mod watched;
