//! Bounds of whole sessions: how long a peer that says nothing or does not read is borne and how much is held for it,
//! and that guessers do not keep others out.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod deaf;
mod logins;
mod patience;
