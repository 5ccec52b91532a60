//! The server side: it takes what a client sent and says what to do next. It verifies nothing against a
//! store itself and decides no policy: it asks ([`Need`]), and reports who it is ([`Identity`]).
//!
//! ```text
//!                 ┌───────────────────────┐
//!                 │                       ▼
//! start ──▶ Step::Challenge ──respond──▶ Step::Need ──answer──▶ Step::Done(Ok(Identity))
//!   │             ▲   │                   │   │                          │
//!   │             │   └───────respond─────┼───┼──────────────────▶ Step::Done(Err(Failure))
//!   │             └────────answer─────────┘   └──────answer──────────────┘
//!   └─────────▶ any of the three
//! ```
//!
//! A client that cancels (`*`) or goes away is no step: drop what is held.
//!
//! ```
//! use mailcore_sasl::{Mechanism, Nonce, Offer};
//! use mailcore_sasl::server::{self, Decoy, Materials, Need, Step, Verdict};
//!
//! let materials = Materials::new(Offer::all(), Nonce::from_random([7; 18]), Decoy::new([1; 32]));
//! let step = server::start(Mechanism::Plain, materials, Some(b"\0tim\0tanstaaftanstaaf"));
//! let Step::Need(Need::VerifyPassword(need)) = step else { panic!() };
//! assert_eq!(need.authentication(), "tim");
//! let right = need.password().matches(b"tanstaaftanstaaf"); // the backend's business
//! let step = need.answer(if right { Verdict::Accepted } else { Verdict::Refused });
//! assert!(matches!(step, Step::Done(Ok(identity)) if identity.authentication == "tim"));
//! ```

mod anonymous;
mod cram_md5;
mod decoy;
mod external;
mod failure;
mod login;
mod materials;
mod need;
mod oauth;
mod password;
mod plain;
mod scram;

pub use cram_md5::FetchPassword;
pub use decoy::Decoy;
pub use external::MapCertificate;
pub use failure::{Failure, Reason};
pub use materials::{Discovery, Materials};
pub use need::{Found, Need, Verdict};
pub use oauth::{TokenRefusal, TokenVerdict, VerifyToken};
pub use password::VerifyPassword;
pub use scram::FetchKeys;

use crate::{Identity, LONGEST_MESSAGE, Mechanism};
use std::fmt;

/// What an exchange does next. It owns the exchange: dropped, the exchange is over.
#[must_use = "an exchange that is dropped is cancelled"]
#[derive(Debug)]
pub enum Step {
    /// Send this to the client, and respond with what it sends back.
    Challenge(Challenge),
    /// Ask a backend.
    Need(Need),
    /// It is over.
    Done(Result<Identity, Failure>),
}

impl Step {
    fn fail(reason: Reason) -> Self {
        Self::Done(Err(Failure::new(reason, None)))
    }

    fn refuse(name: impl Into<String>, reason: Reason) -> Self {
        Self::Done(Err(Failure::new(reason, Some(name.into()))))
    }

    fn challenge(octets: impl Into<Vec<u8>>, awaiting: Awaiting) -> Self {
        Self::Challenge(Challenge {
            octets: octets.into(),
            awaiting,
        })
    }
}

/// A challenge to be sent, and the exchange that waits for the response.
pub struct Challenge {
    octets: Vec<u8>,
    awaiting: Awaiting,
}

/// What an exchange waits for between two messages.
enum Awaiting {
    Plain,
    LoginName,
    LoginPassword(String),
    CramMd5(String),
    ScramFirst(Box<scram::First>),
    ScramFinal(Box<scram::Final>),
    ScramEnd(Identity),
    External,
    Anonymous,
    Bearer(Mechanism, Discovery),
    BearerEnd(Failure),
}

impl Challenge {
    /// The octets to send, before any base64. Empty where the mechanism only waits for the client's first
    /// message.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Goes on with the client's response, after base64 decoding.
    pub fn respond(self, response: &[u8]) -> Step {
        self.awaiting.respond(response)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

impl Awaiting {
    fn respond(self, response: &[u8]) -> Step {
        if response.len() > LONGEST_MESSAGE {
            return Step::fail(Reason::TooLong);
        }
        match self {
            Self::Plain => plain::respond(response),
            Self::LoginName => login::name(response),
            Self::LoginPassword(name) => login::password(name, response),
            Self::CramMd5(challenge) => cram_md5::respond(challenge, response),
            Self::ScramFirst(first) => first.respond(response),
            Self::ScramFinal(last) => last.respond(response),
            Self::ScramEnd(identity) => scram::end(identity, response),
            Self::External => external::respond(response),
            Self::Anonymous => anonymous::respond(response),
            Self::Bearer(mechanism, discovery) => oauth::respond(mechanism, discovery, response),
            // RFC 7628 §3.2.3: the client answers the error with a dummy; then it is over.
            Self::BearerEnd(failure) => Step::Done(Err(failure)),
        }
    }
}

/// Starts an exchange. `initial` is the initial response that came with the command, decoded; `Some(b"")`
/// where the client sent `=`, and `None` where it sent none.
///
/// A mechanism that was not offered fails at once.
pub fn start(mechanism: Mechanism, materials: Materials, initial: Option<&[u8]>) -> Step {
    if !materials.offer.contains(mechanism) {
        return Step::fail(Reason::NotOffered);
    }
    let awaiting = match mechanism {
        Mechanism::Plain => Awaiting::Plain,
        Mechanism::External => Awaiting::External,
        Mechanism::Anonymous => Awaiting::Anonymous,
        Mechanism::OauthBearer | Mechanism::Xoauth2 => {
            Awaiting::Bearer(mechanism, materials.discovery)
        }
        Mechanism::Login => return login::start(initial),
        Mechanism::CramMd5 => return cram_md5::start(&materials, initial),
        Mechanism::ScramSha256Plus
        | Mechanism::ScramSha1Plus
        | Mechanism::ScramSha256
        | Mechanism::ScramSha1 => match scram::First::new(mechanism, materials) {
            Some(first) => Awaiting::ScramFirst(Box::new(first)),
            None => return Step::fail(Reason::NotOffered),
        },
    };
    match initial {
        Some(initial) => awaiting.respond(initial),
        // RFC 4422 §3: where the client speaks first and has not, an empty challenge asks it to.
        None => Step::challenge([], awaiting),
    }
}
