//! The gate: the backends of users and passwords, and the policy of who may use which mechanism.

use super::penalty::Penalties;
use super::{Admitted, Dialogue, Link, Reason, Referral, Refusal, Turn};
use crate::metrics::Metrics;
use crate::net::now;
use mailcore_base::login::{Secret, TlsFacts};
use mailcore_sasl::server::Decoy;
use mailcore_sasl::{Bindings, Conditions, Mechanism, Nonce, Offer, SecurityOptions, Stored, apop};
use mailcore_store::auth::{Credential, Passwords, Scheme, User, Users, Verdict};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The policy of a gate.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The server's name in challenges.
    pub hostname: String,
    /// Mechanisms that may be offered at all, where the stored credentials can serve them.
    pub enabled: Offer,
    /// Put behind `@` where a login name has none.
    pub default_realm: Option<String>,
    /// How long a refused login waits for its answer, at first.
    pub failure_delay: Duration,
    /// What made-up credentials of unknown users derive from; random, and kept over restarts.
    pub decoy: [u8; 32],
    /// Further rules about mechanisms.
    pub security: SecurityOptions,
    /// Where logins are counted; nowhere by default.
    pub metrics: Option<Arc<Metrics>>,
}

impl Options {
    /// The defaults of a server of this name: every mechanism but ANONYMOUS, two seconds.
    pub fn new(hostname: impl Into<String>) -> Self {
        let mut decoy = [0; 32];
        // Without randomness unknown users can be told from known ones; logins stay as safe as they are.
        let _ = getrandom::fill(&mut decoy);
        Self {
            hostname: hostname.into(),
            enabled: Offer::all(),
            default_realm: None,
            failure_delay: Duration::from_secs(2),
            decoy,
            security: SecurityOptions::default(),
            metrics: None,
        }
    }
}

/// Where logins are decided. Shared by all connections.
#[derive(Debug)]
pub struct Gate {
    passwords: Arc<dyn Passwords>,
    users: Arc<dyn Users>,
    options: Options,
    penalties: Penalties,
}

impl Gate {
    /// A gate before these backends.
    pub fn new(
        passwords: Arc<dyn Passwords>,
        users: Arc<dyn Users>,
        options: Options,
    ) -> Arc<Self> {
        Arc::new(Self {
            passwords,
            users,
            options,
            penalties: Penalties::default(),
        })
    }

    /// What may be advertised on this connection: what the stored credentials of at least one user can serve.
    pub fn offer(&self, link: &Link) -> Offer {
        Offer::of(&Conditions {
            enabled: self.options.enabled,
            stored: self.stored(),
            secured: link.secured,
            bindings: bindings(link.tls.as_ref()).any(),
            certificate: link
                .tls
                .as_ref()
                .is_some_and(|tls| tls.client_name.is_some()),
            options: self.options.security,
        })
    }

    fn stored(&self) -> Stored {
        let schemes = self.passwords.schemes();
        Stored {
            verifies_passwords: true,
            recovers_passwords: schemes.contains(&Scheme::Plain),
            scram_sha1: schemes.contains(&Scheme::ScramSha1),
            scram_sha256: schemes.contains(&Scheme::ScramSha256),
            ..Stored::default()
        }
    }

    /// Whether APOP can be offered: some user's password is known as it is.
    pub fn offers_apop(&self) -> bool {
        self.stored().recovers_passwords
    }

    /// The timestamp that an APOP greeting shows.
    pub fn apop_timestamp(&self) -> String {
        apop::timestamp(&nonce(), seconds(), &self.options.hostname)
    }

    /// Begins a SASL exchange. `initial` is decoded; `None` where the client sent none.
    pub async fn begin(
        self: &Arc<Self>,
        link: &Link,
        mechanism: &str,
        initial: Option<&[u8]>,
    ) -> Turn {
        let Some(known) = Mechanism::parse(mechanism) else {
            let refusal = Refusal::new(Reason::NotOffered, "");
            return self.counted(mechanism, Turn::Refused(refusal));
        };
        let turn = Dialogue::begin(Arc::clone(self), link.clone(), known, initial).await;
        self.counted(mechanism, turn)
    }

    /// Logs in with a plain password (IMAP LOGIN, POP3 USER and PASS).
    ///
    /// # Errors
    /// The refusal, after its delay.
    pub async fn password(
        &self,
        link: &Link,
        name: &str,
        secret: &Secret,
    ) -> Result<Admitted, Refusal> {
        if !link.secured {
            return self.ended("PLAIN", Err(Refusal::new(Reason::Insecure, name)));
        }
        let end = match self.verify(link, name, "PLAIN", secret).await {
            Ok(admitted) => Ok(admitted),
            Err(refusal) => Err(self.refuse(link, refusal).await),
        };
        self.ended("PLAIN", end)
    }

    /// Logs in with APOP (RFC 1939 §7): `digest` over the greeting's timestamp and the password.
    ///
    /// # Errors
    /// The refusal, after its delay.
    pub async fn apop(
        &self,
        link: &Link,
        name: &str,
        timestamp: &str,
        digest: &[u8],
    ) -> Result<Admitted, Refusal> {
        let login = link.login(&self.full(name), "APOP");
        self.wait(link).await;
        let right = match self.passwords.credential(&login, Scheme::Plain).await {
            Ok(Some(found)) => match found.credential {
                Credential::Plain(secret) if apop::verify(timestamp, &secret, digest) => {
                    Ok(Admitted::of(found.name, "APOP", &found.fields))
                }
                _ => Err(Reason::Credentials),
            },
            Ok(None) => Err(Reason::Credentials),
            Err(error) => Err(unavailable(&error)),
        };
        let end = match right {
            Ok(admitted) => Ok(admitted),
            Err(reason) => Err(self.refuse(link, Refusal::new(reason, name)).await),
        };
        self.ended("APOP", end)
    }

    /// Counts how a login has ended, if it has.
    pub(super) fn counted(&self, mechanism: &str, turn: Turn) -> Turn {
        if let Some(metrics) = &self.options.metrics {
            metrics.logins().turned(mechanism, &turn);
        }
        turn
    }

    fn ended(&self, mechanism: &str, end: Result<Admitted, Refusal>) -> Result<Admitted, Refusal> {
        if let Some(metrics) = &self.options.metrics {
            match &end {
                Ok(_) => metrics.logins().admitted(mechanism),
                Err(refusal) => metrics.logins().refused(mechanism, refusal.reason),
            }
        }
        end
    }

    /// The user of a login, with where the mail lies.
    ///
    /// # Errors
    /// When the directory cannot tell for now.
    pub async fn user(
        &self,
        link: &Link,
        admitted: &Admitted,
    ) -> mailcore_store::Result<Option<User>> {
        self.users
            .user(&link.login(&admitted.name, &admitted.mechanism))
            .await
    }

    pub(super) async fn verify(
        &self,
        link: &Link,
        name: &str,
        mechanism: &str,
        secret: &Secret,
    ) -> Result<Admitted, Refusal> {
        self.wait(link).await;
        let reason = match self
            .passwords
            .verify(&link.login(&self.full(name), mechanism), secret)
            .await
        {
            Ok(Verdict::Granted { name, fields }) => {
                return Ok(Admitted::of(name, mechanism, &fields));
            }
            Ok(Verdict::Barred {
                name: known,
                fields,
            }) => {
                let mut refusal = Refusal::new(Reason::Barred, name);
                refusal.referral = Referral::of(&known, &fields);
                return Err(refusal);
            }
            Ok(_) => Reason::Credentials,
            Err(error) => unavailable(&error),
        };
        Err(Refusal::new(reason, name))
    }

    /// A refusal takes its time, so that guessing is slow. What failed for our own reasons does not wait, and
    /// neither does the same host get slower and slower: a webmail logs in from there for everybody.
    pub(super) async fn refuse(&self, link: &Link, refusal: Refusal) -> Refusal {
        if matches!(refusal.reason, Reason::Credentials | Reason::Barred) {
            let first = self.options.failure_delay;
            let wait = match link.accused() {
                Some(peer) => self.penalties.failed(peer, first, now()),
                None => first,
            };
            tokio::time::sleep(wait).await;
        }
        refusal
    }

    /// Waits what is left of the last refusal's time at this address: nobody saves it by hanging up and calling again.
    pub(super) async fn wait(&self, link: &Link) {
        let left = match link.accused() {
            Some(peer) => self.penalties.left(peer, now()),
            None => Duration::ZERO,
        };
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
    }

    /// The name with the default realm where it has none.
    pub(super) fn full(&self, name: &str) -> String {
        match &self.options.default_realm {
            Some(realm) if !name.contains('@') => format!("{name}@{realm}"),
            _ => name.to_owned(),
        }
    }

    pub(super) fn passwords(&self) -> &dyn Passwords {
        &*self.passwords
    }

    pub(super) fn materials(&self, link: &Link) -> mailcore_sasl::server::Materials {
        let decoy = Decoy::new(self.options.decoy);
        let mut materials = mailcore_sasl::server::Materials::new(self.offer(link), nonce(), decoy);
        materials.hostname.clone_from(&self.options.hostname);
        materials.timestamp = seconds();
        materials.bindings = bindings(link.tls.as_ref());
        materials
    }
}

pub(super) fn unavailable(error: &mailcore_store::Error) -> Reason {
    tracing::error!("login: {error}");
    Reason::Unavailable
}

/// The channel bindings of a connection.
pub(crate) fn bindings(tls: Option<&TlsFacts>) -> Bindings {
    let mut bindings = Bindings::default();
    if let Some(tls) = tls {
        bindings.tls_exporter.clone_from(&tls.exporter);
        bindings.tls_server_end_point.clone_from(&tls.end_point);
    }
    bindings
}

/// A nonce that no exchange has had.
pub(crate) fn nonce() -> Nonce {
    let mut octets = [0; 18];
    if getrandom::fill(&mut octets).is_err() {
        // A nonce need not be secret, only new (RFC 5802 §5.1).
        let identity = crate::intake::identity().0.to_be_bytes();
        octets
            .iter_mut()
            .zip(identity)
            .for_each(|(to, from)| *to = from);
    }
    Nonce::from_random(octets)
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
