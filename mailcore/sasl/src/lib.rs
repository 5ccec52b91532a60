//! SASL mechanisms (RFC 4422) as pure state machines, server and client side, for every protocol of
//! mailcore.
//!
//! [`server::start`] opens an exchange and gives its first [`server::Step`]: a challenge to send, a need to
//! take to the backend, or the outcome. Each step owns the exchange, so the only way on is the legal one: a
//! challenge takes a response, a need takes its own kind of answer, and an outcome takes nothing more.
//! [`client::Exchange`] is the other end. [`Offer`] says which mechanisms may be advertised at all.
//!
//! Nothing in here reads a clock, a socket or a random source: the nonce, the time and the channel bindings
//! are arguments. No base64 framing is done: IMAP, SMTP and POP3 each frame the same octets in their own
//! way. Secrets are wiped when dropped, compared in constant time and never shown by `Debug`. Everything
//! received is bounded by [`LONGEST_MESSAGE`], and nothing received can make a function panic.

pub mod apop;
pub mod client;
pub mod server;
pub mod socket;

mod binding;
mod conditions;
mod cram_md5;
mod gs2;
mod identity;
mod mechanism;
mod nonce;
mod offer;
mod prepare;
mod scram;

pub use binding::{Binding, Bindings};
pub use conditions::{Conditions, SecurityOptions, Stored};
pub use identity::Identity;
pub use mailcore_base::login::Secret;
pub use mechanism::Mechanism;
pub use nonce::Nonce;
pub use offer::Offer;
pub use prepare::{Unprepared, prepare_query, prepare_stored};
pub use scram::{
    BadCredential, FEWEST_ITERATIONS, Hash, MOST_ITERATIONS, ScramCredential, USUAL_ITERATIONS,
};

/// The longest message, in octets after base64 decoding, that either side accepts from its peer.
///
/// It is the line that an AUTH command may have (12,288 octets, RFC 4954 §4), so no legal response of a
/// mail protocol reaches it.
pub const LONGEST_MESSAGE: usize = 12_288;
