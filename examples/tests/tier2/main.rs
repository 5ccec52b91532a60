//! What the whole server costs and withstands, measured at the process. In a normal run each test is small and its
//! bound loose, for a build without optimisation; the figures that are promised are measured by
//!
//! ```text
//! MAILCORE_TIER2=1 cargo test --release -p mailcore-examples --test tier2 -- --nocapture --test-threads=1
//! ```

#![allow(clippy::unwrap_used)]

mod bad_logins;
mod before_login;
mod crowd;
mod deaf;
mod huge;
mod idle;
mod killed;
mod measure;
#[path = "../real/server.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod server;
mod speed;
