//! The words of mail, shared by every mailcore crate: addresses, envelopes, replies, mailbox names and
//! contents, messages read by offsets, and the wire between a protocol machine and its driver.
//!
//! Nothing in here touches a socket, a file, a clock or randomness: values come in, values go out.

pub mod address;
pub mod casemap;
pub mod date;
pub mod envelope;
pub mod login;
pub mod mailbox;
pub mod message;
pub mod reply;
pub mod search;
pub mod wire;
