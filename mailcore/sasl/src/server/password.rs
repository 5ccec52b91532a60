//! The need that PLAIN and LOGIN share: a name and a password to be verified. How the password is stored
//! is nothing that these mechanisms could see.

use super::{Need, Reason, Step, Verdict};
use crate::{Identity, Mechanism, Secret, prepare_query};

/// Asks whether this is the user's password.
#[must_use = "a need that is dropped cancels the exchange"]
#[derive(Debug)]
pub struct VerifyPassword {
    mechanism: Mechanism,
    authentication: String,
    authorization: Option<String>,
    password: Secret,
}

impl VerifyPassword {
    /// Whose password it is said to be, after SASLprep.
    pub fn authentication(&self) -> &str {
        &self.authentication
    }

    /// For whom the client wishes to act, where that is somebody else.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// What was presented, after SASLprep.
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Ends the exchange.
    pub fn answer(self, verdict: Verdict) -> Step {
        match verdict.reason() {
            Ok(()) => Step::Done(Ok(Identity::new(
                self.mechanism,
                self.authentication,
                self.authorization,
            ))),
            Err(reason) => Step::refuse(self.authentication, reason),
        }
    }
}

/// Prepares all three and asks; what cannot be prepared is a wrong password (RFC 4616 §2).
pub(super) fn ask(
    mechanism: Mechanism,
    authorization: Option<&str>,
    authentication: &str,
    password: &str,
) -> Step {
    let Ok(authentication) = prepare_query(authentication) else {
        return Step::fail(Reason::Refused);
    };
    let authorization = authorization.map(prepare_query).transpose();
    let (Ok(authorization), Ok(password)) = (authorization, prepare_query(password)) else {
        return Step::refuse(authentication.as_str(), Reason::Refused);
    };
    let authentication = authentication.to_string();
    Step::Need(Need::VerifyPassword(VerifyPassword {
        mechanism,
        authorization: authorization
            .map(|name| name.to_string())
            .filter(|a| *a != authentication),
        authentication,
        password: Secret::new(password.as_bytes()),
    }))
}
