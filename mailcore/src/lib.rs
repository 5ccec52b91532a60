//! An embeddable mail server: SMTP, LMTP, IMAP and POP3, with tables, mailboxes and logins of your own or of ours.
//!
//! [`Server`] puts everything together. Its parts stand alone: the protocol machines in [`smtp`] and [`imap`]
//! need no runtime, the backends in [`store`] are traits with implementations and conformance suites.
//!
//! | to … | see |
//! |---|---|
//! | take mail in a few lines | [`Server`], [`reception::Reception`] |
//! | collect mail in a test | [`collector`] |
//! | serve mailboxes | [`Server`], [`reception::Desk`], [`auth::Gate`], [`store::mailbox`] |
//! | bring your own users, tables, mailboxes | [`store`] |
//! | speak a protocol without a runtime | [`smtp::server::Session`], [`imap::server::Session`] |

pub mod access;
pub mod auth;
pub mod collector;
pub mod deliver;
pub mod intake;
pub mod log;
pub mod net;
pub mod reception;
pub mod route;
pub mod server;
pub mod shutdown;

pub use async_trait::async_trait;
pub use mailcore_base as base;
pub use mailcore_imap as imap;
pub use mailcore_sasl as sasl;
pub use mailcore_smtp as smtp;
pub use mailcore_store as store;
pub use server::{Builder, Protocol, Server, StartError};
