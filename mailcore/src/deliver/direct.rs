//! Delivery into mailboxes: one message, the INBOX of each of its users, durable before it is answered for.

use super::copies::Copies;
use crate::intake::{Final, MessageId, QueueId, Received, identity, write_final, write_received};
use crate::log;
use crate::reception::{Outcome, Role, Sink, Visit, words};
use async_trait::async_trait;
use mailcore_base::address::ReversePath;
use mailcore_base::date::DateTime;
use mailcore_base::envelope::{Envelope, Recipient, Text};
use mailcore_base::reply::Reply;
use mailcore_store::auth::User;
use mailcore_store::mailbox::MailStore;
use mailcore_store::queue::Identity;
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
    copies: Copies,
    /// For each recipient, the copies that it leads to.
    recipients: Vec<(String, Vec<usize>)>,
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
            copies: Copies::default(),
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
        if let Some(known) = self.copies.of(&user.name) {
            return Ok(known);
        }
        let number = self.copies.begin(user, header, store).await;
        self.unless_failed().map(|()| number)
    }

    /// SMTP has one answer for all: what has failed for one has failed. LMTP answers for each in its turn.
    fn unless_failed(&self) -> Result<(), Reply> {
        match self.copies.failed() {
            Some((user, kind)) if self.visit.role != Role::Lmtp => {
                Err(words::delivery_failed(self.visit.role, user, kind))
            }
            _ => Ok(()),
        }
    }

    /// Under which id the `n`-th recipient's copy goes.
    fn id(&self, n: usize) -> String {
        match (self.visit.role, n) {
            (Role::Lmtp, 0) => self.visit.session.clone(),
            (Role::Lmtp, n) => format!("{}:R{}", self.visit.session, n + 1),
            _ => QueueId::of(self.identity).to_string(),
        }
    }

    /// What is said of each recipient: the worst of its copies.
    fn outcomes(&self) -> Vec<Outcome> {
        let outcome = |(n, (_, copies)): (usize, &(String, Vec<usize>))| {
            let failed = |c: &usize| Some((*c, self.copies.outcome(*c).err()?));
            match copies.iter().find_map(failed) {
                Some((c, kind)) => {
                    let user = self.copies.user(c);
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
                if let (Outcome::Taken(_), Some(copy)) = (outcome, copies.first()) {
                    log::dovecot::saved(self.copies.user(*copy), &self.id(n), &message_id);
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
            for user in copies.iter().map(|c| self.copies.user(*c)) {
                log::postfix::delivered(
                    "postfix/virtual",
                    log::postfix::Delivered {
                        id: &id,
                        to: user,
                        original: (!given.eq_ignore_ascii_case(user)).then_some(given.as_str()),
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
        self.copies.write(chunk).await;
        self.unless_failed()
    }

    async fn finish(mut self: Box<Self>) -> Vec<Outcome> {
        self.copies.post(self.identity);
        self.copies.wait().await;
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

fn now() -> DateTime {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64);
    DateTime::utc(seconds)
}
