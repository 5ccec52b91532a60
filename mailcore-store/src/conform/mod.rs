//! Conformance suites.

#[cfg(feature = "schemes")]
pub mod auth;
pub mod queue;
pub mod table;
