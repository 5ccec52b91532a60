//! What the whole server costs and withstands, measured at the process. The figures that are promised are measured by
//!
//! ```text
//! MAILCORE_TIER2=1 cargo test --release -p mailcore-examples --test tier2 -- --nocapture --test-threads=1
//! ```
//!
//! Without `MAILCORE_TIER2=1` the tests are small, and what one session of thousands costs is not measured; without
//! `--release` neither memory nor speed is. The tests say so by name.

#![allow(clippy::unwrap_used)]

mod bad_logins;
mod before_login;
mod crowd;
mod deaf;
mod huge;
mod idle;
mod killed;
mod measure;
#[path = "../real/relay/net.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod net;
#[path = "../real/relay/scripted.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod scripted;
#[path = "../real/server.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod server;
mod speed;
