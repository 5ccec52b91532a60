//! The server side of SCRAM (RFC 5802, RFC 7677): both prove that they know the password, neither sends it,
//! and the server keeps nothing that a client could log in with.
//!
//! ```text
//! First ──client-first──▶ FetchKeys ──keys──▶ Final ──client-final──▶ end ──empty──▶ Done(Ok)
//! ```
//!
//! A user that there is not takes the same path with made-up keys and fails at the proof.

use super::{Awaiting, Decoy, Found, Materials, Need, Reason, Step};
use crate::gs2::Flag;
use crate::scram::message::{ClientFinal, ClientFirst, ServerFinal, ServerFirst, signed, xor};
use crate::{Binding, Bindings, Hash, Identity, Mechanism, Nonce};
use crate::{ScramCredential, Secret, Unprepared, prepare_query};
use subtle::{Choice, ConstantTimeEq};

/// Waits for the `client-first-message`.
pub(super) struct First {
    mechanism: Mechanism,
    hash: Hash,
    nonce: Nonce,
    bindings: Bindings,
    decoy: Decoy,
    offered_plus: bool,
}

impl First {
    pub(super) fn new(mechanism: Mechanism, materials: Materials) -> Option<Self> {
        Some(Self {
            mechanism,
            hash: mechanism.scram()?,
            nonce: materials.nonce,
            bindings: materials.bindings,
            decoy: materials.decoy,
            offered_plus: materials.offer.binds_channel(),
        })
    }

    pub(super) fn respond(self, message: &[u8]) -> Step {
        let Some(first) = ClientFirst::parse(message) else {
            return Step::fail(Reason::Malformed("not a first message of SCRAM"));
        };
        let Ok(name) = prepare_query(&first.name) else {
            return Step::fail(Reason::Refused);
        };
        let bound = match self.check_flag(first.header.flag) {
            Ok(bound) => bound.to_vec(),
            Err(reason) => return Step::refuse(name.as_str(), reason),
        };
        let authorization = first
            .header
            .authorization
            .as_deref()
            .map(prepare_query)
            .transpose();
        let Ok(authorization) = authorization else {
            return Step::refuse(name.as_str(), Reason::Refused);
        };
        Step::Need(Need::FetchKeys(FetchKeys {
            hash: self.hash,
            decoy: self.decoy,
            looked_up_as: None,
            signing: Signing {
                binding: [first.header.raw.as_bytes(), &bound].concat(),
                nonce: format!("{}{}", first.nonce, self.nonce.as_str()),
                bare: first.bare.to_owned(),
            },
            identity: Identity::new(
                self.mechanism,
                name.to_string(),
                authorization.map(|name| name.to_string()),
            ),
        }))
    }

    /// RFC 5802 §6: what the client says of channel binding has to fit what it chose and what it was
    /// offered. Gives the binding that both must have.
    fn check_flag(&self, flag: Flag<'_>) -> Result<&[u8], Reason> {
        match (flag, self.mechanism.binds_channel()) {
            (Flag::Used(name), true) => Binding::parse(name)
                .and_then(|binding| self.bindings.value(binding))
                .ok_or(Reason::Binding("the client's type is not to be had here")),
            (Flag::Used(_), false) => Err(Reason::Malformed("channel binding without -PLUS")),
            (_, true) => Err(Reason::Malformed("-PLUS without channel binding")),
            // The client would have used it, had it seen the offer that we made.
            (Flag::Unused, false) if self.offered_plus => Err(Reason::Binding(
                "our offer of -PLUS did not reach the client",
            )),
            (Flag::Unused | Flag::Unsupported, false) => Ok(&[]),
        }
    }
}

/// What of the first messages the later ones have to agree with.
struct Signing {
    /// What `c=` must decode to.
    binding: Vec<u8>,
    /// Both nonces.
    nonce: String,
    /// `client-first-message-bare`.
    bare: String,
}

/// Asks for the user's SCRAM keys.
#[must_use = "a need that is dropped cancels the exchange"]
pub struct FetchKeys {
    hash: Hash,
    decoy: Decoy,
    looked_up_as: Option<String>,
    signing: Signing,
    identity: Identity,
}

impl FetchKeys {
    /// Whose keys are wanted, after SASLprep.
    pub fn authentication(&self) -> &str {
        &self.identity.authentication
    }

    /// For whom the client wishes to act, where that is somebody else.
    pub fn authorization(&self) -> Option<&str> {
        self.identity.authorization.as_deref()
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.identity.mechanism
    }

    /// For which hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Says under which name the backend looked (after folding case or adding a realm). Without it, two
    /// spellings of one name that is not there have two salts, while two spellings of a real one have one.
    pub fn looked_up_as(&mut self, name: &str) {
        self.looked_up_as = Some(name.to_owned());
    }

    /// Makes keys from a password that is stored as it is, with the salt that the name would have if there
    /// were no such user. Costs a password stretching: not to be run where others wait.
    pub fn derive(&self, password: &Secret) -> Result<ScramCredential, Unprepared> {
        let salt = self.decoy.salt(self.hash, self.canonical());
        ScramCredential::derive(self.hash, password, &salt, self.decoy.iterations())
    }

    /// Goes on. Where nothing was found (or keys that are not for this hash), the exchange goes on with
    /// made-up keys and fails at its end, so that the client cannot tell which users there are.
    pub fn answer(self, found: Found<ScramCredential>) -> Step {
        // Made in any case, so that it takes no other time.
        let decoy = self.decoy.credential(self.hash, self.canonical());
        let (credential, known) = match found {
            Found::This(keys) if keys.hash == self.hash && keys.is_sound() => {
                (keys, Choice::from(1))
            }
            Found::This(_) | Found::Nothing => (decoy, Choice::from(0)),
            Found::Unavailable => {
                return Step::refuse(self.identity.authentication, Reason::Unavailable);
            }
        };
        let Self {
            signing, identity, ..
        } = self;
        let server_first =
            ServerFirst::compose(&signing.nonce, &credential.salt, credential.iterations);
        Step::challenge(
            server_first.as_str(),
            Awaiting::ScramFinal(Box::new(Final {
                credential,
                known,
                signing,
                server_first: server_first.clone(),
                identity,
            })),
        )
    }

    fn canonical(&self) -> &str {
        self.looked_up_as
            .as_deref()
            .unwrap_or(&self.identity.authentication)
    }
}

impl std::fmt::Debug for FetchKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FetchKeys")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Waits for the `client-final-message`.
pub(super) struct Final {
    credential: ScramCredential,
    known: Choice,
    signing: Signing,
    server_first: String,
    identity: Identity,
}

impl Final {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        match self.verify(message) {
            Ok(server_final) => Step::challenge(server_final, Awaiting::ScramEnd(self.identity)),
            Err(reason) => Step::refuse(self.identity.authentication, reason),
        }
    }

    /// Gives the `server-final-message` where the proof is right.
    fn verify(&self, message: &[u8]) -> Result<String, Reason> {
        let last =
            ClientFinal::parse(message).ok_or(Reason::Malformed("not a final message of SCRAM"))?;
        if last.nonce != self.signing.nonce {
            return Err(Reason::Malformed(
                "the nonce is not the one of this exchange",
            ));
        }
        // RFC 5802 §6: the header that came first and the binding of this very connection.
        if !bool::from(last.binding.ct_eq(&self.signing.binding)) {
            return Err(Reason::Binding("the client's is of another connection"));
        }
        let ScramCredential {
            hash,
            stored_key,
            server_key,
            ..
        } = &self.credential;
        let signed = signed(&self.signing.bare, &self.server_first, last.without_proof);
        // RFC 5802 §3: the client's key is its proof XOR the signature, and its hash is known.
        let client_key = xor(&last.proof, &hash.hmac(stored_key, &signed));
        let right = last.proof.len().ct_eq(&hash.len())
            & hash.digest(&client_key).ct_eq(stored_key.as_slice())
            & self.known;
        if bool::from(right) {
            Ok(ServerFinal::compose(&hash.hmac(server_key, &signed)))
        } else {
            Err(Reason::Refused)
        }
    }
}

/// The mail protocols carry no data with success, so the verifier was a challenge of its own, which the
/// client acknowledges with nothing (RFC 4422 §3.6, RFC 4954 §4).
pub(super) fn end(identity: Identity, message: &[u8]) -> Step {
    if message.is_empty() {
        Step::Done(Ok(identity))
    } else {
        Step::refuse(
            identity.authentication,
            Reason::Malformed("SCRAM has no further message"),
        )
    }
}
