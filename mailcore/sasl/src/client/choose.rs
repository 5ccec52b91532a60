//! Which of the offered mechanisms to use: the strongest that the credentials, the connection and the policy
//! allow. It never falls back to a weaker one after a failure; that would be a downgrade on request.

use super::{Credentials, Proof};
use crate::{Bindings, Mechanism, Offer, SecurityOptions};

/// The strongest mechanism of the offer that can be used, or `None`.
///
/// `secured` says that nobody can read along (TLS with a verified server, as a rule); without it nothing is
/// chosen that discloses a password or a token.
pub fn choose(
    offer: Offer,
    credentials: &Credentials,
    bindings: &Bindings,
    secured: bool,
    options: &SecurityOptions,
) -> Option<Mechanism> {
    // The default policy of servers forbids anonymous users; who asks for one here means it.
    let nobody = matches!(credentials.proof, Proof::Nobody);
    let options = SecurityOptions {
        no_anonymous: options.no_anonymous && !nobody,
        ..*options
    };
    offer.iter().find(|mechanism| {
        credentials.serve(*mechanism)
            && (bindings.any() || !mechanism.binds_channel())
            && (secured || !mechanism.discloses_secret())
            && options.permit(*mechanism)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn chosen(
        offer: &str,
        credentials: &Credentials,
        bindings: &Bindings,
        secured: bool,
    ) -> String {
        let options = SecurityOptions::default();
        choose(
            Offer::parse(offer),
            credentials,
            bindings,
            secured,
            &options,
        )
        .map_or_else(String::new, |mechanism| mechanism.to_string())
    }

    #[test]
    fn the_strongest_that_can_be_used_is_chosen() {
        let password = Credentials::password("tim", "secret");
        let none = Bindings::default();
        let tls = Bindings {
            tls_exporter: Some(vec![1; 32]),
            ..Bindings::default()
        };
        let all = Offer::all().to_string();
        assert_eq!(chosen(&all, &password, &tls, true), "SCRAM-SHA-256-PLUS");
        assert_eq!(chosen(&all, &password, &none, true), "SCRAM-SHA-256");
        assert_eq!(
            chosen("LOGIN PLAIN CRAM-MD5", &password, &none, true),
            "CRAM-MD5"
        );
        assert_eq!(chosen("LOGIN PLAIN", &password, &none, true), "PLAIN");
        assert_eq!(chosen("LOGIN PLAIN", &password, &none, false), "");
        assert_eq!(
            chosen(&all, &Credentials::token("tim", "t"), &tls, true),
            "OAUTHBEARER"
        );
        assert_eq!(
            chosen(&all, &Credentials::token("tim", "t"), &tls, false),
            ""
        );
    }

    #[test]
    fn an_authorization_identity_is_never_silently_dropped() {
        let credentials = Credentials {
            name: String::from("master"),
            authorization: Some(String::from("tim")),
            proof: Proof::Password(Secret::new("x")),
        };
        assert_eq!(
            chosen("LOGIN CRAM-MD5", &credentials, &Bindings::default(), true),
            ""
        );
        assert_eq!(
            chosen("LOGIN PLAIN", &credentials, &Bindings::default(), true),
            "PLAIN"
        );
    }

    #[test]
    fn anonymous_is_chosen_only_by_who_wants_to_be_nobody() {
        let nobody = Credentials {
            name: String::new(),
            authorization: None,
            proof: Proof::Nobody,
        };
        let all = Offer::all().to_string();
        assert_eq!(
            chosen(&all, &nobody, &Bindings::default(), true),
            "ANONYMOUS"
        );
        let password = Credentials::password("tim", "secret");
        assert_eq!(
            chosen("ANONYMOUS", &password, &Bindings::default(), true),
            ""
        );
    }
}
