//! The wire: what passes between a pure protocol machine and the driver that owns its socket.
//!
//! Every machine of mailcore (SMTP, LMTP, IMAP, POP3; server and client) says what it wants next as one
//! [`Io`]; the driver does it, or drops it. **A step dropped is a step not taken: the machine says it
//! again.** Each arm is a loan of the machine's own buffers, so nothing is copied on the way, and each may
//! be raced against a bell or a deadline.
//!
//! This module never reads a clock, never touches a socket and never decides protocol: limits, back-pressure
//! and the order of reading and writing are the machine's own.

mod buffer;
mod deflate;
mod io;
mod line;

pub use buffer::{Limits, Loss, TooLong, Wire};
pub use deflate::{Corrupt, Deflater, Inflater, Progress};
pub use io::{Io, Layer, Output, Room, Upgrade};
pub use line::{Line, Meanwhile, Pulse};

/// What a driver tells a session from outside its connection. Notices are level-triggered: telling one
/// twice is telling it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// What the session looks at (a mailbox) has changed; the session will ask when it wants to know how.
    Changed,
    /// The server is going down: finish what runs, say goodbye, close.
    Shutdown,
    /// An administrator ends this session.
    Kicked,
}
