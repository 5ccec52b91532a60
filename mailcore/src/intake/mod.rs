//! The intake (Postfix: cleanup): the only writer into the queue. Puts Received in front of a message, completes what
//! begins its way here, drops fields that shall not travel, turns recipients into final addresses, and answers `250`
//! once all of it is durable. Decides about nobody, and never changes a body.

mod complete;
mod expand;
mod fields;
mod head;
mod header;
mod id;
mod options;
mod trace;
mod writer;

pub use header::MessageId;
pub use id::{QueueId, identity, session_id};
pub use options::{Completes, Options};
pub use trace::{Final, Received, write_final, write_received, write_received_own};
pub use writer::{Intake, Writer};
