//! Why we do not go on with a server. A server that plainly says no is no failure of this kind.

use crate::{Mechanism, Unprepared};
use thiserror::Error;

/// Why an exchange cannot start or go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The credentials are of a kind that the mechanism cannot use.
    #[error("{0} cannot use these credentials")]
    Unfit(Mechanism),
    /// A name or a password that no server could take.
    #[error("the credentials cannot be used: {0}")]
    Unprepared(#[from] Unprepared),
    /// A -PLUS mechanism on a connection that has no channel binding.
    #[error("the connection has no channel binding")]
    Unbound,
    /// The challenge is not one of this mechanism; the words say what was wrong.
    #[error("malformed challenge: {0}")]
    Malformed(&'static str),
    /// The challenge is longer than [`crate::LONGEST_MESSAGE`].
    #[error("challenge too long")]
    TooLong,
    /// The server asks for fewer iterations than are safe, or for more than we are ready to compute
    /// ([`crate::FEWEST_ITERATIONS`], [`crate::MOST_ITERATIONS`]).
    #[error("the server asks for {0} iterations")]
    Iterations(u32),
    /// The server ended SCRAM with an error (RFC 5802 §7, `e=`), cut to 100 characters.
    #[error("the server reports {0:?}")]
    Server(String),
    /// The server did not prove that it knows our keys: it is not the one it should be.
    #[error("the server did not prove its identity")]
    Impostor,
    /// A challenge when all was said, or a success before that.
    #[error("the server spoke out of turn")]
    OutOfTurn,
}
