//! EXTERNAL (RFC 4422 appendix A): the client is who TLS says. Certificates are verified below and mapped
//! to users by a backend.

use super::{Found, Need, Reason, Step};
use crate::{Identity, Mechanism, prepare_query};

/// Takes the authorization identity, which may be empty.
pub(super) fn respond(message: &[u8]) -> Step {
    let Ok(wanted) = std::str::from_utf8(message) else {
        return Step::fail(Reason::Malformed("EXTERNAL is not UTF-8"));
    };
    if wanted.is_empty() {
        return Step::Need(Need::MapCertificate(MapCertificate {
            authorization: None,
        }));
    }
    match prepare_query(wanted) {
        Ok(wanted) => Step::Need(Need::MapCertificate(MapCertificate {
            authorization: Some(wanted.to_string()),
        })),
        Err(_) => Step::fail(Reason::Refused),
    }
}

/// Asks whose the client certificate of this connection is.
#[must_use = "a need that is dropped cancels the exchange"]
#[derive(Debug)]
pub struct MapCertificate {
    authorization: Option<String>,
}

impl MapCertificate {
    /// For whom the client wishes to act; `None` means for the one whom the certificate names. Where a
    /// certificate names several users, it may say which of them is meant.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        Mechanism::External
    }

    /// Ends the exchange, with the name of the user that the certificate belongs to.
    pub fn answer(self, found: Found<String>) -> Step {
        let reason = match found {
            Found::This(name) => {
                let identity = Identity::new(Mechanism::External, name, self.authorization);
                return Step::Done(Ok(identity));
            }
            Found::Nothing => Reason::Refused,
            Found::Unavailable => Reason::Unavailable,
        };
        match self.authorization {
            Some(wanted) => Step::refuse(wanted, reason),
            None => Step::fail(reason),
        }
    }
}
