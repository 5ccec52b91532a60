//! What both sides of SCRAM (RFC 5802, RFC 7677) share: the hash functions, the stored credential and the
//! four messages. The exchanges are in `server::scram` and `client::scram`.

mod credential;
mod hash;
pub(crate) mod message;

pub use credential::{
    BadCredential, FEWEST_ITERATIONS, MOST_ITERATIONS, ScramCredential, USUAL_ITERATIONS,
};
pub(crate) use credential::{client_key, salted_password, server_key};
pub use hash::Hash;
