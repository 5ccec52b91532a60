//! What we log in with. Where it is kept is not told here.

use super::Failure;
use crate::{Mechanism, Secret, Unprepared};

/// Our name and our proof.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authentication identity. For ANONYMOUS it is the trace, which may be empty; EXTERNAL does not
    /// send it.
    pub name: String,
    /// For whom to act, where it is somebody else. LOGIN and CRAM-MD5 cannot say it, so they are unfit then.
    pub authorization: Option<String>,
    /// What proves that it is us.
    pub proof: Proof,
}

/// What proves that it is us.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// A password.
    Password(Secret),
    /// An OAuth 2.0 bearer token.
    Token(Secret),
    /// The client certificate of the TLS handshake.
    Certificate,
    /// Nothing.
    Nobody,
}

impl Proof {
    /// Whether the mechanism takes this kind of proof.
    pub(super) fn serves(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::External => matches!(self, Self::Certificate),
            Mechanism::Anonymous => matches!(self, Self::Nobody),
            Mechanism::OauthBearer | Mechanism::Xoauth2 => matches!(self, Self::Token(_)),
            Mechanism::ScramSha256Plus
            | Mechanism::ScramSha1Plus
            | Mechanism::ScramSha256
            | Mechanism::ScramSha1
            | Mechanism::CramMd5
            | Mechanism::Plain
            | Mechanism::Login => matches!(self, Self::Password(_)),
        }
    }
}

impl Credentials {
    /// A name and a password.
    pub fn password(name: impl Into<String>, password: impl Into<Vec<u8>>) -> Self {
        let proof = Proof::Password(Secret::new(password));
        Self {
            name: name.into(),
            authorization: None,
            proof,
        }
    }

    /// A name and an OAuth 2.0 token.
    pub fn token(name: impl Into<String>, token: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            authorization: None,
            proof: Proof::Token(Secret::new(token)),
        }
    }

    /// Whether the mechanism can do with these.
    pub(super) fn serve(&self, mechanism: Mechanism) -> bool {
        let says_authorization = !matches!(mechanism, Mechanism::Login | Mechanism::CramMd5);
        self.proof.serves(mechanism) && (says_authorization || self.authorization.is_none())
    }

    /// No control characters anywhere: they would end a part of a message early (RFC 4616 §2, RFC 7628
    /// §3.1).
    pub(super) fn check(&self) -> Result<(), Failure> {
        let names = [Some(&self.name), self.authorization.as_ref()];
        let controls = names
            .into_iter()
            .flatten()
            .any(|name| name.contains(char::is_control));
        let bare = matches!(self.proof, Proof::Certificate | Proof::Nobody);
        let secret: &[u8] = match &self.proof {
            Proof::Password(secret) | Proof::Token(secret) => secret.expose(),
            Proof::Certificate | Proof::Nobody => b"-",
        };
        let authorized_as_nobody = self.authorization.as_deref() == Some("");
        if secret.is_empty() || (self.name.is_empty() && !bare) || authorized_as_nobody {
            return Err(Unprepared::Empty.into());
        }
        if controls || secret.iter().any(u8::is_ascii_control) {
            return Err(Unprepared::Prohibited.into());
        }
        Ok(())
    }
}
