//! Collecting a message in memory, for receptions that want it whole. Bounded; larger messages are refused.

use super::{Message, Outcome, Reception, Sink, Verdict, Visit, words};
use async_trait::async_trait;
use mailcore_base::envelope::Envelope;
use mailcore_base::reply::Reply;
use std::sync::Arc;

/// A message that is being collected for [`Reception::message`].
#[derive(Debug)]
pub struct Collected {
    reception: Arc<dyn Reception>,
    visit: Visit,
    envelope: Envelope,
    content: Vec<u8>,
    limit: usize,
}

impl Collected {
    /// Collects at most `limit` octets for `reception`.
    pub fn new(
        reception: Arc<dyn Reception>,
        visit: &Visit,
        envelope: &Envelope,
        limit: usize,
    ) -> Self {
        Self {
            reception,
            visit: visit.clone(),
            envelope: envelope.clone(),
            content: Vec::new(),
            limit,
        }
    }
}

#[async_trait]
impl Sink for Collected {
    async fn write(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        if self.content.len() + chunk.len() > self.limit {
            self.content = Vec::new();
            return Err(words::reply(552, (3, 4), "Error: message too large"));
        }
        self.content.extend_from_slice(chunk);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Vec<Outcome> {
        let count = self.envelope.recipients.len();
        let id = crate::intake::QueueId::new().to_string();
        let message = Message {
            envelope: self.envelope,
            content: self.content.into(),
        };
        let sender = message.envelope.sender.clone();
        let first = message.envelope.recipients.first().map(|r| r.path.clone());
        let message_id = message.field("Message-ID").unwrap_or_default();
        let outcome = match self.reception.message(&self.visit, message).await {
            Verdict::Accept => {
                self.visit.note_acceptance(&id, &message_id);
                Outcome::Taken(id)
            }
            Verdict::Refuse(reply) | Verdict::Disconnect(reply) => {
                self.visit
                    .note_refusal("END-OF-MESSAGE", &reply, Some(&sender), first.as_ref());
                Outcome::Refused(reply)
            }
        };
        vec![outcome; count]
    }
}
