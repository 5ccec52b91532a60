//! Delivery into mailboxes (Postfix: virtual): the INBOX of each recipient's user, durable before it is reported. A store
//! that fails never returns mail to its sender: it is tried again.

use super::content::{self, Runs};
use super::copies::Copies;
use super::{Fate, Job, Report, Transport};
use crate::intake::{Final, write_final};
use crate::log::Clean;
use crate::route::Routes;
use async_trait::async_trait;
use mailcore_base::address::{Address, Domain};
use mailcore_base::envelope::Recipient;
use mailcore_base::message::Fields;
use mailcore_store::Kind;
use mailcore_store::auth::User;
use mailcore_store::mailbox::MailStore;
use std::sync::Arc;
use tokio::time::Instant;

/// Mailboxes that are written to at once: each holds a file open while content comes in.
const AT_ONCE: usize = 100;

/// The transport into the mailboxes of this server's users.
#[derive(Debug)]
pub struct Mailboxes {
    routes: Arc<Routes>,
    store: Arc<dyn MailStore>,
    text: &'static str,
}

/// What is known of a recipient before anything is written.
#[derive(Debug)]
enum Way {
    /// It is decided.
    Decided(Fate),
    /// By the copy of this number among those wanted.
    By(usize),
}

/// A copy that is to be made.
#[derive(Debug)]
struct Wanted {
    user: User,
    /// The address that it was sent to, where the user goes by another.
    original: Option<String>,
}

impl Mailboxes {
    /// The mailboxes in `store` of the users that `routes` finds.
    pub fn new(routes: Arc<Routes>, store: Arc<dyn MailStore>) -> Self {
        Self {
            routes,
            store,
            text: "delivered to mailbox",
        }
    }

    /// The same with another text for the log of deliveries, such as `delivered to maildir`.
    #[must_use]
    pub fn saying(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// Finds the users; one whom several recipients lead to is wanted once.
    async fn plan(&self, job: &Job) -> (Vec<Way>, Vec<Wanted>) {
        let mut ways = Vec::with_capacity(job.positions.len());
        let mut wanted: Vec<Wanted> = Vec::new();
        for position in &job.positions {
            // A position that is none of the envelope's must not be answered for.
            let Some(recipient) = job.envelope.recipients.get(*position as usize) else {
                ways.push(Way::Decided(Fate::deferred((3, 0), "no such recipient")));
                continue;
            };
            let address = recipient.path.clone().complete(self.routes.origin());
            let way = match self.routes.user(&address).await {
                Ok(Some(user)) => match wanted.iter().position(|w| w.user.name == user.name) {
                    Some(known) => Way::By(known),
                    None => {
                        let original = original(recipient, &user, self.routes.origin());
                        wanted.push(Wanted { user, original });
                        Way::By(wanted.len() - 1)
                    }
                },
                Ok(None) => Way::Decided(unknown(&address)),
                Err(error) => {
                    tracing::warn!("{}: {error}", Clean(&address.to_string()));
                    Way::Decided(Fate::deferred((3, 0), "temporary user lookup failure"))
                }
            };
            ways.push(way);
        }
        (ways, wanted)
    }

    /// Makes the copies: the fates, in their order.
    async fn deliver_to(&self, job: &Job, wanted: &[Wanted]) -> Vec<Fate> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let header = match content::header(&*job.content).await {
            Ok(header) => header,
            Err(error) => {
                tracing::error!("{}: content: {error}", job.id);
                return vec![Fate::deferred((3, 0), "queue file read error"); wanted.len()];
            }
        };
        let been = delivered_to(&header);
        // What is looped is none of these.
        let looped = |w: &Wanted| been.iter().any(|b| b.eq_ignore_ascii_case(&w.user.name));
        let fresh: Vec<&Wanted> = wanted.iter().filter(|w| !looped(w)).collect();
        let mut groups = Vec::new();
        for group in fresh.chunks(AT_ONCE) {
            groups.push(self.write(job, group).await);
        }
        let mut fates = Vec::with_capacity(fresh.len());
        for (copies, group) in groups.iter_mut().zip(fresh.chunks(AT_ONCE)) {
            copies.wait().await;
            fates.extend((0..group.len()).map(|n| self.fate(copies.outcome(n))));
        }
        let mut fates = fates.into_iter();
        let fate = |w: &Wanted| match looped(w) {
            true => {
                let text = format!("mail forwarding loop for {}", w.user.name);
                Fate::failed((4, 6), text).by(RELAY)
            }
            false => fates.next().unwrap_or_else(|| failed(Kind::Unavailable)),
        };
        wanted.iter().map(fate).collect()
    }

    /// Writes a group of copies side by side, and posts them.
    async fn write(&self, job: &Job, group: &[&Wanted]) -> Copies {
        let mut copies = Copies::default();
        for wanted in group {
            let trace = Final {
                sender: &job.envelope.sender,
                original: wanted.original.as_deref(),
                user: &wanted.user.name,
            };
            let mut front = Vec::new();
            write_final(trace, &mut front);
            copies.begin(&wanted.user, &front, &*self.store).await;
        }
        let mut runs = Runs::new(&*job.content);
        loop {
            match runs.next().await {
                Ok(Some(run)) => copies.write(&run).await,
                Ok(None) => break,
                Err(error) => {
                    copies.abandon(&error);
                    break;
                }
            }
        }
        copies.post(job.identity);
        copies
    }

    fn fate(&self, outcome: std::result::Result<(), Kind>) -> Fate {
        match outcome {
            Ok(()) => Fate::delivered(RELAY, self.text),
            Err(kind) => failed(kind),
        }
    }
}

/// What the log says for where mail went.
const RELAY: &str = "virtual";

#[async_trait]
impl Transport for Mailboxes {
    async fn deliver(&self, job: &Job) -> Report {
        let began = Instant::now();
        let (ways, wanted) = self.plan(job).await;
        let fates = self.deliver_to(job, &wanted).await;
        let fate = |way| match way {
            Way::Decided(fate) => fate,
            Way::By(number) => fates
                .get(number)
                .cloned()
                .unwrap_or_else(|| failed(Kind::Unavailable)),
        };
        let mut report = Report::new(ways.into_iter().map(fate).collect());
        report.pace.transmission = began.elapsed();
        report
    }
}

/// The address that the mail was sent to, unless it is the user's own.
fn original(recipient: &Recipient, user: &User, origin: &Domain) -> Option<String> {
    let path = recipient.original.as_ref().unwrap_or(&recipient.path);
    let given = path.clone().complete(origin).to_string();
    (!given.eq_ignore_ascii_case(&user.name)).then_some(given)
}

fn unknown(address: &Address) -> Fate {
    Fate::failed((1, 1), format!("unknown user: \"{address}\"")).by(RELAY)
}

/// What a failed store is told as: whatever it is, it may pass.
fn failed(kind: Kind) -> Fate {
    let (about, text) = match kind {
        Kind::OverQuota => ((2, 2), "mailbox is full".to_owned()),
        Kind::Full => ((3, 1), "insufficient system storage".to_owned()),
        kind => ((2, 0), format!("delivery to mailbox failed: {kind}")),
    };
    Fate::deferred(about, text).by(RELAY)
}

/// Whom the message has been delivered to before, as its trace says.
fn delivered_to(header: &[u8]) -> Vec<String> {
    Fields::new(header)
        .named("Delivered-To")
        .map(|field| String::from_utf8_lossy(&field.value()).trim().to_owned())
        .collect()
}
