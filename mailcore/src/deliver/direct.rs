//! Delivery into mailboxes: one message, the INBOX of each of its users, durable before it is answered for.

use crate::intake::{Final, MessageId, QueueId, Received, identity, write_final, write_received};
use crate::log;
use crate::reception::{Outcome, Role, Sink, Visit, words};
use async_trait::async_trait;
use mailcore_base::address::ReversePath;
use mailcore_base::date::DateTime;
use mailcore_base::envelope::{Envelope, Recipient, Text};
use mailcore_base::mailbox::MailboxName;
use mailcore_base::reply::Reply;
use mailcore_store::auth::User;
use mailcore_store::mailbox::{Append, MailStore, Stamp, Ticket};
use mailcore_store::queue::Identity;
use mailcore_store::{Error, Kind};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A message on its way into the mailboxes of its recipients.
#[derive(Debug)]
pub struct Delivery {
    visit: Visit,
    sender: ReversePath,
    identity: Identity,
    began: Instant,
    size: u64,
    message_id: MessageId,
    copies: Vec<Copy>,
    /// For each recipient, the copies that it leads to.
    recipients: Vec<(String, Vec<usize>)>,
}

/// One mailbox's copy.
#[derive(Debug)]
struct Copy {
    user: String,
    append: Option<Box<dyn Append>>,
    failed: Option<Kind>,
}

impl Delivery {
    /// Opens the INBOX of every user once, however many recipients lead to it.
    ///
    /// # Errors
    /// The reply, where SMTP (which has one answer for all) could not open one of them. LMTP answers for
    /// each in its turn.
    pub async fn open(
        hostname: &str,
        visit: &Visit,
        envelope: &Envelope,
        wanted: Vec<(Recipient, Vec<User>)>,
        store: &dyn MailStore,
    ) -> Result<Self, Reply> {
        let identity = identity();
        let sender = &envelope.sender;
        let mut delivery = Self {
            visit: visit.clone(),
            sender: sender.clone(),
            identity,
            began: Instant::now(),
            size: 0,
            message_id: MessageId::default(),
            copies: Vec::new(),
            recipients: Vec::new(),
        };
        // Which recipient a message came by is told only where there is no other to give away.
        let alone = wanted.len() == 1;
        for (recipient, users) in wanted {
            let given = recipient.path.to_string();
            let mut copies = Vec::new();
            for user in users {
                let last = Final {
                    sender,
                    original: (alone && !given.eq_ignore_ascii_case(&user.name))
                        .then_some(given.as_str()),
                    user: &user.name,
                };
                let received = Received {
                    hostname,
                    sender,
                    recipient: alone.then_some(given.as_str()),
                    smtputf8: envelope.parameters.smtputf8,
                    id: &delivery.id(0),
                    now: now(),
                };
                let mut header = Vec::new();
                write_final(last, &mut header);
                write_received(visit, received, &mut header);
                copies.push(delivery.add(&user, &header, store).await?);
            }
            delivery.recipients.push((given, copies));
        }
        Ok(delivery)
    }

    /// The position of the user's copy, which is begun, with `header` in front, if it is the first time.
    async fn add(
        &mut self,
        user: &User,
        header: &[u8],
        store: &dyn MailStore,
    ) -> Result<usize, Reply> {
        if let Some(known) = self.copies.iter().position(|c| c.user == user.name) {
            return Ok(known);
        }
        let (append, failed) = match begin(user, header, store).await {
            Ok(append) => (Some(append), None),
            Err(error) => {
                tracing::error!("delivery to {}: {error}", log::Clean(&user.name));
                if self.visit.role != Role::Lmtp {
                    return Err(words::delivery_failed(
                        self.visit.role,
                        &user.name,
                        error.kind(),
                    ));
                }
                (None, Some(error.kind()))
            }
        };
        self.copies.push(Copy {
            user: user.name.clone(),
            append,
            failed,
        });
        Ok(self.copies.len() - 1)
    }

    /// Under which id the `n`-th recipient's copy goes.
    fn id(&self, n: usize) -> String {
        match (self.visit.role, n) {
            (Role::Lmtp, 0) => self.visit.session.clone(),
            (Role::Lmtp, n) => format!("{}:R{}", self.visit.session, n + 1),
            _ => QueueId::of(self.identity).to_string(),
        }
    }

    /// Commits every copy that is whole, all at once so that they share a flush, and waits for all.
    async fn commit(&mut self) {
        let stamp = || Stamp {
            identity: Some(self.identity),
            ..Stamp::default()
        };
        let tickets: Vec<Option<Ticket>> = self
            .copies
            .iter_mut()
            .map(|c| c.append.take().map(|a| a.commit(stamp())))
            .collect();
        // Each ticket is driven on its own, so that all of them are in the batch before any is waited for.
        let running: Vec<_> = tickets.into_iter().map(|t| t.map(tokio::spawn)).collect();
        for (copy, running) in self.copies.iter_mut().zip(running) {
            let Some(running) = running else { continue };
            let result = running
                .await
                .unwrap_or_else(|_| Err(Error::new(Kind::Unavailable, "delivery panicked")));
            if let Err(error) = result {
                tracing::error!("delivery to {}: {error}", log::Clean(&copy.user));
                copy.failed = Some(error.kind());
            }
        }
    }

    /// What is said of each recipient: the worst of its copies.
    fn outcomes(&self) -> Vec<Outcome> {
        let outcome = |(n, (_, copies)): (usize, &(String, Vec<usize>))| {
            let mut failures = copies
                .iter()
                .filter_map(|c| self.copies.get(*c))
                .filter_map(|c| Some((&c.user, c.failed?)));
            match failures.next() {
                Some((user, kind)) => {
                    Outcome::Refused(words::delivery_failed(self.visit.role, user, kind))
                }
                None => Outcome::Taken(self.id(n)),
            }
        };
        self.recipients.iter().enumerate().map(outcome).collect()
    }

    /// Writes the log of a message's whole short life.
    fn log(&self, outcomes: &[Outcome]) {
        let message_id = self
            .message_id
            .found()
            .as_ref()
            .map_or_else(String::new, |t: &Text| t.as_str().to_owned());
        if self.visit.role == Role::Lmtp {
            for ((n, (_, copies)), outcome) in self.recipients.iter().enumerate().zip(outcomes) {
                if let (Outcome::Taken(_), Some(copy)) =
                    (outcome, copies.first().and_then(|c| self.copies.get(*c)))
                {
                    log::dovecot::saved(&copy.user, &self.id(n), &message_id);
                }
            }
            return;
        }
        // One answer for all: a message that was refused was never taken.
        if let Some(Outcome::Refused(reply)) = outcomes.first() {
            let sender = Some(&self.sender);
            return self
                .visit
                .note_refusal("END-OF-MESSAGE", reply, sender, None);
        }
        let id = self.id(0);
        self.visit.note_acceptance(&id, &message_id);
        log::postfix::active(
            &id,
            &self.sender.to_string(),
            self.size,
            self.recipients.len(),
        );
        for (given, copies) in &self.recipients {
            for copy in copies.iter().filter_map(|c| self.copies.get(*c)) {
                log::postfix::delivered(
                    "postfix/virtual",
                    log::postfix::Delivered {
                        id: &id,
                        to: &copy.user,
                        original: (!given.eq_ignore_ascii_case(&copy.user))
                            .then_some(given.as_str()),
                        relay: "virtual",
                        delays: log::postfix::Delays {
                            incoming: self.began.elapsed(),
                            ..Default::default()
                        },
                        dsn: "2.0.0",
                        status: "sent",
                        text: "delivered to mailbox",
                    },
                );
            }
        }
        log::postfix::removed(&id);
    }
}

#[async_trait]
impl Sink for Delivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        self.size += chunk.len() as u64;
        self.message_id.feed(chunk);
        for copy in &mut self.copies {
            let Some(append) = &mut copy.append else {
                continue;
            };
            if let Err(error) = append.write(chunk).await {
                tracing::error!("delivery to {}: {error}", log::Clean(&copy.user));
                if self.visit.role != Role::Lmtp {
                    return Err(words::delivery_failed(
                        self.visit.role,
                        &copy.user,
                        error.kind(),
                    ));
                }
                copy.append = None;
                copy.failed = Some(error.kind());
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Vec<Outcome> {
        self.commit().await;
        let mut outcomes = self.outcomes();
        if self.visit.role != Role::Lmtp
            && let Some(refused) = outcomes
                .iter()
                .find(|o| matches!(o, Outcome::Refused(_)))
                .cloned()
        {
            // SMTP has one answer for all: what is not safe for everybody is asked for again.
            outcomes.fill(refused);
        }
        self.log(&outcomes);
        outcomes
    }
}

/// Begins a copy: the account, its INBOX, the trace in front.
async fn begin(
    user: &User,
    header: &[u8],
    store: &dyn MailStore,
) -> mailcore_store::Result<Box<dyn Append>> {
    let account = store.account(user).await?;
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(header).await?;
    Ok(append)
}

fn now() -> DateTime {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64);
    DateTime::utc(seconds)
}
