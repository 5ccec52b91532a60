//! SMTP and LMTP as pure state machines (RFC 5321, 2033 and their extensions).
//!
//! A [`server::Session`] reads commands and writes replies through buffers of its own, a [`client::Session`] writes
//! commands and reads replies; what they cannot know they ask, one typed question at a time. They never touch a socket,
//! a file, a clock or randomness, and they decide nothing about mail: who may send what to whom, and when what was
//! refused is tried again, is the answer to their questions.
//!
//! ```
//! use mailcore_base::wire::Io;
//! use mailcore_smtp::server::{Options, Session, Step};
//! use std::{sync::Arc, time::Instant};
//!
//! let mut session = Session::new(Arc::new(Options::smtp("mail.example.org".parse()?)));
//! let now = Instant::now();
//! loop {
//!     match session.step(now) {
//!         Step::Ask(question) => question.decline(),
//!         Step::Content(content) => { let n = content.bytes().len(); content.taken(n) }
//!         Step::Io(Io::Write(output)) => { let n = output.bytes().len(); output.sent(n) }
//!         _ => break, // Read, Wait, Layer, Close: the driver's work
//!     }
//! }
//! # Ok::<(), mailcore_base::address::ParseError>(())
//! ```

pub mod client;
mod extension;
pub mod parse;
pub mod server;

pub use extension::{Keyword, Keywords};
