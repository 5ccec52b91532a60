//! The client side: it proves who we are to a server, and, where the mechanism can, has the server prove
//! itself. It connects to nothing and does no base64.
//!
//! ```text
//! start ──initial──▶ (sent) ──respond──▶ … ──respond──▶ (all said) ──accepted──▶ Ok
//! ```
//!
//! [`Exchange::initial`] is called where the protocol lets the first message go along with the command;
//! where it is not called, that message answers the server's empty challenge. When the server reports
//! success, [`Exchange::accepted`] must be asked whether that can be believed.

mod choose;
mod credentials;
mod failure;
mod first;
mod scram;

pub use choose::choose;
pub use credentials::{Credentials, Proof};
pub use failure::Failure;

use crate::{Bindings, LONGEST_MESSAGE, Mechanism, Nonce, Offer, Secret, cram_md5};
use std::fmt;
use zeroize::Zeroizing;

/// A message to be sent: wiped when dropped, for it may hold a password.
pub type Message = Zeroizing<Vec<u8>>;

/// What [`Exchange::start`] is given besides the credentials.
#[derive(Debug)]
#[non_exhaustive]
pub struct Materials {
    /// Fresh for this exchange.
    pub nonce: Nonce,
    /// What the server advertised (after TLS, where there is TLS): SCRAM tells the server what was seen, so
    /// that both find out if somebody between shortened the list.
    pub offer: Offer,
    /// The connection's channel bindings. None unless set.
    pub bindings: Bindings,
    /// The server's name and port as connected to; OAUTHBEARER tells them. Nothing unless set.
    pub server: Option<(String, u16)>,
}

impl Materials {
    /// With the defaults for the rest.
    pub fn new(nonce: Nonce, offer: Offer) -> Self {
        Self {
            nonce,
            offer,
            bindings: Bindings::default(),
            server: None,
        }
    }
}

/// One authentication, from our side.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    state: State,
}

/// ```text
/// Initial ──▶ Said | ScramFirst | Bearer          client first
/// ScramFirst ──▶ ScramFinal ──▶ Said              Said means that nothing more is to come from us
/// Bearer ──▶ Refused                              an error challenge came
/// LoginName ──▶ LoginPassword ──▶ Said            server first
/// CramMd5 ──▶ Said
/// ```
enum State {
    Initial(Message, Box<State>),
    LoginName(String, Secret),
    LoginPassword(Secret),
    CramMd5(String, Secret),
    ScramFirst(Box<scram::First>),
    ScramFinal(scram::Final),
    Bearer,
    Said,
    Refused(String),
    Broken,
}

impl Exchange {
    /// Starts an exchange with a mechanism, usually the one that [`choose`] gave.
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        materials: Materials,
    ) -> Result<Self, Failure> {
        if !credentials.proof.serves(mechanism) {
            return Err(Failure::Unfit(mechanism));
        }
        credentials.check()?;
        let name = || credentials.name.clone();
        let state = match (mechanism, &credentials.proof) {
            (Mechanism::Login, Proof::Password(password)) => {
                State::LoginName(name(), password.clone())
            }
            (Mechanism::CramMd5, Proof::Password(password)) => {
                State::CramMd5(name(), password.clone())
            }
            (scram, Proof::Password(password)) if scram.scram().is_some() => {
                let first = scram::First::new(scram, credentials, password, &materials)?;
                State::Initial(
                    first.message(),
                    Box::new(State::ScramFirst(Box::new(first))),
                )
            }
            _ => {
                let message = first::compose(mechanism, credentials, &materials)?;
                let bearer = matches!(mechanism, Mechanism::OauthBearer | Mechanism::Xoauth2);
                let then = if bearer { State::Bearer } else { State::Said };
                State::Initial(message, Box::new(then))
            }
        };
        Ok(Self { mechanism, state })
    }

    /// The mechanism in use.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The message to send along with the command; `None` where the server speaks first, or where it was
    /// taken before. An empty one (EXTERNAL) is sent as `=`.
    pub fn initial(&mut self) -> Option<Message> {
        match self.take() {
            State::Initial(message, then) => {
                self.state = *then;
                Some(message)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Answers a challenge, given after base64 decoding. After an error the exchange is to be cancelled
    /// (`*`); nothing more can be got from it.
    ///
    /// For SCRAM the first answer stretches the password, up to [`crate::MOST_ITERATIONS`]: not to be run
    /// where others wait.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Message, Failure> {
        let state = self.take();
        if challenge.len() > LONGEST_MESSAGE {
            return Err(Failure::TooLong);
        }
        let (message, next) = state.respond(self.mechanism, challenge)?;
        self.state = next;
        Ok(message)
    }

    /// The server reports success: is that to be believed?
    ///
    /// With SCRAM only after it proved that it knows our keys (RFC 5802 §5); else the connection must be
    /// closed and nothing be sent over it.
    pub fn accepted(self) -> Result<(), Failure> {
        match self.state {
            State::Said | State::Bearer => Ok(()),
            State::ScramFirst(_) | State::ScramFinal(_) => Err(Failure::Impostor),
            _ => Err(Failure::OutOfTurn),
        }
    }

    /// What the server said about a refused token (JSON, RFC 7628 §3.2.2), for the log or for getting
    /// another token. Unverified text of a stranger.
    pub fn token_error(&self) -> Option<&str> {
        match &self.state {
            State::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// Leaves `Broken` in place, which remains where the next step fails.
    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Broken)
    }
}

impl State {
    fn respond(self, mechanism: Mechanism, challenge: &[u8]) -> Result<(Message, Self), Failure> {
        let message = |octets: &[u8]| Message::new(octets.to_vec());
        match self {
            Self::Initial(first, then) if challenge.is_empty() => Ok((first, *then)),
            Self::Initial(..) => Err(Failure::Malformed("a challenge before our first message")),
            // The prompts are not looked at: servers word them as they like, in this order.
            Self::LoginName(name, password) => {
                Ok((message(name.as_bytes()), Self::LoginPassword(password)))
            }
            Self::LoginPassword(password) => Ok((message(password.expose()), Self::Said)),
            Self::CramMd5(name, password) => {
                let digest = cram_md5::hex(cram_md5::digest(challenge, &password));
                Ok((message(format!("{name} {digest}").as_bytes()), Self::Said))
            }
            Self::ScramFirst(first) => {
                let (answer, last) = first.respond(challenge)?;
                Ok((answer, Self::ScramFinal(last)))
            }
            Self::ScramFinal(last) => {
                last.verify(challenge)?;
                Ok((message(b""), Self::Said))
            }
            Self::Bearer => {
                let error = String::from_utf8_lossy(challenge).into_owned();
                Ok((message(first::error_reply(mechanism)), Self::Refused(error)))
            }
            Self::Said | Self::Refused(_) | Self::Broken => Err(Failure::OutOfTurn),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initial(..) => "Initial",
            Self::LoginName(..) => "LoginName",
            Self::LoginPassword(..) => "LoginPassword",
            Self::CramMd5(..) => "CramMd5",
            Self::ScramFirst(..) => "ScramFirst",
            Self::ScramFinal(..) => "ScramFinal",
            Self::Bearer => "Bearer",
            Self::Said => "Said",
            Self::Refused(..) => "Refused",
            Self::Broken => "Broken",
        })
    }
}
