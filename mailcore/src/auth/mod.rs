//! Logging in, for every protocol: SASL exchanges, plain passwords and APOP, against the backends of users and
//! passwords. Decides who comes in; how that is worded is each protocol's, and nothing here writes to a peer.

mod dialogue;
mod gate;
mod penalty;
mod referral;

pub use dialogue::{Dialogue, Turn};
pub use gate::{Gate, Options};
pub(crate) use gate::{bindings, nonce};
pub use mailcore_sasl::{Mechanism, Offer};
pub use mailcore_store::auth::{Hasher, MemoryUsers};
pub use referral::Referral;

use mailcore_base::login::{Login, Service, TlsFacts};
use mailcore_store::auth::Fields;
use std::net::IpAddr;

/// A place to hash passwords in, seeded with the system's randomness; a server needs one for all its backends.
pub fn hasher() -> Hasher {
    let mut seed = [0; 32];
    // Without randomness salts can be foreseen; logins stay as safe as the passwords are.
    let _ = getrandom::fill(&mut seed);
    Hasher::new(seed)
}

/// The connection that a login comes by.
#[derive(Debug, Clone)]
pub struct Link {
    /// The service.
    pub service: Service,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// The address connected to.
    pub local: Option<IpAddr>,
    /// The TLS layer, where there is one.
    pub tls: Option<TlsFacts>,
    /// Whether mechanisms that disclose the password may be used: TLS, or what counts as safe without.
    pub secured: bool,
    /// A failure is not held against the address: whoever asks for the client keeps count himself.
    pub lenient: bool,
}

impl Link {
    /// A connection of `service`; secured where it is under TLS, or both ends have the same address, which
    /// is Dovecot's rule for plaintext logins.
    pub fn new(
        service: Service,
        peer: Option<IpAddr>,
        local: Option<IpAddr>,
        tls: Option<TlsFacts>,
    ) -> Self {
        let (peer, local) = (
            peer.map(|ip| ip.to_canonical()),
            local.map(|ip| ip.to_canonical()),
        );
        let secured = tls.is_some() || peer == local;
        Self {
            service,
            peer,
            local,
            tls,
            secured,
            lenient: false,
        }
    }

    /// The same where only TLS counts (Postfix: smtpd_tls_auth_only).
    #[must_use]
    pub fn tls_only(self) -> Self {
        Self {
            secured: self.tls.is_some(),
            ..self
        }
    }

    /// The address that failures are held against, if they are.
    fn accused(&self) -> Option<IpAddr> {
        let same_host = self.peer == self.local;
        self.peer.filter(|_| !same_host && !self.lenient)
    }

    fn login(&self, name: &str, mechanism: &str) -> Login {
        let mut login = Login::new(name, self.service);
        login.peer = self.peer;
        login.local = self.local;
        login.secured = self.secured;
        mechanism.clone_into(&mut login.mechanism);
        login
    }
}

/// Somebody has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// The user's canonical name.
    pub name: String,
    /// By which mechanism; `PLAIN` for a plain password.
    pub mechanism: String,
    /// Where his own mail is, if not here.
    pub referral: Option<Referral>,
}

impl Admitted {
    /// The user of this canonical name, with what his password entry says besides.
    fn of(name: String, mechanism: impl Into<String>, fields: &Fields) -> Self {
        let referral = Referral::of(&name, fields);
        Self {
            name,
            mechanism: mechanism.into(),
            referral,
        }
    }
}

/// Somebody has not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The name that was tried, as far as it is known: for the log.
    pub name: String,
    /// Where to try instead; only for [`Reason::Barred`].
    pub referral: Option<Referral>,
}

impl Refusal {
    /// Nobody could say.
    pub(crate) fn unavailable() -> Self {
        Self::new(Reason::Unavailable, "")
    }

    fn new(reason: Reason, name: impl Into<String>) -> Self {
        Self {
            reason,
            name: name.into(),
            referral: None,
        }
    }
}

/// Why a login failed, as far as peers may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Wrong name or password; which of both is nobody's business.
    Credentials,
    /// The password is right and the user may not come in.
    Barred,
    /// A backend could not say just now.
    Unavailable,
    /// No message of this mechanism.
    Malformed,
    /// The mechanism is not offered here.
    NotOffered,
    /// Plaintext is not allowed on this connection.
    Insecure,
}
