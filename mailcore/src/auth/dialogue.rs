//! One SASL exchange between a client and the backends: the mechanism says what it needs, the gate asks.

use super::gate::unavailable;
use super::{Admitted, Gate, Link, Reason, Refusal};
use mailcore_sasl::server::{self, Challenge, Found, Need, Step, Verdict};
use mailcore_sasl::{Hash, Mechanism, ScramCredential};
use mailcore_store::auth::{Credential, Scheme};
use std::sync::Arc;

/// What an exchange says next.
#[derive(Debug)]
pub enum Turn {
    /// Send this (before base64) and go on with the client's response.
    Challenge(Vec<u8>, Box<Dialogue>),
    /// The client has logged in.
    Admitted(Admitted),
    /// It has not; the delay is over.
    Refused(Refusal),
}

/// An exchange that waits for the client. Dropping it cancels it.
#[derive(Debug)]
pub struct Dialogue {
    gate: Arc<Gate>,
    link: Link,
    mechanism: Mechanism,
    /// The user's canonical name, once a backend has told it.
    canonical: Option<String>,
    challenge: Challenge,
}

impl Dialogue {
    pub(super) async fn begin(
        gate: Arc<Gate>,
        link: Link,
        mechanism: Mechanism,
        initial: Option<&[u8]>,
    ) -> Turn {
        let step = server::start(mechanism, gate.materials(&link), initial);
        run(gate, link, mechanism, None, step).await
    }

    /// Goes on with the client's response, base64 taken off.
    pub async fn respond(self, response: &[u8]) -> Turn {
        let Self {
            gate,
            link,
            mechanism,
            canonical,
            challenge,
        } = self;
        run(
            gate,
            link,
            mechanism,
            canonical,
            challenge.respond(response),
        )
        .await
    }
}

/// Answers what the mechanism needs until it wants to hear the client again, or is done.
async fn run(
    gate: Arc<Gate>,
    link: Link,
    mechanism: Mechanism,
    mut canonical: Option<String>,
    mut step: Step,
) -> Turn {
    loop {
        step = match step {
            Step::Challenge(challenge) => {
                let octets = challenge.octets().to_vec();
                return Turn::Challenge(
                    octets,
                    Box::new(Dialogue {
                        gate,
                        link,
                        mechanism,
                        canonical,
                        challenge,
                    }),
                );
            }
            Step::Need(need) => supply(&gate, &link, need, &mut canonical).await,
            Step::Done(Ok(identity)) => {
                let name = canonical.unwrap_or_else(|| gate.full(&identity.authentication));
                // Acting for somebody else takes a master user, and there is none.
                let wanted = identity
                    .authorization
                    .as_deref()
                    .map(|other| gate.full(other));
                if wanted.is_some_and(|other| !other.eq_ignore_ascii_case(&name)) {
                    let refusal = Refusal::new(Reason::Credentials, identity.authentication);
                    return Turn::Refused(gate.refuse(&link, refusal).await);
                }
                return Turn::Admitted(Admitted {
                    name,
                    mechanism: mechanism.to_string(),
                });
            }
            Step::Done(Err(failure)) => {
                let refusal =
                    Refusal::new(reason(failure.reason), failure.name.unwrap_or_default());
                return Turn::Refused(gate.refuse(&link, refusal).await);
            }
        };
    }
}

async fn supply(gate: &Gate, link: &Link, need: Need, canonical: &mut Option<String>) -> Step {
    match need {
        Need::VerifyPassword(need) => {
            let name = need.authentication().to_owned();
            let mechanism = need.mechanism().to_string();
            let verdict = match gate.verify(link, &name, &mechanism, need.password()).await {
                Ok(name) => {
                    *canonical = Some(name);
                    Verdict::Accepted
                }
                Err(Reason::Unavailable) => Verdict::Unavailable,
                Err(_) => Verdict::Refused,
            };
            need.answer(verdict)
        }
        Need::FetchPassword(need) => {
            let found = fetch(
                gate,
                link,
                need.authentication(),
                need.mechanism(),
                Scheme::Plain,
                canonical,
            )
            .await;
            need.answer(match found {
                Found::This(Credential::Plain(secret)) => Found::This(secret),
                Found::Unavailable => Found::Unavailable,
                _ => Found::Nothing,
            })
        }
        Need::FetchKeys(mut need) => {
            let scheme = match need.hash() {
                Hash::Sha1 => Scheme::ScramSha1,
                Hash::Sha256 => Scheme::ScramSha256,
                _ => return need.answer(Found::Nothing),
            };
            let full = gate.full(need.authentication());
            // The case that backends do not tell apart.
            need.looked_up_as(&full.to_ascii_lowercase());
            let found = fetch(
                gate,
                link,
                need.authentication(),
                need.mechanism(),
                scheme,
                canonical,
            )
            .await;
            let keys = match found {
                // A backend may leave the stretching to us: off the event loop.
                Found::This(Credential::Plain(secret)) => {
                    let stretched =
                        tokio::task::spawn_blocking(move || (need.derive(&secret).ok(), need))
                            .await;
                    return match stretched {
                        Ok((keys, need)) => need.answer(keys.map_or(Found::Nothing, Found::This)),
                        Err(_) => Step::Done(Err(server::Failure {
                            reason: server::Reason::Unavailable,
                            name: None,
                        })),
                    };
                }
                Found::This(credential) => keys(need.hash(), credential),
                Found::Unavailable => Found::Unavailable,
                Found::Nothing => Found::Nothing,
            };
            need.answer(keys)
        }
        // No backend of tokens and certificates yet: those mechanisms are not offered.
        other => other.decline(),
    }
}

async fn fetch(
    gate: &Gate,
    link: &Link,
    name: &str,
    mechanism: Mechanism,
    scheme: Scheme,
    canonical: &mut Option<String>,
) -> Found<Credential> {
    gate.wait(link).await;
    let login = link.login(&gate.full(name), &mechanism.to_string());
    match gate.passwords().credential(&login, scheme).await {
        Ok(Some(found)) => {
            *canonical = Some(found.name);
            Found::This(found.credential)
        }
        Ok(None) => Found::Nothing,
        Err(error) => {
            unavailable(&error);
            Found::Unavailable
        }
    }
}

fn keys(hash: Hash, credential: Credential) -> Found<ScramCredential> {
    match credential {
        Credential::Scram {
            salt,
            iterations,
            stored_key,
            server_key,
        } => Found::This(ScramCredential {
            hash,
            iterations,
            salt,
            stored_key: stored_key.expose().to_vec(),
            server_key: server_key.expose().to_vec(),
        }),
        _ => Found::Nothing,
    }
}

fn reason(reason: server::Reason) -> Reason {
    match reason {
        server::Reason::NotOffered => Reason::NotOffered,
        server::Reason::Malformed(_) | server::Reason::TooLong => Reason::Malformed,
        server::Reason::Unavailable => Reason::Unavailable,
        _ => Reason::Credentials,
    }
}
