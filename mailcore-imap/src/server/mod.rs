//! The IMAP server's side.

pub mod view;
