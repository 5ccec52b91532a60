//! Mailboxes that several hosts serve at once over a network file system: what such a file system does to its clients is
//! played by [`net`].
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod hosts;
mod locks;
mod net;
mod sight;
mod stale;
