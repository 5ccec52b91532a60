//! What the scanner, the structure, the envelope and their IMAP text promise.
#![allow(clippy::unwrap_used)]

mod bounds;
mod pieces;
mod shown;
