//! One half of a running installation is taken out and ours put in its place: a real Postfix before our mailboxes and
//! logins, and our server on the mail of a real Dovecot, in its stead and beside it. Root alone can start either.

#![allow(clippy::unwrap_used)]

mod accounts;
mod beside;
mod dovecot;
mod heard;
mod instead;
mod patience;
mod postfix;
mod quota;
mod resync;
#[path = "../real/server.rs"]
#[allow(dead_code)] // what the tests with real clients use besides
mod server;
mod sockets;
mod swapped;
