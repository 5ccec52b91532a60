//! The intake (Postfix: cleanup): what is put in front of a message when it is taken, and the ids it goes by.
//! Never touches the body.

mod header;
mod id;
mod trace;

pub use header::MessageId;
pub use id::{QueueId, identity, session_id};
pub use trace::{Trace, write_trace};
