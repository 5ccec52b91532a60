//! CRAM-MD5 (RFC 2195): the client proves that it has the password by an HMAC over a challenge. The server
//! must have the password itself.

use super::{Awaiting, Found, Materials, Need, Reason, Step};
use crate::{Identity, Mechanism, Secret, cram_md5, prepare_query};
use subtle::ConstantTimeEq;

/// Sends the challenge.
pub(super) fn start(materials: &Materials, initial: Option<&[u8]>) -> Step {
    if initial.is_some() {
        // RFC 4954 §4, RFC 9051 §6.2.2: no initial response where the server speaks first.
        return Step::fail(Reason::Malformed("CRAM-MD5 takes no initial response"));
    }
    let challenge = cram_md5::challenge(&materials.nonce, materials.timestamp, &materials.hostname);
    Step::challenge(challenge.as_str(), Awaiting::CramMd5(challenge.clone()))
}

/// RFC 2195 §2: the name, a space, the digest in hexadecimal. The name may have spaces of its own.
pub(super) fn respond(challenge: String, message: &[u8]) -> Step {
    let Some((name, digest)) = std::str::from_utf8(message)
        .ok()
        .and_then(|message| message.rsplit_once(' '))
    else {
        return Step::fail(Reason::Malformed("CRAM-MD5 wants a name and a digest"));
    };
    let Some(digest) = cram_md5::parse_hex(digest.as_bytes()) else {
        return Step::fail(Reason::Malformed("CRAM-MD5 wants a digest of 32 digits"));
    };
    match prepare_query(name) {
        Ok(name) => Step::Need(Need::FetchPassword(FetchPassword {
            name: name.to_string(),
            challenge,
            digest,
        })),
        Err(_) => Step::fail(Reason::Refused),
    }
}

/// Asks for the password itself.
#[must_use = "a need that is dropped cancels the exchange"]
#[derive(Debug)]
pub struct FetchPassword {
    name: String,
    challenge: String,
    digest: [u8; 16],
}

impl FetchPassword {
    /// Whose password is wanted, after SASLprep.
    pub fn authentication(&self) -> &str {
        &self.name
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        Mechanism::CramMd5
    }

    /// Ends the exchange. The same work is done for a user that there is not.
    pub fn answer(self, found: Found<Secret>) -> Step {
        let (password, known) = match found {
            Found::This(password) => (password, true),
            Found::Nothing => (Secret::new([0; 16]), false),
            Found::Unavailable => return Step::refuse(self.name, Reason::Unavailable),
        };
        let expected = cram_md5::digest(self.challenge.as_bytes(), &password);
        let right: bool = self.digest.ct_eq(&expected).into();
        if right && known {
            Step::Done(Ok(Identity::new(Mechanism::CramMd5, self.name, None)))
        } else {
            Step::refuse(self.name, Reason::Refused)
        }
    }
}
