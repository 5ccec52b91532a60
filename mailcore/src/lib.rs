//! An embeddable mail server.

pub mod auth;
pub mod deliver;
pub mod intake;
pub mod log;
pub mod reception;
pub mod route;
