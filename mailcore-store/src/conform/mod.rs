//! Conformance suites: the promises of the plugin traits as functions that a backend's own tests call, ours and a
//! third party's alike. They panic where a promise is broken, and need no runtime of their own: run the
//! asynchronous ones with yours.

#[cfg(feature = "schemes")]
pub mod auth;
pub mod disk;
pub mod mailbox;
pub mod queue;
pub mod table;
