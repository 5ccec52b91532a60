//! The contract between machines and their driver, proven on a toy protocol, both sides, over every kind of
//! connection: plain, TLS, DEFLATE, DEFLATE within TLS; in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod chunks;
mod dropped;
mod hangup;
mod harness;
mod layers;
mod shutdown;
mod slow;
mod tls;
mod toy;
