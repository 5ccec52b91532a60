//! Logging in to another server: the strongest mechanism that both sides can do, never weaker than what the terms
//! allow. A password never crosses a wire in the clear unless they say so.

use crate::auth::{bindings, nonce};
use crate::net::connect::{Place, Target};
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_base::envelope::Text;
use mailcore_base::login::Secret;
use mailcore_sasl::client::{Credentials, Exchange, Failure, Materials, choose};
use mailcore_sasl::{Mechanism, Offer, SecurityOptions};
use mailcore_smtp::client::{
    Authenticate, Authenticated, Challenge, LogIn, Offers, Question, Response,
};

/// As whom we log in, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// Who we are.
    pub credentials: Credentials,
    /// The mechanisms that may be used.
    pub mechanisms: Offer,
    /// What mechanisms must be like.
    pub security: SecurityOptions,
    /// Whether a password or a token may go over a wire without TLS. Over a Unix socket it always may.
    pub clear: bool,
}

impl Login {
    /// By any mechanism, but never in the clear.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            mechanisms: Offer::all(),
            security: SecurityOptions::default(),
            clear: false,
        }
    }

    pub(super) fn begin(self) -> Turn {
        Turn {
            login: self,
            exchange: None,
        }
    }
}

/// A login as it goes on.
#[derive(Debug)]
pub(super) struct Turn {
    login: Login,
    exchange: Option<Exchange>,
}

impl Turn {
    pub(super) fn choose(&mut self, question: Question<'_, Authenticate>, target: &Target) {
        let facts = question.facts();
        let bindings = bindings(facts.tls.as_ref());
        let unheard = matches!(target.place, Place::Unix(_));
        let secured = facts.tls.is_some() || unheard || self.login.clear;
        let offer = offered(&facts.offers);
        let usable = offer
            .iter()
            .filter(|it| self.login.mechanisms.contains(*it))
            .collect();
        let Login {
            credentials,
            security,
            ..
        } = &self.login;
        let Some(mechanism) = choose(usable, credentials, &bindings, secured, security) else {
            return question.answer(LogIn::NoMechanism);
        };
        let mut materials = Materials::new(nonce(), offer);
        materials.bindings = bindings;
        if let Place::Tcp(at) = target.place {
            materials.server = Some((target.name.clone(), at.port()));
        }
        question.answer(match Exchange::start(mechanism, credentials, materials) {
            Ok(exchange) => self.start(mechanism, exchange),
            Err(failure) => LogIn::Failed(words(&failure)),
        });
    }

    fn start(&mut self, mechanism: Mechanism, mut exchange: Exchange) -> LogIn {
        let initial = exchange.initial().map(|it| Secret::new(it.to_vec()));
        self.exchange = Some(exchange);
        LogIn::By(Text::lossy(mechanism.name().as_bytes()), initial)
    }

    pub(super) async fn respond<S: Transport>(
        &mut self,
        mut question: Question<'_, Challenge>,
        end: &mut End<S>,
    ) {
        let Some(mut exchange) = self.exchange.take() else {
            return question.decline();
        };
        let (Challenge(challenge), line) = question.parts();
        let challenge = challenge.clone();
        // SCRAM stretches the password, which takes its time.
        let work = tokio::task::spawn_blocking(move || {
            let response = exchange.respond(challenge.expose());
            (exchange, response)
        });
        let answer = match end.carry(line, work).await {
            Ok((exchange, response)) => {
                self.exchange = Some(exchange);
                match response {
                    Ok(response) => Response::Respond(Secret::new(response.to_vec())),
                    Err(failure) => Response::Cancel(words(&failure)),
                }
            }
            Err(_) => return question.decline(),
        };
        question.answer(answer);
    }

    pub(super) fn judge(&mut self, question: Question<'_, Authenticated>) {
        match self.exchange.take() {
            Some(exchange) => question.answer(exchange.accepted().map_err(|it| words(&it))),
            None => question.decline(),
        }
    }
}

/// The mechanisms that a server offers, as far as they are known here.
fn offered(offers: &Offers) -> Offer {
    let known = |name: &Text| Mechanism::parse(name);
    offers.mechanisms.iter().filter_map(known).collect()
}

fn words(failure: &Failure) -> Text {
    Text::lossy(failure.to_string().as_bytes())
}
