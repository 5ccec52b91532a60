//! What is to be sent, and what becomes of it.

use super::Trouble;
use mailcore_base::{envelope::Envelope, reply::Reply};

/// A message for one or more recipients behind the same connection.
///
/// Of the parameters of MAIL, SIZE is not looked at: it follows from `size`. BODY says what the content is, SMTPUTF8
/// that its header needs it, RET and ENVID go where DSN is offered, AUTH where AUTH is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// From whom, to whom, and what was asked for it.
    pub envelope: Envelope,
    /// Octets of the content, which is asked for piece by piece ([`Content`](super::Content)). Its lines end in CRLF;
    /// line ends of other kinds are made so, and a CR that ends no line becomes a space.
    pub size: u64,
}

/// What became of a message for one recipient: the reply by which the peer took it over, or why it did not.
pub type Outcome = Result<Reply, Trouble>;
