//! An embeddable mail server: SMTP, LMTP, IMAP and POP3, with tables, mailboxes and logins of your own or of ours.
//!
//! Two methods make a server that takes mail: who gets it, and what becomes of it.
//!
//! ```
//! use mailcore::reception::{Envelope, Message, Reception, Recipient, Verdict, Visit};
//! use mailcore::{Server, async_trait};
//!
//! #[derive(Debug)]
//! struct Mine;
//!
//! #[async_trait]
//! impl Reception for Mine {
//!     async fn recipient(&self, _: &Visit, _: &Envelope, to: &Recipient) -> Verdict {
//!         if to.is_at("example.test") { Verdict::Accept } else { Verdict::relay_denied(to) }
//!     }
//!     async fn message(&self, _: &Visit, message: Message) -> Verdict {
//!         println!("{}: {}", message.envelope.sender, message.field("Subject").unwrap_or_default());
//!         Verdict::Accept
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let server = Server::builder("mail.example.test").reception(Mine).smtp("127.0.0.1:0".parse()?).start()?;
//! # server.stop(std::time::Duration::from_secs(1)).await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With mailboxes, SMTP and IMAP in one process; [`store::mailbox::Maildir`] in place of
//! [`store::mailbox::MemoryStore`] keeps what it takes:
//!
//! ```
//! use mailcore::auth::{self, Gate, MemoryUsers};
//! use mailcore::{Server, reception::Desk, route::Routes, store::mailbox::MemoryStore};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let users = Arc::new(MemoryUsers::with_passwords(auth::hasher(), [("alice@example.test", "wonderland")])?);
//! let store = Arc::new(MemoryStore::new());
//! let gate = Gate::new(users.clone(), users.clone(), auth::Options::new("mail.example.test"));
//! let routes = Routes::new("example.test".parse()?, [], users);
//! let server = Server::builder("mail.example.test")
//!     .reception(Desk::new("mail.example.test", Arc::new(routes), store.clone()))
//!     .gate(gate)
//!     .mailboxes(store)
//!     .smtp("127.0.0.1:0".parse()?)
//!     .imap("127.0.0.1:0".parse()?)
//!     .start()?;
//! # server.stop(std::time::Duration::from_secs(1)).await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every part stands alone:
//!
//! | to … | see |
//! |---|---|
//! | take mail in a few lines, judge each step of a client | [`reception::Reception`] |
//! | collect mail in a test, in three lines | [`collector::Collector`] |
//! | serve mailboxes | [`reception::Desk`], [`auth::Gate`], [`store::mailbox`] |
//! | bring your own users, tables, mailboxes | the traits of [`store`], and their suites in `store::conform` (feature `conform`) |
//! | serve one connection over any byte stream | [`net::smtp_server::SmtpServer`], [`net::imap_server::ImapServer`], [`net::pop3_server::Pop3Server`] |
//! | speak a protocol without a runtime | [`smtp::server::Session`], [`imap::server::Session`], [`imap::pop3::Session`] |
//!
//! The crate never decides for you what mail is taken: without a [`reception::Reception`] nothing is, and the default of
//! one relays for nobody. `250` is said only once a message is safe; what a backend cannot tell for now is answered
//! 4xx, never 5xx.

pub mod access;
pub mod admin;
pub mod auth;
pub mod bounce;
pub mod collector;
pub mod deliver;
pub mod dns;
pub mod intake;
pub mod log;
pub mod metrics;
pub mod net;
pub mod queue;
pub mod reception;
mod reread;
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
