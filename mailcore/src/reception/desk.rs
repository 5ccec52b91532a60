//! The desk of a server with mailboxes: own domains, aliases and users; relays for nobody.

use super::{Reception, Role, Sink, Verdict, Visit, words};
use crate::deliver::Delivery;
use crate::route::{Destination, Routes};
use async_trait::async_trait;
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::auth::User;
use mailcore_store::mailbox::MailStore;
use std::sync::Arc;

/// Mailboxes that one message may be delivered to at once: each holds a file open while content comes in.
const MOST_MAILBOXES: usize = 200;

/// Takes mail for its own users and delivers it into their INBOX before it says so.
#[derive(Debug)]
pub struct Desk {
    hostname: String,
    routes: Arc<Routes>,
    store: Arc<dyn MailStore>,
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
        }
    }

    async fn users(&self, visit: &Visit, recipient: &Recipient) -> Result<Vec<User>, Verdict> {
        match self.routes.resolve(&recipient.path).await {
            Ok(Destination::Users(users)) => Ok(users),
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
            Ok(users) if envelope.recipients.len() + users.len() > MOST_MAILBOXES => {
                Verdict::Refuse(words::too_many_mailboxes())
            }
            Ok(_) => Verdict::Accept,
            Err(verdict) => verdict,
        }
    }

    async fn verify(&self, visit: &Visit, recipient: &Recipient) -> Option<Verdict> {
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
            wanted.push((recipient.clone(), self.users(visit, recipient).await?));
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
