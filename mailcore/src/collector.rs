//! A server for tests: takes every message, keeps it in memory, and hands it out in order. Never for anything else.

use crate::reception::{Message, Reception, Verdict, Visit};
use crate::{Protocol, Server, StartError};
use async_trait::async_trait;
use mailcore_base::envelope::{Envelope, Recipient};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::sync::mpsc;

/// Messages that are kept before senders have to wait.
const KEPT: usize = 1024;

/// Collects mail on a port of its own on loopback; whoever sends to any address there is taken. Dropped, it is gone.
///
/// ```no_run
/// # async fn program(_: std::net::SocketAddr) {}
/// # async fn test() -> Result<(), mailcore::StartError> {
/// let mut inbox = mailcore::collector::Collector::start()?;
/// program(inbox.address()).await; // the program under test
/// let mail = inbox.next().await.expect("a mail has come");
/// assert_eq!(mail.field("Subject").as_deref(), Some("Welcome!"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Collector {
    server: Server,
    messages: mpsc::Receiver<Message>,
}

impl Collector {
    /// Starts to collect, within a tokio runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> Result<Self, StartError> {
        let (sender, messages) = mpsc::channel(KEPT);
        let server = Server::builder("collector.test")
            .reception(Keep(sender))
            .smtp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .start()?;
        Ok(Self { server, messages })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server
            .address(Protocol::Smtp)
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The next message, in the order in which they were taken; waits for it, for as long as the caller lets it.
    /// `None` never comes while the collector stands.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }
}

#[derive(Debug)]
struct Keep(mpsc::Sender<Message>);

#[async_trait]
impl Reception for Keep {
    async fn recipient(&self, _: &Visit, _: &Envelope, _: &Recipient) -> Verdict {
        Verdict::Accept
    }

    async fn message(&self, _: &Visit, message: Message) -> Verdict {
        match self.0.send(message).await {
            Ok(()) => Verdict::Accept,
            // Nobody collects any more.
            Err(_) => Verdict::Refuse(crate::reception::words::no_taker()),
        }
    }
}
