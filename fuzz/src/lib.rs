//! Fuzz bodies: for every parser and machine a function that takes any octets and panics where a promise is broken.
//! A body checks properties (what is written reads back, pieces make no difference, nothing loops or grows), not only
//! that nothing panics.
//!
//! They run as plain tests over hand-made seeds and their neighbours (`tests/bodies.rs`), and under libFuzzer with the
//! feature `libfuzzer` (README.md). Nothing in here touches a network or a clock's value, and no file but one of
//! its own for readers that take a path.

mod choices;
/// The mailboxes in memory that the IMAP machine's own tests have: links, which a package follows.
#[allow(clippy::unwrap_used, unreachable_pub, dead_code)]
mod imap_desk;
mod mail_desk;
mod peer;
mod sasl_parties;
mod scratch;

pub mod imap_grammar;
pub mod mutation;
pub mod safe;

pub mod address;
pub mod aliases;
pub mod auth_socket;
pub mod date;
pub mod decoding;
pub mod deflate;
pub mod header;
pub mod imap;
pub mod line_ends;
pub mod lmtp;
pub mod mailbox_name;
pub mod maildir;
pub mod maildir_index;
pub mod message;
pub mod order;
pub mod parameters;
pub mod passwd_file;
pub mod password_scheme;
pub mod pop3;
pub mod proxy;
pub mod queue_log;
pub mod reply;
pub mod sasl_client;
pub mod sasl_server;
pub mod sasl_text;
pub mod scheduler;
pub mod search;
pub mod section;
pub mod smtp;
pub mod smtp_client;
pub mod table;
pub mod uid_set;
pub mod wire;
pub mod xtext;
pub mod zone;

pub use choices::Choices;
