//! The only protocol socket I/O: connections with their layers, our end of each, the loop that drives every
//! machine, TLS, listeners.
//!
//! Machines decide, this module does: it never parses a command and never chooses a reply. Written once for
//! SMTP, LMTP, IMAP, POP3, ManageSieve and logins for other servers, for servers and clients; generic over the stream underneath.
//!
//! ```text
//!  listen ─► Socket ─► Stream (plain, TLS, DEFLATE) ─► End ─► pump ⇄ dialog (a machine and its desk)
//!                                                       │
//!                                            race, attend, carry ⇄ store
//! ```

mod along;
pub mod auth_server;
mod bell;
pub mod connect;
mod deflated;
mod end;
pub mod imap_server;
pub mod listen;
mod network;
pub mod pop3_server;
mod pump;
pub mod scrape;
pub mod smtp_client;
pub mod smtp_server;
mod socket;
mod stream;
pub mod tls;

pub use bell::Bell;
pub use end::{End, Happened, Pace, now};
pub use network::{Network, NotANetwork};
pub use pump::{Dialog, Ended, pump};
pub use socket::{Peer, Pipe, Route, Socket};
pub use stream::{Stream, Transport};
