//! Serves POP3 connections: joins the protocol machine to the gate, the mailbox store and the log. Decides nothing
//! itself.

mod login;
mod maildrop;

use super::bell::Bell;
use super::end::{End, Happened, now};
use super::pump::{Dialog, pump};
use super::socket::Route;
use super::stream::{Stream, Transport};
use crate::auth::{Dialogue, Gate, Link};
use crate::log::dovecot::{self, Rip};
use mailcore_base::login::Service;
use mailcore_base::mailbox::Uid;
use mailcore_base::wire::Notice;
use mailcore_imap::pop3::{self, Ask, Ended, Failed, Options, Session, Step};
use mailcore_store::body::Body;
use mailcore_store::mailbox::{MailStore, Mailbox};
use mailcore_store::{Error, Kind};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A listener's POP3 service. Shared by its connections.
#[derive(Debug)]
pub struct Pop3Server {
    options: Options,
    gate: Arc<Gate>,
    store: Arc<dyn MailStore>,
    /// Users whose maildrop one session has for itself.
    taken: Mutex<HashSet<String>>,
}

impl Pop3Server {
    /// A service with these logins and mailboxes.
    pub fn new(options: Options, gate: Arc<Gate>, store: Arc<dyn MailStore>) -> Self {
        Self {
            options,
            gate,
            store,
            taken: Mutex::default(),
        }
    }

    /// Serves one connection to its end. A stream that can be secured is offered STLS.
    pub async fn serve<S: Transport>(&self, stream: Stream<S>, route: &Route, bell: Bell) {
        let mut conversation = Box::new(self.begin(&stream, route));
        let mut end = End::new(stream, bell);
        let ended = pump(&mut *conversation, &mut end).await;
        let desk = &conversation.desk;
        match end.broken_handshake(&ended) {
            Some(error) => dovecot::handshake(error, desk.lasted(), &desk.rip()),
            None => desk.goodbye(&conversation.session),
        }
        Box::pin(end.close()).await;
    }

    /// A connection's state. Made apart from the future that serves it, which would keep room for each part besides.
    fn begin<S: Transport>(&self, stream: &Stream<S>, route: &Route) -> Conversation<'_> {
        let link = Link::new(
            Service::Pop3,
            route.peer.ip(),
            route.local.ip(),
            stream.tls(),
        );
        let mut options = self.options.clone();
        options.stls = stream.can_secure();
        let desk = Answers {
            server: self,
            link,
            id: crate::intake::session_id(),
            user: None,
            method: String::new(),
            attempts: 0,
            began: now(),
            dialogue: None,
            mailbox: None,
            opened: None,
            exclusive: None,
        };
        Conversation {
            session: Session::new(Arc::new(options)),
            desk,
        }
    }
}

/// One connection: the machine, and who answers it.
struct Conversation<'c> {
    session: Session,
    desk: Answers<'c>,
}

/// What the answers of one connection need to remember.
struct Answers<'c> {
    server: &'c Pop3Server,
    link: Link,
    /// The session's id in logs.
    id: String,
    user: Option<String>,
    /// The mechanism that was used or tried last, and how often one failed.
    method: String,
    attempts: u32,
    began: Instant,
    dialogue: Option<Box<Dialogue>>,
    mailbox: Option<Box<dyn Mailbox>>,
    /// The message that is being read.
    opened: Option<(Uid, Arc<dyn Body>)>,
    /// The right to the maildrop, where no other session may have it.
    exclusive: Option<maildrop::Exclusive<'c>>,
}

impl<S: Transport> Dialog<S> for Conversation<'_> {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.session.step(now()) {
            Step::Io(io) => return end.race(io).await,
            // Boxed: a session at rest, which is most of them, has no room for answers.
            Step::Ask(ask) => Box::pin(self.desk.answer(ask, end)).await,
            // A step of a later version, to which nothing can be said: the connection ends.
            _ => return Happened::Closed,
        }
        Happened::Answered
    }

    fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
    }
}

impl Answers<'_> {
    async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) {
        match ask {
            Ask::Connect(q) => self.connect(q),
            Ask::Secured(q) => self.secured(q, end),
            Ask::Login(q) => self.login(q, end).await,
            Ask::Apop(q) => self.apop(q, end).await,
            Ask::Authenticate(q) => self.authenticate(q, end).await,
            Ask::Respond(q) => self.respond(q, end).await,
            Ask::Maildrop(q) => self.maildrop(q, end).await,
            Ask::Read(q) => self.read(q, end).await,
            Ask::Commit(q) => self.commit(q, end).await,
            Ask::Abandoned(q) => {
                self.leave();
                q.answer(());
            }
            other => other.decline(),
        }
    }

    /// Lets go of the maildrop.
    fn leave(&mut self) {
        self.opened = None;
        self.mailbox = None;
        self.exclusive = None;
    }

    /// Logs a failure of the store and says of what kind it is.
    fn failed(&self, error: &Error) -> Failed {
        let user = crate::log::Clean(self.user.as_deref().unwrap_or_default());
        dovecot::error(
            format_args!("pop3({user})<{}><{}>", std::process::id(), self.id),
            format_args!("{error}"),
        );
        match error.kind() {
            Kind::Busy => Failed::InUse,
            _ => Failed::Temporary,
        }
    }

    fn rip(&self) -> Rip<'_> {
        Rip {
            service: "pop3",
            method: &self.method,
            remote: self.link.peer,
            local: self.link.local,
            tls: self.link.tls.is_some(),
            session: &self.id,
        }
    }

    fn lasted(&self) -> Duration {
        now().saturating_duration_since(self.began)
    }

    /// The line at the end of a session.
    fn goodbye(&self, session: &Session) {
        let known = session.facts().login.is_some();
        let how = match session.ended() {
            Some(Ended::LoggedOut) => "Logged out",
            Some(Ended::Timeout) if known => "Disconnected for inactivity",
            Some(Ended::Timeout) => "Inactivity",
            Some(Ended::Shutdown) if known => "Server shutting down.",
            Some(Ended::Shutdown) => "Shutting down",
            Some(Ended::Kicked) => "Disconnected by administrator.",
            Some(Ended::Errors) => "Too many bad commands",
            _ => "Connection closed",
        };
        if let (Some(user), Some(_)) = (&self.user, &session.facts().login) {
            let t: &pop3::Tally = session.tally();
            return dovecot::left(
                "pop3",
                user,
                &self.id,
                format_args!(
                    "{how} top={}/{}, retr={}/{}, del={}/{}, size={}",
                    t.tops,
                    t.top_octets,
                    t.retrieved,
                    t.retrieved_octets,
                    t.deleted,
                    t.messages,
                    t.size
                ),
            );
        }
        let seconds = self.lasted().as_secs();
        let reason = match self.attempts {
            0 => format!("{how} (no auth attempts in {seconds} secs)"),
            n => format!("{how} (auth failed, {n} attempts in {seconds} secs)"),
        };
        dovecot::turned_away(
            &reason,
            self.user.as_deref().unwrap_or_default(),
            &self.rip(),
        );
    }
}
