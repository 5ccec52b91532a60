//! The client side of SCRAM (RFC 5802, RFC 7677). It trusts the server's salt and iterations only within
//! bounds, and the server only after its proof.

use super::{Credentials, Failure, Materials, Message};
use crate::gs2::{Flag, Header};
use crate::scram::message::{ClientFinal, ClientFirst, ServerFinal, ServerFirst, signed, xor};
use crate::scram::{client_key, salted_password, server_key};
use crate::{FEWEST_ITERATIONS, Hash, MOST_ITERATIONS, Mechanism, Secret, prepare_query};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Has its first message and waits for the `server-first-message`.
pub(super) struct First {
    hash: Hash,
    password: Secret,
    header: String,
    binding: Vec<u8>,
    nonce: String,
    bare: String,
}

impl First {
    pub(super) fn new(
        mechanism: Mechanism,
        credentials: &Credentials,
        password: &Secret,
        materials: &Materials,
    ) -> Result<Self, Failure> {
        let hash = mechanism.scram().ok_or(Failure::Unfit(mechanism))?;
        // RFC 5802 §5.1: both names are prepared.
        let name = prepare_query(&credentials.name)?;
        let authorization = credentials
            .authorization
            .as_deref()
            .map(prepare_query)
            .transpose()?;
        let (flag, binding) = flag(mechanism, materials)?;
        let nonce = materials.nonce.as_str().to_owned();
        Ok(Self {
            hash,
            password: password.clone(),
            header: Header::compose(flag, authorization.as_ref().map(|name| name.as_str())),
            binding: binding.to_vec(),
            bare: ClientFirst::compose_bare(&name, &nonce),
            nonce,
        })
    }

    /// The `client-first-message`.
    pub(super) fn message(&self) -> Message {
        Message::new([self.header.as_bytes(), self.bare.as_bytes()].concat())
    }

    /// Gives the `client-final-message`.
    pub(super) fn respond(self, challenge: &[u8]) -> Result<(Message, Final), Failure> {
        const WRONG: Failure = Failure::Malformed("not a first message of SCRAM");
        let text = std::str::from_utf8(challenge).map_err(|_| WRONG)?;
        let server = ServerFirst::parse(text).ok_or(WRONG)?;
        // RFC 5802 §5.1: our nonce, and something of the server's behind it.
        if server
            .nonce
            .strip_prefix(&self.nonce)
            .is_none_or(str::is_empty)
        {
            return Err(Failure::Malformed(
                "the nonce is not the one of this exchange",
            ));
        }
        if !(FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(&server.iterations) {
            return Err(Failure::Iterations(server.iterations));
        }
        let hash = self.hash;
        let salted = salted_password(hash, &self.password, &server.salt, server.iterations)?;
        let without_proof =
            ClientFinal::compose_without_proof(&self.header, &self.binding, server.nonce);
        let signed = signed(&self.bare, text, &without_proof);
        let client_key = client_key(hash, &salted);
        let proof = xor(&client_key, &hash.hmac(&hash.digest(&client_key), &signed));
        let verifier = hash.hmac(&server_key(hash, &salted), &signed);
        let message = ClientFinal::compose(&without_proof, &proof);
        Ok((Message::new(message.into_bytes()), Final { verifier }))
    }
}

/// RFC 5802 §6: what to say about channel binding.
fn flag(mechanism: Mechanism, materials: &Materials) -> Result<(Flag<'static>, &[u8]), Failure> {
    let best = materials.bindings.best();
    if mechanism.binds_channel() {
        let binding = best.ok_or(Failure::Unbound)?;
        let value = materials.bindings.value(binding).ok_or(Failure::Unbound)?;
        return Ok((Flag::Used(binding.name()), value));
    }
    // We could, and the server seems not to: if it can after all, somebody between lied to us.
    let unused = best.is_some() && !materials.offer.binds_channel();
    Ok((
        if unused {
            Flag::Unused
        } else {
            Flag::Unsupported
        },
        &[],
    ))
}

/// Waits for the `server-final-message`.
pub(super) struct Final {
    verifier: Zeroizing<Vec<u8>>,
}

impl Final {
    pub(super) fn verify(self, challenge: &[u8]) -> Result<(), Failure> {
        const WRONG: Failure = Failure::Malformed("not a final message of SCRAM");
        let text = std::str::from_utf8(challenge).map_err(|_| WRONG)?;
        match ServerFinal::parse(text).ok_or(WRONG)? {
            ServerFinal::Error(error) => Err(Failure::Server(error.chars().take(100).collect())),
            ServerFinal::Verifier(verifier) => {
                let right: bool = verifier.ct_eq(&self.verifier).into();
                if right {
                    Ok(())
                } else {
                    Err(Failure::Impostor)
                }
            }
        }
    }
}
