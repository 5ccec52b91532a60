//! What the tests of the IMAP machine share: a mailbox desk that answers its questions, and a driver that gives
//! it input in pieces and drops steps.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::redundant_closure_call,
    reason = "each test file uses a part"
)]

pub mod desk;
pub mod drive;
