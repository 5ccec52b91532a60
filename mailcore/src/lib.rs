//! An embeddable mail server.

pub mod access;
pub mod auth;
pub mod deliver;
pub mod intake;
pub mod log;
pub mod net;
pub mod reception;
pub mod route;

pub use mailcore_base as base;
pub use mailcore_imap as imap;
pub use mailcore_sasl as sasl;
pub use mailcore_smtp as smtp;
pub use mailcore_store as store;
