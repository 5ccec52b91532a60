//! Placeholder.

pub mod net;
pub mod shutdown;
