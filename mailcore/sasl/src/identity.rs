//! Who was authenticated, and for whom they wish to act. Whether they may is not decided here.

use crate::Mechanism;

/// The outcome of an exchange that succeeded (RFC 4422 §3.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Whose credentials were verified. `anonymous` for ANONYMOUS.
    pub authentication: String,
    /// The identity to act as, where the client asked for one that differs from `authentication`. A driver
    /// must refuse it unless a rule of its own (a master user, for instance) allows it.
    pub authorization: Option<String>,
    /// The mechanism that was used.
    pub mechanism: Mechanism,
    /// What an ANONYMOUS client chose to say about itself (RFC 4505 §2): not verified in any way.
    pub trace: Option<String>,
}

impl Identity {
    pub(crate) fn new(
        mechanism: Mechanism,
        authentication: String,
        authorization: Option<String>,
    ) -> Self {
        let authorization = authorization.filter(|wanted| *wanted != authentication);
        Self {
            authentication,
            authorization,
            mechanism,
            trace: None,
        }
    }

    /// The name whose mail this session is to see: the authorization identity where there is one.
    pub fn acts_as(&self) -> &str {
        self.authorization
            .as_deref()
            .unwrap_or(&self.authentication)
    }
}
