//! The whole server on loopback, attacked. Each test is a promise about one way in which mail servers have
//! failed; each starts its own server with its own data folder, and ends only that.

#![allow(clippy::unwrap_used)]

mod backends;
mod bulk;
mod chunks;
mod faults;
mod hands;
#[path = "../real/harm.rs"]
#[allow(dead_code, reason = "a part of what the other tests use")]
mod harm;
mod injection;
mod logins;
mod names;
mod peer;
mod prelogin;
#[path = "../real/server.rs"]
#[allow(dead_code)] // what the tests with real clients use besides
mod server;
mod shutdown;
mod smuggling;
mod state;
mod strangers;
mod strings;
mod tls;
