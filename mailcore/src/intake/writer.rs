//! One message on its way from a client into the queue.

use super::complete::{Source, missing};
use super::expand::{Stuck, expand};
use super::head::Head;
use super::trace::{Received, write_received, write_received_own};
use super::{Options, QueueId};
use crate::log;
use crate::reception::{Outcome, Sink, Visit, words};
use crate::route::Routes;
use async_trait::async_trait;
use bytes::Bytes;
use mailcore_base::address::ReversePath;
use mailcore_base::date::DateTime;
use mailcore_base::envelope::{Body, Envelope, Text};
use mailcore_base::message::Fields;
use mailcore_base::reply::Reply;
use mailcore_store::mailbox::Clock;
use mailcore_store::queue::{Draft, Identity, Lane, Queue};
use mailcore_store::{Error, Kind};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// The way into the queue, shared by all who have mail for it. Clones lead to the same queue.
#[derive(Debug, Clone)]
pub struct Intake {
    hostname: Arc<str>,
    routes: Arc<Routes>,
    queue: Arc<dyn Queue>,
    arrivals: Arc<Notify>,
    options: Arc<Options>,
    clock: Clock,
}

impl Intake {
    /// The intake of the server `hostname`. Once a message is in the queue, `arrivals` is notified: one permit, however
    /// many messages there are.
    pub fn new(
        hostname: impl Into<Arc<str>>,
        routes: Arc<Routes>,
        queue: Arc<dyn Queue>,
        arrivals: Arc<Notify>,
    ) -> Self {
        Self {
            hostname: hostname.into(),
            routes,
            queue,
            arrivals,
            options: Arc::default(),
            clock: Clock::system(),
        }
    }

    /// The same with other choices.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self {
            options: Arc::new(options),
            ..self
        }
    }

    /// The same by another clock, which says when messages arrive.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Begins to take in a message from a client, with the recipients that were accepted from it. Nobody is asked
    /// whether they may send to whom: that has been decided.
    ///
    /// # Errors
    /// The reply, where the message cannot be taken for now: always a temporary one.
    pub async fn open(&self, visit: &Visit, envelope: &Envelope) -> Result<Writer, Reply> {
        let given = envelope.recipients.len();
        let alone = match envelope.recipients.as_slice() {
            [only] => Some(only.path.to_string()),
            _ => None,
        };
        let envelope = self.lead(envelope.clone(), false).await;
        let envelope = envelope.map_err(|stuck| told(visit, stuck))?;
        let mut writer = self.begin(envelope).await.map_err(|error| failed(&error))?;
        let received = Received {
            hostname: &self.hostname,
            sender: &writer.envelope.sender,
            // Which recipient a message came by is told only where there is no other to give away.
            recipient: alone.as_deref(),
            smtputf8: writer.envelope.parameters.smtputf8,
            id: &writer.id,
            now: date(writer.arrived),
        };
        write_received(visit, received, &mut writer.front);
        writer.visit = Some(visit.clone());
        writer.given = given;
        Ok(writer)
    }

    /// Takes in a whole message of this server's own (a report, say): CRLF line ends, header and body. Says its queue id
    /// once it is durable. A recipient of ours that there is not is kept: such mail fails when it is delivered.
    ///
    /// # Errors
    /// When the queue does not take it, or it cannot be told where its recipients lead: for now, then.
    pub async fn put(
        &self,
        envelope: Envelope,
        content: &[u8],
    ) -> mailcore_store::Result<Identity> {
        let envelope = self.lead(envelope, true).await?;
        let mut writer = self.begin(envelope).await?;
        let now = date(writer.arrived);
        write_received_own(&self.hostname, &writer.id, now, &mut writer.front);
        writer.take(content).await?;
        Box::new(writer).commit().await
    }

    async fn begin(&self, envelope: Envelope) -> mailcore_store::Result<Writer> {
        let draft = self.queue.create().await?;
        Ok(Writer {
            intake: self.clone(),
            id: QueueId::of(draft.identity()).to_string(),
            draft,
            given: envelope.recipients.len(),
            envelope,
            visit: None,
            arrived: self.clock.now(),
            front: Vec::new(),
            head: Head::new(),
            eight_bit: false,
        })
    }

    /// The envelope with final recipients. A sender's name without a domain is one of ours.
    async fn lead(&self, envelope: Envelope, keeps_lost: bool) -> Result<Envelope, Stuck> {
        let most = self.options.most_recipients;
        let sender = envelope.sender.complete(self.routes.origin());
        Ok(Envelope {
            sender: sender.map_or(ReversePath::Null, ReversePath::Address),
            parameters: envelope.parameters,
            recipients: expand(&self.routes, envelope.recipients, most, keeps_lost).await?,
        })
    }
}

/// A message on its way into the queue. Dropping it leaves nothing there.
#[derive(Debug)]
pub struct Writer {
    intake: Intake,
    draft: Box<dyn Draft>,
    /// The queue id.
    id: String,
    envelope: Envelope,
    /// How many recipients the client named.
    given: usize,
    /// Who sends it; none where it is this server itself.
    visit: Option<Visit>,
    arrived: SystemTime,
    /// What stands in front of the header as it came.
    front: Vec<u8>,
    head: Head,
    eight_bit: bool,
}

impl Writer {
    /// Takes a piece of content.
    async fn take(&mut self, piece: &[u8]) -> mailcore_store::Result<()> {
        self.eight_bit |= !piece.is_ascii();
        let body = self.head.feed(piece);
        self.spill().await?;
        match body.is_empty() {
            true => Ok(()),
            false => self.draft.write(body).await,
        }
    }

    async fn spill(&mut self) -> mailcore_store::Result<()> {
        let spilled = self.head.spilled();
        match spilled.is_empty() {
            true => Ok(()),
            false => self.draft.write(&spilled).await,
        }
    }

    /// RFC 5321 §6.3: a message that has passed too many servers runs in circles. Our own Received field counts.
    fn runs_in_circles(&self) -> bool {
        self.head.seen().hops().saturating_add(1) >= self.intake.options.hop_limit
    }

    /// Makes the message durable, and tells whoever waits for it.
    async fn commit(mut self: Box<Self>) -> mailcore_store::Result<Identity> {
        let header = self.header();
        self.spill().await?;
        // RFC 6152 §3: whoever sends it on must know that there is an eighth bit, though its sender did not say so.
        let body = &mut self.envelope.parameters.body;
        if self.eight_bit && !matches!(body, Some(Body::BinaryMime)) {
            *body = Some(Body::EightBitMime);
        }
        // Whoever delivers it may be quicker than what follows the commit.
        self.note(&header);
        let arrived = self.arrived;
        let commit = self
            .draft
            .commit(header, self.envelope, arrived, Lane::Incoming);
        let identity = commit.await?;
        self.intake.arrivals.notify_one();
        Ok(identity)
    }

    /// The whole header: what is in front, what came, what it lacked.
    fn header(&mut self) -> Bytes {
        let kept = self.head.end();
        let mut header = std::mem::take(&mut self.front);
        let missing = self.missing();
        if kept.overflowed {
            // The last field may go on in the body: nothing can stand behind it.
            header.extend(missing);
            header.extend(kept.fields);
            return header.into();
        }
        header.extend(kept.fields);
        if !header.ends_with(b"\n") {
            header.extend_from_slice(b"\r\n");
        }
        header.extend(missing);
        if kept.blank {
            header.extend_from_slice(b"\r\n");
        }
        header.into()
    }

    fn missing(&self) -> Vec<u8> {
        let options = &self.intake.options;
        let wanted = self.visit.as_ref().map(|v| options.completes.covers(v));
        if wanted == Some(false) {
            return Vec::new();
        }
        let source = Source {
            hostname: &self.intake.hostname,
            origin: self.intake.routes.origin(),
            id: &self.id,
            sender: self.envelope.sender.address(),
            undisclosed: options.undisclosed.as_deref(),
            now: date(self.arrived),
        };
        missing(self.head.seen(), source)
    }

    /// Logs whose message it is and what it is called.
    fn note(&self, header: &[u8]) {
        let named = |name| Fields::new(header).named(name).next();
        let value = |name| named(name).map(|field| Text::lossy(&field.value()));
        let message_id = value("Message-ID").unwrap_or_default();
        match &self.visit {
            Some(visit) => visit.note_acceptance(&self.id, &message_id),
            None => log::postfix::message_id(&self.id, &message_id),
        }
        if let Some(resent) = value("Resent-Message-ID") {
            let line = format_args!("{}: resent-message-id={resent}", self.id);
            log::postfix::info("postfix/cleanup", line);
        }
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        self.take(chunk).await.map_err(|error| failed(&error))?;
        match self.runs_in_circles() {
            true => Err(words::reply(554, (4, 0), "Error: too many hops")),
            false => Ok(()),
        }
    }

    async fn finish(self: Box<Self>) -> Vec<Outcome> {
        // One answer for all: the queue takes a message whole, for all its recipients, or not at all.
        let (id, given) = (self.id.clone(), self.given);
        let (visit, sender) = (self.visit.clone(), self.envelope.sender.clone());
        let outcome = match self.commit().await {
            Ok(_) => Outcome::Taken(id),
            Err(error) => {
                let reply = failed(&error);
                if let Some(visit) = visit {
                    visit.note_refusal("END-OF-MESSAGE", &reply, Some(&sender), None);
                }
                Outcome::Refused(reply)
            }
        };
        vec![outcome; given]
    }
}

/// What a client is told of a queue that takes nothing now.
fn failed(error: &Error) -> Reply {
    tracing::error!("the queue: {error}");
    words::not_queued(error.kind())
}

/// What a client is told where its recipients cannot be told now. Nothing here is for good.
fn told(visit: &Visit, stuck: Stuck) -> Reply {
    match stuck {
        Stuck::Lookup(path, error) => {
            tracing::warn!("{}: {error}", log::Clean(&path.to_string()));
            words::lookup_failed(visit.role, &path)
        }
        // Who was there at RCPT may be gone: the file is perhaps being written. Not for good, then.
        Stuck::Gone(path) => words::lookup_failed(visit.role, &path),
        Stuck::Many => words::too_many_recipients(),
    }
}

impl From<Stuck> for Error {
    fn from(stuck: Stuck) -> Self {
        match stuck {
            Stuck::Lookup(_, error) => error,
            Stuck::Gone(path) => Self::new(Kind::NotFound, path.to_string()),
            Stuck::Many => Self::new(Kind::Limit, "the recipients of one message"),
        }
    }
}

fn date(time: SystemTime) -> DateTime {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    DateTime::utc(i64::try_from(seconds).unwrap_or(i64::MAX))
}
