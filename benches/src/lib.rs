//! What the benchmarks are made of: messages of any size, and clients that talk to a server in memory. Nothing here
//! measures, and nothing asserts a time.

mod client;
mod message;
mod postbox;

pub use client::Client;
pub use message::mime_message;
pub use postbox::{mailbox_of, runtime};
