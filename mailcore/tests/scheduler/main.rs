//! The scheduler's promises, in a small world whose days pass in milliseconds.

#![allow(clippy::unwrap_used)]

mod backoff;
mod dead;
mod fair;
mod hang;
mod invariants;
mod limits;
mod scale;
mod share;
mod steer;
mod world;
