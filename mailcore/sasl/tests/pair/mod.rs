//! A backend of one user, and a client and a server that talk to each other.
#![allow(dead_code, reason = "each test program uses a part of it")]

use mailcore_sasl::client::{self, Credentials};
use mailcore_sasl::server::{
    self, Decoy, Failure, Found, Need, Reason, Step, TokenRefusal, TokenVerdict, Verdict,
};
use mailcore_sasl::{
    Bindings, Hash, Identity, Mechanism, Nonce, Offer, ScramCredential, Secret, USUAL_ITERATIONS,
};
use std::sync::LazyLock;

pub(crate) const NAME: &str = "tim";
pub(crate) const PASSWORD: &str = "tanstaaftanstaaf";
pub(crate) const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

static KEYS: LazyLock<[ScramCredential; 2]> = LazyLock::new(|| {
    [Hash::Sha1, Hash::Sha256].map(|hash| {
        let password = Secret::new(PASSWORD);
        ScramCredential::derive(hash, &password, b"sixteen octets..", USUAL_ITERATIONS)
            .expect("ASCII")
    })
});

/// Answers as a store would that knows [`NAME`] alone.
pub(crate) fn answer(need: Need) -> Step {
    match need {
        Need::VerifyPassword(need) => {
            let right =
                need.authentication() == NAME && need.password().matches(PASSWORD.as_bytes());
            need.answer(if right {
                Verdict::Accepted
            } else {
                Verdict::Refused
            })
        }
        Need::FetchPassword(need) if need.authentication() == NAME => {
            need.answer(Found::This(Secret::new(PASSWORD)))
        }
        Need::FetchPassword(need) => need.answer(Found::Nothing),
        Need::FetchKeys(need) if need.authentication() == NAME => {
            let keys = KEYS
                .iter()
                .find(|keys| keys.hash == need.hash())
                .expect("both hashes");
            need.answer(Found::This(keys.clone()))
        }
        Need::FetchKeys(need) => need.answer(Found::Nothing),
        Need::VerifyToken(need) if need.token().matches(TOKEN.as_bytes()) => {
            need.answer(TokenVerdict::Accepted { user: NAME.into() })
        }
        Need::VerifyToken(need) => need.answer(TokenVerdict::Refused(TokenRefusal::InvalidToken)),
        Need::MapCertificate(need) => need.answer(Found::This(NAME.into())),
        other => other.decline(),
    }
}

/// Goes on until the client is needed or it is over.
pub(crate) fn settle(mut step: Step) -> Step {
    while let Step::Need(need) = step {
        step = answer(need);
    }
    step
}

pub(crate) fn exporter(octet: u8) -> Bindings {
    let mut bindings = Bindings::default();
    bindings.tls_exporter = Some(vec![octet; 32]);
    bindings
}

pub(crate) fn server_materials(offer: Offer, bindings: Bindings) -> server::Materials {
    let nonce = Nonce::from_random([0x51; 18]);
    let mut materials = server::Materials::new(offer, nonce, Decoy::new([3; 32]));
    materials.bindings = bindings;
    materials.hostname = "mail.example.test".into();
    materials.timestamp = 1_700_000_000;
    materials
}

pub(crate) fn client_materials(offer: Offer, bindings: Bindings) -> client::Materials {
    let mut materials = client::Materials::new(Nonce::from_random([0xC1; 18]), offer);
    materials.bindings = bindings;
    materials
}

/// How a conversation ended, as each side sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct Ends {
    pub(crate) server: Option<Result<Identity, Failure>>,
    pub(crate) client: Result<(), client::Failure>,
    /// How many challenges there were.
    pub(crate) challenges: usize,
}

impl Ends {
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.server
            .as_ref()?
            .as_ref()
            .err()
            .map(|failure| failure.reason)
    }
    pub(crate) fn both_agree(&self) -> bool {
        matches!(self.server, Some(Ok(_))) && self.client.is_ok()
    }
}

/// Lets both talk; `meddle` sees each message (counted from 0, the client's first being 0) and may alter it.
pub(crate) fn talk(
    mechanism: Mechanism,
    mut client: client::Exchange,
    materials: server::Materials,
    sasl_ir: bool,
    mut meddle: impl FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> Ends {
    let mut count = 0;
    let mut pass = |octets: &[u8]| {
        let out = meddle(count, octets.to_vec());
        count += 1;
        out
    };
    let initial = if sasl_ir { client.initial() } else { None };
    let initial = initial.map(|message| pass(&message));
    let mut step = settle(server::start(mechanism, materials, initial.as_deref()));
    let mut challenges = 0;
    loop {
        match step {
            Step::Challenge(challenge) => {
                challenges += 1;
                assert!(challenges < 10, "an exchange without end");
                // An empty challenge that asks for the first message is no message to meddle with.
                let octets = match challenge.octets() {
                    [] => Vec::new(),
                    octets => pass(octets),
                };
                match client.respond(&octets) {
                    Ok(response) => {
                        let response = if response.is_empty() {
                            Vec::new()
                        } else {
                            pass(&response)
                        };
                        step = settle(challenge.respond(&response));
                    }
                    Err(failure) => {
                        return Ends {
                            server: None,
                            client: Err(failure),
                            challenges,
                        };
                    }
                }
            }
            Step::Done(outcome) => {
                let client = match outcome {
                    Ok(_) => client.accepted(),
                    Err(_) => Ok(()),
                };
                return Ends {
                    server: Some(outcome),
                    client,
                    challenges,
                };
            }
            Step::Need(_) => unreachable!("settled"),
        }
    }
}

/// Both with the same offer and bindings, nobody between.
pub(crate) fn pair(mechanism: Mechanism, credentials: &Credentials, sasl_ir: bool) -> Ends {
    let client = client::Exchange::start(
        mechanism,
        credentials,
        client_materials(Offer::all(), exporter(1)),
    )
    .expect("fit credentials");
    let materials = server_materials(Offer::all(), exporter(1));
    talk(mechanism, client, materials, sasl_ir, |_, message| message)
}
