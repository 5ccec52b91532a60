//! Mail on to other servers, against servers of our own and servers that misbehave by script, over loopback.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod failures;
mod keeping;
mod lmtp;
mod log;
mod login;
mod narrow;
mod peer;
mod scene;
mod servers;
mod seven_bit;
mod stages;
mod tls;
mod whole;
mod wire;
