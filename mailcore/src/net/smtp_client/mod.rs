//! Speaks SMTP and LMTP to another server: a [`Connection`] from the first octet to the goodbye, over which messages
//! go one after another. Joins the client's machine to a socket, to TLS, to a login and to stored content. It looks
//! for no server, never tries anything twice, and does not know what becomes of a recipient.

mod content;
mod dialog;
mod login;

pub use login::Login;

use super::bell::Bell;
use super::connect::{self, ConnectError, Target, connect};
use super::end::{End, now};
use super::pump::{self, pump};
use super::socket::Socket;
use super::tls::client::{Established, Level, Towards, refusal};
use crate::log;
use content::Ahead;
use dialog::{Conversation, Desk};
use mailcore_base::wire::Notice;
use mailcore_smtp::client::{self, Message, Outcome, Session, Tls, Trouble};
use mailcore_store::body::Body;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// How one server is spoken to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Terms {
    /// The protocol. Its `tls` and `login` are not looked at: they follow from what stands below.
    pub session: client::Options,
    /// How to connect.
    pub connect: connect::Options,
    /// How much TLS, and our side of it; [`Level::None`] without one.
    pub tls: Option<(Level, Towards)>,
    /// TLS from the first octet on, rather than by STARTTLS.
    pub implicit: bool,
    /// As whom we log in, if we do.
    pub login: Option<Login>,
    /// The program that the log names: `postfix/smtp`.
    pub program: Arc<str>,
}

impl Terms {
    /// The protocol alone: in the clear, without a login.
    pub fn new(session: client::Options) -> Self {
        Self {
            session,
            connect: connect::Options::default(),
            tls: None,
            implicit: false,
            login: None,
            program: "postfix/smtp".into(),
        }
    }

    fn options(&self) -> Arc<client::Options> {
        let mut options = self.session.clone();
        options.login = self.login.is_some();
        options.tls = match &self.tls {
            Some((Level::None, _)) | None => Tls::Off,
            Some((Level::May, _)) => Tls::May,
            Some(_) => Tls::Required,
        };
        Arc::new(options)
    }
}

/// Why there is nobody to give a message to.
#[derive(Debug)]
pub enum Failure {
    /// No connection stands.
    Connect(ConnectError),
    /// It stood, but came to nothing.
    Session(Broken),
}

/// Why a connection came to nothing.
#[derive(Debug)]
pub struct Broken {
    /// As the protocol tells it.
    pub trouble: Trouble,
    /// What was wrong with the server's certificate, where it was that.
    pub certificate: Option<&'static str>,
}

/// What became of a message.
#[derive(Debug)]
pub struct Sent {
    /// One for each recipient, in the order of the envelope.
    pub outcomes: Vec<Outcome>,
    /// Whether anything was said of the message. If not, it may be sent once more at once.
    pub begun: bool,
    /// Whether the server was told what the sender wants to be notified of.
    pub reports: bool,
}

/// A connection to a server that has greeted us, and to which TLS and the login were done. Dropped, it is closed
/// without a word.
#[derive(Debug)]
pub struct Connection {
    conversation: Box<Conversation>,
    end: End<Socket>,
    since: Instant,
    lost: Option<io::Error>,
}

impl Connection {
    /// Connects, and talks until a message could be sent.
    ///
    /// # Errors
    /// When no connection stands, or the server does not want to talk, or TLS or the login fail where they must not.
    pub async fn open(target: &Target, terms: &Terms) -> Result<Self, Failure> {
        let side = terms.tls.as_ref().map(|(_, towards)| towards.side());
        let stream = connect(target, side, &terms.connect)
            .await
            .map_err(Failure::Connect)?;
        let mut end = End::new(stream, Bell::new());
        let desk = Desk::new(target, terms);
        let options = terms.options();
        let session = if terms.implicit {
            if let Err(error) = end.secure().await {
                return Err(Failure::Session(Broken::of(
                    Trouble::Handshake,
                    Some(&error),
                )));
            }
            Session::secured_by(options, desk.established(&end))
        } else {
            Session::new(options)
        };
        let mut connection = Self {
            conversation: Box::new(Conversation { session, desk }),
            end,
            since: now(),
            lost: None,
        };
        connection.talk().await;
        match connection.trouble() {
            None => Ok(connection),
            Some(trouble) => {
                let broken = Broken::of(trouble, connection.lost.as_ref());
                // It was refused politely, so it is left politely.
                tokio::spawn(connection.end.close());
                Err(Failure::Session(broken))
            }
        }
    }

    /// Sends a message, whose content this is.
    pub async fn send(&mut self, message: Message, content: Arc<dyn Body>) -> Sent {
        let recipients = message.envelope.recipients.len();
        let desk = &mut self.conversation.desk;
        desk.content = Some(Ahead::new(content));
        desk.message = Some(Box::new(message));
        self.talk().await;
        let desk = &mut self.conversation.desk;
        desk.content = None;
        let unbegun = desk.message.take().is_some();
        desk.sent.take().unwrap_or_else(|| {
            let stage = self.conversation.session.stage();
            let trouble = self.trouble().unwrap_or(Trouble::Lost(stage));
            Sent {
                outcomes: vec![Err(trouble); recipients],
                begun: !unbegun,
                reports: false,
            }
        })
    }

    /// Rests until then, or until the [bell](Self::bell) rings. Whether the connection still stands.
    pub async fn rest(&mut self, until: Instant) -> bool {
        self.conversation.desk.rest = Some(until);
        self.talk().await;
        self.conversation.desk.rest = None;
        self.stands()
    }

    /// Calls a connection that rests: [`Notice::Changed`] ends the rest.
    pub fn bell(&self) -> &Bell {
        self.end.bell()
    }

    /// Says goodbye, and closes.
    pub async fn leave(mut self) {
        if self.stands() {
            self.conversation.session.notice(Notice::Shutdown);
            self.talk().await;
        }
        self.end.close().await;
    }

    /// Whether another message may be tried. A connection that died while nobody looked still seems to stand.
    pub fn stands(&self) -> bool {
        self.lost.is_none() && self.conversation.session.ended().is_none()
    }

    /// How many messages were begun on it.
    pub fn messages(&self) -> u64 {
        self.conversation.session.facts().messages
    }

    /// When it was made.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Turns the machine until it has nothing to do, or is over.
    async fn talk(&mut self) {
        if let pump::Ended::Lost(error) = pump(&mut *self.conversation, &mut self.end).await {
            tracing::debug!("{}: {error}", self.conversation.desk.target);
            self.lost = Some(error);
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        let session = &self.conversation.session;
        match session.ended() {
            Some(client::Ended::Trouble(trouble)) => Some(trouble.clone()),
            Some(client::Ended::Quit) => None,
            None => self.lost.as_ref().map(|_| Trouble::Lost(session.stage())),
        }
    }
}

impl Broken {
    fn of(trouble: Trouble, error: Option<&io::Error>) -> Self {
        let handshake = trouble == Trouble::Handshake;
        Self {
            trouble,
            certificate: error.filter(|_| handshake).and_then(refusal),
        }
    }
}

impl Desk {
    /// Tells the log of TLS that has just been put up, and what it is like.
    fn established<S: super::Transport>(&self, end: &End<S>) -> mailcore_base::login::TlsFacts {
        let facts = end.stream().tls().unwrap_or_default();
        let standing = self
            .towards
            .as_ref()
            .and_then(|it| it.standing(end.stream()));
        if let Some(standing) = standing {
            let line = Established {
                standing,
                target: &self.target,
                facts: &facts,
            };
            log::postfix::info(&self.program, format_args!("{line}"));
        }
        facts
    }
}
