//! The POP3 server (RFC 1939 with RFC 2449, 2595, 5034, 6856) as a pure state machine, in Dovecot's words.
//!
//! A [`Session`] says at each [`step`](Session::step) what it wants: something of the connection, or an answer
//! to a question. **A step dropped is a step not taken: the session says it again.** It holds one buffer each
//! way, one line, and a few octets for each message of the maildrop; messages pass through it in pieces.
//!
//! ```text
//!   Connect ─► Secured ─► Login │ Apop │ Authenticate ─► Respond … ─► Open ─► Read … ─► Commit
//!                                                                       └──────────► Abandoned
//! ```
//!
//! The maildrop is what it was at login for as long as the session lasts. Nothing is deleted and nothing is
//! marked as seen before QUIT, and then all of it in one [`Commit`](ask::Commit).
//!
//! Nothing in here knows a store, checks a password, or decides which mechanisms a client may use.

mod argument;
pub mod ask;
mod command;
mod facts;
mod maildrop;
mod options;
mod retrieval;
mod session;
mod stuffing;
mod tally;
mod uidl;
mod words;

pub use ask::{Ask, Question, Topic};
pub use facts::Facts;
pub use maildrop::{Message, Page};
pub use options::{Limits, Options};
pub use session::{Session, Step};
pub use tally::{Ended, Tally};
pub use uidl::{UidlError, UidlFormat};
pub use words::{Failed, Refusal};
