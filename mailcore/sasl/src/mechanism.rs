//! The mechanisms by name, and what each of them gives away. How they run is in `server` and `client`.

use std::fmt;

/// A SASL mechanism, in the order of preference: the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// SCRAM with SHA-256, bound to the TLS channel (RFC 7677).
    ScramSha256Plus,
    /// SCRAM with SHA-1, bound to the TLS channel (RFC 5802).
    ScramSha1Plus,
    /// SCRAM with SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM with SHA-1 (RFC 5802).
    ScramSha1,
    /// The identity that TLS established, from a client certificate (RFC 4422 appendix A).
    External,
    /// An OAuth 2.0 bearer token (RFC 7628).
    OauthBearer,
    /// An OAuth 2.0 bearer token in the form that Google and Microsoft had before RFC 7628.
    Xoauth2,
    /// An HMAC over the server's challenge, keyed with the password (RFC 2195).
    CramMd5,
    /// Name and password as they are (RFC 4616).
    Plain,
    /// Name and password one after another; never standardised, still asked for.
    Login,
    /// No credentials at all (RFC 4505).
    Anonymous,
}

impl Mechanism {
    /// Every mechanism, the strongest first.
    pub const ALL: [Self; 11] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::External,
        Self::OauthBearer,
        Self::Xoauth2,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::Anonymous,
    ];

    /// The registered name, in upper case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::External => "EXTERNAL",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
            Self::CramMd5 => "CRAM-MD5",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// The mechanism of this name, in any case (all three mail protocols compare so); `None` where it is
    /// not one of ours.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|m| m.name().eq_ignore_ascii_case(name))
    }

    /// The password itself crosses the wire (what the option `noplaintext` forbids).
    pub const fn is_plaintext(self) -> bool {
        matches!(self, Self::Plain | Self::Login)
    }

    /// Who reads the wire can afterwards log in: a password or a bearer token crosses it, so it needs TLS
    /// (RFC 4616 §6, RFC 7628 §5).
    pub const fn discloses_secret(self) -> bool {
        self.is_plaintext() || matches!(self, Self::OauthBearer | Self::Xoauth2)
    }

    /// Nobody is authenticated.
    pub const fn is_anonymous(self) -> bool {
        matches!(self, Self::Anonymous)
    }

    /// The exchange is tied to the TLS connection below it (RFC 5056), so it needs one.
    pub const fn binds_channel(self) -> bool {
        matches!(self, Self::ScramSha1Plus | Self::ScramSha256Plus)
    }

    /// The server proves itself too.
    pub const fn is_mutual(self) -> bool {
        self.scram().is_some()
    }

    /// Who reads the wire can guess the password at leisure (what `nodictionary` forbids). SCRAM is not
    /// counted, for its iterations make each guess dear; so it is with Cyrus and Dovecot.
    pub const fn is_open_to_dictionary(self) -> bool {
        self.is_plaintext() || matches!(self, Self::CramMd5)
    }

    /// Who can alter the wire can take the exchange over (what `noactive` forbids). Plain passwords are
    /// the business of `noplaintext`.
    pub const fn is_open_to_active(self) -> bool {
        matches!(self, Self::CramMd5)
    }

    /// The client speaks first, so it may send an initial response along with the command.
    ///
    /// LOGIN counts as server first, though our server takes a name sent along.
    pub const fn is_client_first(self) -> bool {
        !matches!(self, Self::CramMd5 | Self::Login)
    }

    /// The hash, where the mechanism is of the SCRAM family.
    pub const fn scram(self) -> Option<crate::Hash> {
        match self {
            Self::ScramSha1 | Self::ScramSha1Plus => Some(crate::Hash::Sha1),
            Self::ScramSha256 | Self::ScramSha256Plus => Some(crate::Hash::Sha256),
            _ => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_in_any_case() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::parse(mechanism.name()), Some(mechanism));
            assert_eq!(
                Mechanism::parse(&mechanism.name().to_lowercase()),
                Some(mechanism)
            );
        }
        assert_eq!(Mechanism::parse("GSSAPI"), None);
        assert_eq!(Mechanism::parse(""), None);
    }

    #[test]
    fn the_list_is_in_the_order_of_preference_and_complete() {
        assert!(Mechanism::ALL.is_sorted());
        assert_eq!(
            Mechanism::ALL.map(|m| m as usize),
            core::array::from_fn(|place| place)
        );
    }
}
