//! The reception: who decides what mail is taken, and where its content goes while it comes in. Speaks in typed
//! verdicts; the protocol machine puts them on the wire, so nothing here writes to a peer.

mod collect;
mod desk;
mod note;
mod verdict;
pub(crate) mod words;

pub use collect::Collected;
pub use desk::{Desk, RelayFor};
pub use mailcore_base::envelope::{Envelope, Recipient};
pub use verdict::Verdict;

use crate::log::Client;
use async_trait::async_trait;
use bytes::Bytes;
use mailcore_base::address::ReversePath;
use mailcore_base::envelope::{MailParameters, Text};
use mailcore_base::login::TlsFacts;
use mailcore_base::message::{Fields, decode_words};
use mailcore_base::reply::Reply;
use std::borrow::Cow;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

/// In whose words a listener speaks, and whom it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// SMTP from other servers (port 25).
    Transfer,
    /// SMTP from users who must log in (ports 587 and 465).
    Submission,
    /// LMTP from a server in front (RFC 2033).
    Lmtp,
}

/// A connection, as far as is known when a question is asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Visit {
    /// What the listener is for.
    pub role: Role,
    /// Who connects.
    pub client: Client,
    /// The address connected to; none for a Unix socket.
    pub local: Option<IpAddr>,
    /// The name given in HELO, EHLO or LHLO.
    pub hello: Option<Text>,
    /// Whether the client said EHLO.
    pub extended: bool,
    /// The TLS layer, where there is one.
    pub tls: Option<TlsFacts>,
    /// Who has logged in.
    pub login: Option<LoggedIn>,
    /// The session's id in logs, and in LMTP's replies.
    pub session: String,
    /// The program that logs speak of: `postfix/smtpd`, `postfix/submission/smtpd` …
    pub program: &'static str,
}

/// A user who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The SASL mechanism.
    pub mechanism: String,
    /// The user's canonical name.
    pub name: String,
}

impl Visit {
    /// A connection of which nothing but this is known.
    pub fn new(role: Role, client: Client) -> Self {
        let session = crate::intake::session_id();
        let program = match role {
            Role::Submission => "postfix/submission/smtpd",
            _ => "postfix/smtpd",
        };
        Self {
            role,
            client,
            local: None,
            hello: None,
            extended: false,
            tls: None,
            login: None,
            session,
            program,
        }
    }
}

impl Visit {
    /// Whether the client is on this host: a loopback address, the address that it connected to, or a Unix socket.
    pub fn is_same_host(&self) -> bool {
        let here = |ip: IpAddr| ip.to_canonical().is_loopback() || Some(ip) == self.local();
        self.client.address.is_none_or(|ip| here(ip.to_canonical()))
    }

    fn local(&self) -> Option<IpAddr> {
        self.local.map(|ip| ip.to_canonical())
    }
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// On stable storage, under this id (a queue id, or LMTP's session).
    Taken(String),
    /// Not taken, with this reply.
    Refused(Reply),
}

/// A message that was collected whole in memory.
#[derive(Debug, Clone)]
pub struct Message {
    /// Sender, recipients and parameters.
    pub envelope: Envelope,
    /// Header and body, CRLF line ends.
    pub content: Bytes,
}

impl Message {
    /// Header and body as text; what is not UTF-8 shows as U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.content)
    }

    /// The value of the first header field of this name, in any case: unfolded, its encoded words decoded
    /// (RFC 2047).
    pub fn field(&self, name: &str) -> Option<String> {
        let field = Fields::new(&self.content).named(name).next()?;
        Some(decode_words(&field.value()))
    }
}

/// Where the content of one message goes while it comes in. Dropping it leaves nothing behind.
#[async_trait]
pub trait Sink: Send + Sync + Debug {
    /// Takes a piece of content: CRLF line ends, dots unstuffed.
    ///
    /// # Errors
    /// The reply for the whole message. The rest of its content is then read and dropped.
    async fn write(&mut self, chunk: &[u8]) -> Result<(), Reply>;

    /// The content is complete. One outcome for each recipient, in order; [`Outcome::Taken`] is said only of
    /// what is on stable storage.
    async fn finish(self: Box<Self>) -> Vec<Outcome>;
}

/// Decides about each step of a client. Every step has a safe default; the one for recipients is that mail is
/// relayed for nobody. Two methods make a server: [`recipient`](Self::recipient) and [`message`](Self::message).
#[async_trait]
pub trait Reception: Send + Sync + Debug {
    /// A client has connected.
    async fn connect(&self, _visit: &Visit) -> Verdict {
        Verdict::Accept
    }

    /// It has said who it is.
    async fn hello(&self, _visit: &Visit) -> Verdict {
        Verdict::Accept
    }

    /// It has named a sender.
    async fn sender(
        &self,
        _visit: &Visit,
        _sender: &ReversePath,
        _parameters: &MailParameters,
    ) -> Verdict {
        Verdict::Accept
    }

    /// It has named a recipient; `envelope` holds those accepted before.
    async fn recipient(
        &self,
        visit: &Visit,
        _envelope: &Envelope,
        recipient: &Recipient,
    ) -> Verdict {
        Verdict::Refuse(words::relay_denied(visit.role, &recipient.path))
    }

    /// Is there a user of this name (VRFY)? `None`: that is not told.
    async fn verify(&self, _visit: &Visit, _recipient: &Recipient) -> Option<Verdict> {
        None
    }

    /// It is about to send the content. `None`: collect it in memory and give it to
    /// [`message`](Self::message).
    ///
    /// # Errors
    /// The verdict, where the message is not wanted after all.
    async fn begin(
        &self,
        _visit: &Visit,
        _envelope: &Envelope,
    ) -> Result<Option<Box<dyn Sink>>, Verdict> {
        Ok(None)
    }

    /// A collected message is complete. Accept it only once it is safe.
    async fn message(&self, _visit: &Visit, _message: Message) -> Verdict {
        Verdict::Refuse(words::no_taker())
    }
}

/// Shared receptions are receptions: one desk may serve several servers, and who builds one may look at it later.
#[async_trait]
impl<R: Reception + ?Sized> Reception for Arc<R> {
    async fn connect(&self, visit: &Visit) -> Verdict {
        (**self).connect(visit).await
    }

    async fn hello(&self, visit: &Visit) -> Verdict {
        (**self).hello(visit).await
    }

    async fn sender(
        &self,
        visit: &Visit,
        sender: &ReversePath,
        parameters: &MailParameters,
    ) -> Verdict {
        (**self).sender(visit, sender, parameters).await
    }

    async fn recipient(
        &self,
        visit: &Visit,
        envelope: &Envelope,
        recipient: &Recipient,
    ) -> Verdict {
        (**self).recipient(visit, envelope, recipient).await
    }

    async fn verify(&self, visit: &Visit, recipient: &Recipient) -> Option<Verdict> {
        (**self).verify(visit, recipient).await
    }

    async fn begin(
        &self,
        visit: &Visit,
        envelope: &Envelope,
    ) -> Result<Option<Box<dyn Sink>>, Verdict> {
        (**self).begin(visit, envelope).await
    }

    async fn message(&self, visit: &Visit, message: Message) -> Verdict {
        (**self).message(visit, message).await
    }
}
