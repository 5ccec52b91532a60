//! The way to other servers: names looked up, servers chosen, connections opened and secured.

#![allow(clippy::unwrap_used)]

mod connect;
mod hosts;
#[cfg(feature = "dns")]
mod resolver;
mod tls;
mod zone;
