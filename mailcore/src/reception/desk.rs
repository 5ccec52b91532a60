//! The desk of a server with mailboxes: own domains, aliases and users; relays for nobody.

use super::{Reception, Role, Sink, Verdict, Visit, words};
use crate::deliver::Delivery;
use crate::route::{Destination, Routes, Target};
use async_trait::async_trait;
use mailcore_base::address::Address;
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::auth::User;
use mailcore_store::mailbox::MailStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Mailboxes that one message may be delivered to at once: each holds a file open while content comes in.
const MOST_MAILBOXES: usize = 200;

/// Takes mail for its own users and delivers it into their INBOX before it says so.
#[derive(Debug)]
pub struct Desk {
    hostname: String,
    routes: Arc<Routes>,
    store: Arc<dyn MailStore>,
    /// The most mailboxes that one recipient has led to so far.
    widest: AtomicUsize,
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
        }
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
            Ok(Destination::Unknown) => Err(Verdict::Refuse(words::unknown_user(
                visit.role,
                &recipient.path,
            ))),
            Ok(Destination::Elsewhere) => Err(Verdict::Refuse(words::relay_denied(
                visit.role,
                &recipient.path,
            ))),
            Err(error) => {
                tracing::warn!(
                    "{}: {error}",
                    crate::log::Clean(&recipient.path.to_string())
                );
                Err(Verdict::Refuse(words::lookup_failed(
                    visit.role,
                    &recipient.path,
                )))
            }
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
        match self.users(visit, recipient).await {
            Ok(users) if self.is_full(visit, envelope, users.len()).await => {
                Verdict::Refuse(words::too_many_mailboxes())
            }
            Ok(_) => Verdict::Accept,
            Err(verdict) => verdict,
        }
    }

    async fn verify(&self, visit: &Visit, recipient: &Recipient) -> Option<Verdict> {
        if visit.role == Role::Submission && visit.login.is_none() {
            return Some(Verdict::Refuse(words::access_denied(&recipient.path)));
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
        let mut wanted = Vec::with_capacity(envelope.recipients.len());
        for recipient in &envelope.recipients {
            // Who was there at RCPT may be gone: the file is perhaps being written. Not for good, then.
            let gone = |_| Verdict::Refuse(words::lookup_failed(visit.role, &recipient.path));
            let users = self.users(visit, recipient).await.map_err(gone)?;
            wanted.push((recipient.clone(), users));
        }
        let delivery = Delivery::open(
            &self.hostname,
            visit,
            &envelope.sender,
            wanted,
            &*self.store,
        )
        .await;
        Ok(Some(Box::new(delivery.map_err(Verdict::Refuse)?)))
    }
}

/// The users of these targets, each once; or the first target that is of another server.
fn mailboxes(targets: Vec<Target>) -> Result<Vec<User>, Address> {
    let mut users: Vec<User> = Vec::new();
    for target in targets {
        match target {
            Target::Here(_, user) if users.iter().any(|known| known.name == user.name) => {}
            Target::Here(_, user) => users.push(user),
            Target::Elsewhere(address) => return Err(address),
            Target::Nobody(_) => {}
        }
    }
    Ok(users)
}
