//! The POP3 machine's promises: dialogs as text, attacks, and arbitrary octets.

#![allow(clippy::unwrap_used)]

mod attacks;
mod bounds;
mod dialogs;
mod world;
