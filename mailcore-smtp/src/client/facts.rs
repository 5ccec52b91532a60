//! What is known of a connection. Most of it dies with STARTTLS.

use super::Offers;
use mailcore_base::{envelope::Text, login::TlsFacts};

/// All that is known of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The first word of the greeting: the peer's name, as it says.
    pub greeted_by: Option<Text>,
    /// The first word of the reply to EHLO, HELO or LHLO. Forgotten at STARTTLS.
    pub hello: Option<Text>,
    /// What was offered by the reply to EHLO or LHLO. Forgotten at STARTTLS.
    pub offers: Offers,
    /// The TLS layer, once it stands.
    pub tls: Option<TlsFacts>,
    /// The mechanism by which we have logged in.
    pub login: Option<Text>,
    /// Messages that were begun.
    pub messages: u64,
}
