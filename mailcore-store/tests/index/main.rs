//! The Maildir's index: what it spares, what it keeps, and that nothing depends on it.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

mod damage;
mod house;
mod kept;
mod spared;
