//! The desk of a server with mailboxes: own domains, aliases and users. With a queue it takes mail for other servers too,
//! from users who have logged in and from clients that it relays for; without one it relays for nobody.

use super::{Reception, Role, Sink, Verdict, Visit, words};
use crate::deliver::Delivery;
use crate::intake::Intake;
use crate::log::Clean;
use crate::route::{Destination, Nowhere, Routes, Target};
use async_trait::async_trait;
use mailcore_base::address::Address;
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_base::reply::Reply;
use mailcore_store::Error;
use mailcore_store::auth::{Nets, User};
use mailcore_store::mailbox::MailStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Mailboxes that one message may be delivered to at once: each holds a file open while content comes in.
const MOST_MAILBOXES: usize = 200;

/// Whom a desk relays for besides users who have logged in (Postfix: mynetworks). A proxy on this host that does not tell
/// its clients' addresses makes everybody a client on this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RelayFor {
    /// Nobody.
    Nobody,
    /// Clients on this host.
    #[default]
    SameHost,
    /// Clients on this host, and those in these networks.
    Networks(Nets),
}

impl RelayFor {
    fn covers(&self, visit: &Visit) -> bool {
        match self {
            Self::Nobody => false,
            Self::SameHost => visit.is_same_host(),
            Self::Networks(nets) => visit.is_same_host() || nets.admits(visit.client.address),
        }
    }
}

/// Takes mail for its own users, and says so once it is safe: in their INBOX, or in the queue where there is one. LMTP
/// always delivers into the INBOX, for it answers for each recipient.
#[derive(Debug)]
pub struct Desk {
    hostname: String,
    routes: Arc<Routes>,
    store: Arc<dyn MailStore>,
    /// The most mailboxes that one recipient has led to so far.
    widest: AtomicUsize,
    intake: Option<Intake>,
    relay_for: RelayFor,
}

impl Desk {
    /// A desk of the server `hostname`.
    pub fn new(
        hostname: impl Into<String>,
        routes: Arc<Routes>,
        store: Arc<dyn MailStore>,
    ) -> Self {
        Self {
            hostname: hostname.into(),
            routes,
            store,
            widest: AtomicUsize::new(1),
            intake: None,
            relay_for: RelayFor::default(),
        }
    }

    /// The same with mail that comes by SMTP going into a queue, from where it is delivered here and elsewhere.
    #[must_use]
    pub fn with_queue(self, intake: Intake) -> Self {
        Self {
            intake: Some(intake),
            ..self
        }
    }

    /// The same relaying for others. Without a queue nothing is relayed for anybody.
    #[must_use]
    pub fn relay_for(self, relay_for: RelayFor) -> Self {
        Self { relay_for, ..self }
    }

    /// The way into the queue, for what goes there.
    fn queue_of(&self, visit: &Visit) -> Option<&Intake> {
        self.intake.as_ref().filter(|_| visit.role != Role::Lmtp)
    }

    /// Whether mail for this recipient may go into the queue.
    async fn judge(&self, visit: &Visit, recipient: &Recipient) -> Verdict {
        let path = &recipient.path;
        let denied = words::relay_denied(visit.role, path);
        Verdict::Refuse(match self.routes.resolve(path).await {
            Ok(Destination::Targets(_)) => return Verdict::Accept,
            Ok(Destination::Elsewhere) if visit.login.is_some() => return Verdict::Accept,
            Ok(Destination::Elsewhere) if self.relay_for.covers(visit) => return Verdict::Accept,
            Ok(Destination::Elsewhere) => denied,
            Ok(Destination::Unknown(why)) => unknown(visit, recipient, &why),
            Err(error) => unclear(visit, recipient, &error),
        })
    }

    /// Whether `more` mailboxes behind those of the recipients accepted so far would be too many. What those
    /// lead to is looked up again only where it can matter: where nobody has an alias for many, one
    /// recipient is one mailbox.
    async fn is_full(&self, visit: &Visit, envelope: &Envelope, more: usize) -> bool {
        let widest = self.widest.fetch_max(more, Ordering::Relaxed).max(more);
        let recipients = envelope.recipients.len().saturating_add(1);
        if recipients.saturating_mul(widest) <= MOST_MAILBOXES {
            return false;
        }
        let mut mailboxes = more;
        for earlier in &envelope.recipients {
            if mailboxes > MOST_MAILBOXES {
                break;
            }
            mailboxes += self.users(visit, earlier).await.map_or(0, |u| u.len());
        }
        mailboxes > MOST_MAILBOXES
    }

    async fn users(&self, visit: &Visit, recipient: &Recipient) -> Result<Vec<User>, Verdict> {
        match self.routes.resolve(&recipient.path).await {
            Ok(Destination::Targets(targets)) => mailboxes(targets).map_err(|elsewhere| {
                tracing::warn!("the alias {elsewhere} leads to another server");
                Verdict::Refuse(words::lookup_failed(visit.role, &recipient.path))
            }),
            Ok(Destination::Unknown(why)) => Err(Verdict::Refuse(unknown(visit, recipient, &why))),
            Ok(Destination::Elsewhere) => Err(Verdict::Refuse(words::relay_denied(
                visit.role,
                &recipient.path,
            ))),
            Err(error) => Err(Verdict::Refuse(unclear(visit, recipient, &error))),
        }
    }
}

#[async_trait]
impl Reception for Desk {
    async fn recipient(
        &self,
        visit: &Visit,
        envelope: &Envelope,
        recipient: &Recipient,
    ) -> Verdict {
        if visit.role == Role::Submission && visit.login.is_none() {
            return Verdict::Refuse(words::access_denied(&recipient.path));
        }
        if self.queue_of(visit).is_some() {
            return self.judge(visit, recipient).await;
        }
        match self.users(visit, recipient).await {
            Ok(users) if self.is_full(visit, envelope, users.len()).await => {
                Verdict::Refuse(words::too_many_recipients())
            }
            Ok(_) => Verdict::Accept,
            Err(verdict) => verdict,
        }
    }

    async fn verify(&self, visit: &Visit, recipient: &Recipient) -> Option<Verdict> {
        if visit.role == Role::Submission && visit.login.is_none() {
            return Some(Verdict::Refuse(words::access_denied(&recipient.path)));
        }
        if self.queue_of(visit).is_some() {
            return Some(self.judge(visit, recipient).await);
        }
        match self.users(visit, recipient).await {
            Ok(_) => Some(Verdict::Accept),
            Err(verdict) => Some(verdict),
        }
    }

    async fn begin(
        &self,
        visit: &Visit,
        envelope: &Envelope,
    ) -> Result<Option<Box<dyn Sink>>, Verdict> {
        if let Some(intake) = self.queue_of(visit) {
            let writer = intake.open(visit, envelope).await;
            return Ok(Some(Box::new(writer.map_err(Verdict::Refuse)?)));
        }
        let mut wanted = Vec::with_capacity(envelope.recipients.len());
        for recipient in &envelope.recipients {
            // Who was there at RCPT may be gone: the file is perhaps being written. Not for good, then.
            let gone = |_| Verdict::Refuse(words::lookup_failed(visit.role, &recipient.path));
            let users = self.users(visit, recipient).await.map_err(gone)?;
            wanted.push((recipient.clone(), users));
        }
        let delivery = Delivery::open(&self.hostname, visit, envelope, wanted, &*self.store).await;
        Ok(Some(Box::new(delivery.map_err(Verdict::Refuse)?)))
    }
}

/// Nobody is there. The client is told no more than that; the log is told why, where somebody here can mend it.
fn unknown(visit: &Visit, recipient: &Recipient, why: &Nowhere) -> Reply {
    let path = &recipient.path;
    if *why != Nowhere::NoUser {
        tracing::warn!("{}: {why}", Clean(&path.to_string()));
    }
    words::unknown_user(visit.role, path)
}

/// It cannot be told now where a recipient leads.
fn unclear(visit: &Visit, recipient: &Recipient, error: &Error) -> Reply {
    let path = &recipient.path;
    tracing::warn!("{}: {error}", Clean(&path.to_string()));
    words::lookup_failed(visit.role, path)
}

/// The users of these targets, each once; or the first target that is of another server.
fn mailboxes(targets: Vec<Target>) -> Result<Vec<User>, Address> {
    let mut users: Vec<User> = Vec::new();
    for target in targets {
        match target {
            Target::Here(_, user) if users.iter().any(|known| known.name == user.name) => {}
            Target::Here(_, user) => users.push(user),
            Target::Elsewhere(address) => return Err(address),
            // The queue returns such mail; LMTP has nobody to return it to, and no answer of its own for it.
            Target::Nobody(address) => {
                tracing::warn!(
                    "an alias leads to {}, which is no user",
                    Clean(&address.to_string())
                );
            }
        }
    }
    Ok(users)
}
