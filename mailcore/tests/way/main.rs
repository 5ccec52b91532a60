//! Mail on to other servers, against servers of our own and servers that misbehave by script, over loopback.

#![allow(clippy::unwrap_used)]

mod failures;
mod keeping;
mod lmtp;
mod login;
mod peer;
mod scene;
mod servers;
mod tls;
mod whole;
