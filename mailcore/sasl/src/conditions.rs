//! What decides over an offer: the users' stored credentials, the connection and the policy. What is true of
//! them is found out by the driver.

use crate::{Hash, Mechanism, Offer};

/// What decides over an offer.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// The mechanisms that the configuration names.
    pub enabled: Offer,
    /// What the users' stored credentials can serve.
    pub stored: Stored,
    /// Nobody can read along: TLS is on, or the policy counts this connection as secured (both ends on one
    /// host, a trusted network, plaintext logins switched on).
    pub secured: bool,
    /// The connection has channel bindings ([`crate::Bindings::any`]).
    pub bindings: bool,
    /// The client showed a certificate in the handshake and it was verified.
    pub certificate: bool,
    /// The policy.
    pub options: SecurityOptions,
}

impl Conditions {
    /// Whether this mechanism may be offered.
    pub fn permit(&self, mechanism: Mechanism) -> bool {
        self.enabled.contains(mechanism)
            && self.stored.serve(mechanism)
            && (self.secured || !mechanism.discloses_secret())
            && (self.bindings || !mechanism.binds_channel())
            && (self.certificate || mechanism != Mechanism::External)
            && self.options.permit(mechanism)
    }
}

/// What the backends can answer about the users.
///
/// Where users differ, only what holds for all of them should be set, for clients do not come back with a
/// weaker mechanism. ANONYMOUS needs nothing stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Given a password, the backend can say whether it is right (any scheme).
    pub verifies_passwords: bool,
    /// The backend can give the password itself (`{PLAIN}`). SCRAM keys can be made of it too
    /// ([`crate::server::FetchKeys::derive`]), so it serves both SCRAM hashes.
    pub recovers_passwords: bool,
    /// The backend has SCRAM-SHA-1 keys.
    pub scram_sha1: bool,
    /// The backend has SCRAM-SHA-256 keys.
    pub scram_sha256: bool,
    /// The backend can verify OAuth 2.0 tokens.
    pub verifies_tokens: bool,
    /// The backend knows whose a client certificate is.
    pub maps_certificates: bool,
}

impl Stored {
    fn serve(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::Plain | Mechanism::Login => self.verifies_passwords,
            Mechanism::CramMd5 => self.recovers_passwords,
            Mechanism::OauthBearer | Mechanism::Xoauth2 => self.verifies_tokens,
            Mechanism::External => self.maps_certificates,
            Mechanism::Anonymous => true,
            Mechanism::ScramSha256Plus
            | Mechanism::ScramSha1Plus
            | Mechanism::ScramSha256
            | Mechanism::ScramSha1 => self.recovers_passwords || self.has_keys(mechanism.scram()),
        }
    }

    fn has_keys(&self, hash: Option<Hash>) -> bool {
        match hash {
            Some(Hash::Sha1) => self.scram_sha1,
            Some(Hash::Sha256) => self.scram_sha256,
            None => false,
        }
    }
}

/// The policy words that SASL libraries share. What each counts is told by [`Mechanism`]'s properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityOptions {
    /// No mechanism that sends the password itself.
    pub no_plaintext: bool,
    /// No mechanism open to dictionary attacks by who reads along.
    pub no_dictionary: bool,
    /// No mechanism open to active attacks.
    pub no_active: bool,
    /// No ANONYMOUS. The only one that is on by default.
    pub no_anonymous: bool,
    /// Only mechanisms by which the server proves itself.
    pub mutual: bool,
    /// Only mechanisms with forward secrecy of their own. None of ours has it, so nothing is offered.
    pub forward_secrecy: bool,
}

impl Default for SecurityOptions {
    fn default() -> Self {
        Self {
            no_plaintext: false,
            no_dictionary: false,
            no_active: false,
            no_anonymous: true,
            mutual: false,
            forward_secrecy: false,
        }
    }
}

impl SecurityOptions {
    /// Whether the policy lets this mechanism through.
    pub fn permit(&self, mechanism: Mechanism) -> bool {
        !(self.no_plaintext && mechanism.is_plaintext()
            || self.no_dictionary && mechanism.is_open_to_dictionary()
            || self.no_active && mechanism.is_open_to_active()
            || self.no_anonymous && mechanism.is_anonymous()
            || self.mutual && !mechanism.is_mutual()
            || self.forward_secrecy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Conditions {
        Conditions {
            enabled: Offer::all(),
            stored: Stored {
                verifies_passwords: true,
                recovers_passwords: true,
                scram_sha1: true,
                scram_sha256: true,
                verifies_tokens: true,
                maps_certificates: true,
            },
            secured: true,
            bindings: true,
            certificate: true,
            options: SecurityOptions {
                no_anonymous: false,
                ..SecurityOptions::default()
            },
        }
    }

    fn offered(conditions: Conditions) -> String {
        Offer::of(&conditions).to_string()
    }

    #[test]
    fn all_is_offered_where_all_can_be_served() {
        assert_eq!(Offer::of(&everything()), Offer::all());
    }

    #[test]
    fn hashed_passwords_serve_plain_and_login_alone() {
        let stored = Stored {
            verifies_passwords: true,
            ..Stored::default()
        };
        let conditions = Conditions {
            stored,
            options: SecurityOptions::default(),
            ..everything()
        };
        assert_eq!(offered(conditions), "PLAIN LOGIN");
        assert_eq!(
            offered(Conditions {
                secured: false,
                ..conditions
            }),
            ""
        );
    }

    #[test]
    fn scram_keys_serve_their_own_hash_and_a_password_check() {
        let stored = Stored {
            verifies_passwords: true,
            scram_sha256: true,
            ..Stored::default()
        };
        let conditions = Conditions {
            stored,
            options: SecurityOptions::default(),
            ..everything()
        };
        assert_eq!(
            offered(conditions),
            "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"
        );
        assert_eq!(
            offered(Conditions {
                bindings: false,
                ..conditions
            }),
            "SCRAM-SHA-256 PLAIN LOGIN"
        );
    }

    #[test]
    fn nothing_that_discloses_a_secret_is_offered_in_clear() {
        let clear = Offer::of(&Conditions {
            secured: false,
            bindings: false,
            ..everything()
        });
        assert!(!clear.is_empty());
        assert!(clear.iter().all(|mechanism| !mechanism.discloses_secret()));
    }

    #[test]
    fn each_security_option_takes_away_what_it_names() {
        let with = |options| {
            offered(Conditions {
                options,
                ..everything()
            })
        };
        let base = SecurityOptions {
            no_anonymous: false,
            ..SecurityOptions::default()
        };
        assert!(!with(SecurityOptions::default()).contains("ANONYMOUS"));
        let no_plaintext = with(SecurityOptions {
            no_plaintext: true,
            ..base
        });
        assert!(!no_plaintext.contains("PLAIN") && !no_plaintext.contains("LOGIN"));
        assert!(
            !with(SecurityOptions {
                no_dictionary: true,
                ..base
            })
            .contains("CRAM-MD5")
        );
        assert!(
            !with(SecurityOptions {
                no_active: true,
                ..base
            })
            .contains("CRAM-MD5")
        );
        assert_eq!(
            with(SecurityOptions {
                mutual: true,
                ..base
            }),
            "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1"
        );
        assert_eq!(
            with(SecurityOptions {
                forward_secrecy: true,
                ..base
            }),
            ""
        );
    }

    #[test]
    fn external_needs_a_certificate() {
        assert!(
            !offered(Conditions {
                certificate: false,
                ..everything()
            })
            .contains("EXTERNAL")
        );
    }
}
