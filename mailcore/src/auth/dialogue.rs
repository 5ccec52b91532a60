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

/// What a backend has told of the user, once it was asked: it counts when the mechanism is through, too.
type Told = Option<Result<Admitted, Refusal>>;

/// An exchange that waits for the client. Dropping it cancels it.
#[derive(Debug)]
pub struct Dialogue {
    gate: Arc<Gate>,
    link: Link,
    mechanism: Mechanism,
    told: Told,
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
            told,
            challenge,
        } = self;
        let step = challenge.respond(response);
        let turn = run(Arc::clone(&gate), link, mechanism, told, step).await;
        gate.counted(&mechanism.to_string(), turn)
    }
}

/// Answers what the mechanism needs until it wants to hear the client again, or is done.
async fn run(
    gate: Arc<Gate>,
    link: Link,
    mechanism: Mechanism,
    mut told: Told,
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
                        told,
                        challenge,
                    }),
                );
            }
            Step::Need(need) => supply(&gate, &link, need, &mut told).await,
            Step::Done(Ok(identity)) => {
                let admitted = match told {
                    Some(Ok(admitted)) => admitted,
                    // Whatever the mechanism makes of it.
                    Some(Err(refusal)) => return Turn::Refused(gate.refuse(&link, refusal).await),
                    None => Admitted {
                        name: gate.full(&identity.authentication),
                        mechanism: mechanism.to_string(),
                        referral: None,
                    },
                };
                // Acting for somebody else takes a master user, and there is none.
                let wanted = identity
                    .authorization
                    .as_deref()
                    .map(|other| gate.full(other));
                if wanted.is_some_and(|other| !other.eq_ignore_ascii_case(&admitted.name)) {
                    let refusal = Refusal::new(Reason::Credentials, identity.authentication);
                    return Turn::Refused(gate.refuse(&link, refusal).await);
                }
                return Turn::Admitted(admitted);
            }
            Step::Done(Err(failure)) => {
                // Mechanisms know no more than right and wrong.
                let refusal = match told {
                    Some(Err(refusal)) => refusal,
                    _ => Refusal::new(reason(failure.reason), failure.name.unwrap_or_default()),
                };
                return Turn::Refused(gate.refuse(&link, refusal).await);
            }
        };
    }
}

async fn supply(gate: &Gate, link: &Link, need: Need, told: &mut Told) -> Step {
    match need {
        Need::VerifyPassword(need) => {
            let name = need.authentication().to_owned();
            let mechanism = need.mechanism().to_string();
            let outcome = gate.verify(link, &name, &mechanism, need.password()).await;
            let verdict = match &outcome {
                Ok(_) => Verdict::Accepted,
                Err(refusal) if refusal.reason == Reason::Unavailable => Verdict::Unavailable,
                Err(_) => Verdict::Refused,
            };
            *told = Some(outcome);
            need.answer(verdict)
        }
        Need::FetchPassword(need) => {
            let found = fetch(
                gate,
                link,
                need.authentication(),
                need.mechanism(),
                Scheme::Plain,
                told,
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
                told,
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
    told: &mut Told,
) -> Found<Credential> {
    gate.wait(link).await;
    let login = link.login(&gate.full(name), &mechanism.to_string());
    match gate.passwords().credential(&login, scheme).await {
        Ok(Some(found)) => {
            let mechanism = mechanism.to_string();
            *told = Some(Ok(Admitted::of(found.name, mechanism, &found.fields)));
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
