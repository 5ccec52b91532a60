//! IMAP's SEARCH (RFC 3501 §6.4.4, RFC 5032): what to look for, and whether a message is it.
//!
//! A [`Query`] is a tree stored flat, so that however deep a client nests NOT and OR nothing recurses. A
//! [`Matcher`] is made of it once and run over many messages: first over what is known of a message without
//! opening it ([`Facts`]), then, only if that leaves it open, over the runs of the message that it
//! [asks for](Reading::wants). Nothing here knows sequence numbers or reads a store.

mod fold;
mod matcher;
mod query;
mod reading;

pub use matcher::{Facts, Matcher, Needs, Undecided, Verdict};
pub use query::{Key, Query, When};
pub use reading::Reading;
