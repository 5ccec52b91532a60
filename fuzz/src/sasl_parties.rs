//! The user, the backend and the connection that the two SASL bodies share. All of it is fixed, so that a seed can hold
//! a whole conversation.

use mailcore_sasl::client::{self, Credentials, Proof};
use mailcore_sasl::server::{self, Decoy, Found, Need, Step, TokenRefusal, TokenVerdict, Verdict};
use mailcore_sasl::{
    Bindings, FEWEST_ITERATIONS, Hash, Mechanism, Nonce, Offer, ScramCredential, Secret,
};
use std::sync::LazyLock;

/// The one user there is.
pub(crate) const NAME: &str = "tim";
const PASSWORD: &str = "tanstaaftanstaaf";
const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

static KEYS: LazyLock<[ScramCredential; 2]> = LazyLock::new(|| {
    [Hash::Sha1, Hash::Sha256].map(|hash| {
        let salt = b"sixteen octets..";
        ScramCredential::derive(hash, &Secret::new(PASSWORD), salt, FEWEST_ITERATIONS)
            .expect("ASCII")
    })
});

/// A backend's answer, and whether it could let anybody in.
pub(crate) fn answer(need: Need, away: bool) -> (Step, bool) {
    if away {
        return (need.decline(), false);
    }
    match need {
        Need::VerifyPassword(need) => {
            let right =
                need.authentication() == NAME && need.password().matches(PASSWORD.as_bytes());
            let verdict = if right {
                Verdict::Accepted
            } else {
                Verdict::Refused
            };
            (need.answer(verdict), right)
        }
        Need::FetchPassword(need) => match need.authentication() == NAME {
            true => (need.answer(Found::This(Secret::new(PASSWORD))), true),
            false => (need.answer(Found::Nothing), false),
        },
        Need::FetchKeys(need) => {
            let hash = need.hash();
            let known = |_: &&ScramCredential| need.authentication() == NAME;
            match KEYS.iter().find(|keys| keys.hash == hash).filter(known) {
                Some(keys) => (need.answer(Found::This(keys.clone())), true),
                None => (need.answer(Found::Nothing), false),
            }
        }
        Need::VerifyToken(need) => match need.token().matches(TOKEN.as_bytes()) {
            true => (
                need.answer(TokenVerdict::Accepted { user: NAME.into() }),
                true,
            ),
            false => {
                let refusal = TokenVerdict::Refused(TokenRefusal::InvalidToken);
                (need.answer(refusal), false)
            }
        },
        Need::MapCertificate(need) => (need.answer(Found::This(NAME.into())), true),
        other => (other.decline(), false),
    }
}

/// The user's credentials in the shape that a mechanism wants.
pub(crate) fn credentials(mechanism: Mechanism) -> Credentials {
    let proof = match mechanism {
        Mechanism::External => Proof::Certificate,
        Mechanism::Anonymous => Proof::Nobody,
        Mechanism::OauthBearer | Mechanism::Xoauth2 => Proof::Token(Secret::new(TOKEN)),
        _ => Proof::Password(Secret::new(PASSWORD)),
    };
    Credentials {
        name: NAME.into(),
        authorization: None,
        proof,
    }
}

fn bindings() -> Bindings {
    let mut bindings = Bindings::default();
    bindings.tls_exporter = Some(vec![1; 32]);
    bindings
}

/// What the server starts with; its nonce is `UVFRUVFRUVFRUVFRUVFRUVFR`.
pub(crate) fn server_materials() -> server::Materials {
    let nonce = Nonce::from_random([0x51; 18]);
    let mut materials = server::Materials::new(Offer::all(), nonce, Decoy::new([3; 32]));
    materials.bindings = bindings();
    materials.hostname = "mail.example.test".into();
    materials.timestamp = 1_700_000_000;
    materials
}

/// What the client starts with; its nonce is `wcHBwcHBwcHBwcHBwcHBwcHB`.
pub(crate) fn client_materials() -> client::Materials {
    let mut materials = client::Materials::new(Nonce::from_random([0xC1; 18]), Offer::all());
    materials.bindings = bindings();
    materials
}
