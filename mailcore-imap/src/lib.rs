//! IMAP and POP3 as pure state machines: bytes and answers in, bytes and questions out.
//!
//! Nothing in here touches a socket, a file, a clock or randomness, and nothing knows a store.

pub mod pop3;
pub mod server;
