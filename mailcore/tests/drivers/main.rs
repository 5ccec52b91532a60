//! The drivers whole: SMTP, LMTP, IMAP and POP3 over a pipe, against users and mailboxes in memory that can be made
//! to fail. Time is virtual: what waits two seconds waits none.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod auth_socket;
mod client;
mod delivery;
mod doors;
mod heard;
mod lines;
mod login;
mod queue;
mod transport;
mod verdicts;
mod world;
