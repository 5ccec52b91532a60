//! Dovecot's authentication protocol, by which a server asks another process to log its clients in, and by which tools
//! ask it for its users (Dovecot: the sockets `auth` and `auth-userdb`).
//!
//! A line is a command with its parameters between TABs; an LF ends it. [`Request`], [`Reply`], [`Offering`], [`Lookup`]
//! and [`Found`] are the lines that carry something, each read and written, so that both ends can be built of them.
//! [`logins::Session`] and [`lookups::Session`] are the answering ends as machines, after the one contract of
//! [`mailcore_base::wire`]. Nothing in here decides who comes in, reads a clock, a socket or a random source.
//!
//! Everything is bounded: a line by [`LONGEST_LINE`], what one peer may have open by [`MOST_OPEN`], how long an exchange
//! may take by [`PATIENCE`]. A peer that breaks the protocol is left, as Dovecot leaves it: it is another server's program,
//! with nobody in front of it who could make use of an answer.

pub mod logins;
pub mod lookups;

mod channel;
mod lookup;
mod offering;
mod reply;
mod request;
mod words;

pub use channel::Ended;
pub use lookup::{Found, Lookup};
pub use offering::{Offering, flags};
pub use reply::{Code, Reply};
pub use request::Request;
pub use words::{Malformed, Parameters, Words};

use std::time::Duration;

/// The major version of the protocol: another is another protocol.
pub const MAJOR: u32 = 1;
/// The minor version for logins: parameters are escaped.
pub const MINOR: u32 = 2;
/// The minor version for look-ups.
pub const LOOKUP_MINOR: u32 = 1;
/// Octets of a line, LF included; a peer that sends a longer one is left (Dovecot: AUTH_CLIENT_MAX_LINE_LENGTH).
pub const LONGEST_LINE: usize = 16_384;
/// Exchanges and look-ups that one peer may have open; another is answered with a temporary failure.
pub const MOST_OPEN: usize = 1024;
/// How long an exchange may take, and a peer until it has said who it is (Dovecot: AUTH_REQUEST_TIMEOUT).
pub const PATIENCE: Duration = Duration::from_secs(150);
