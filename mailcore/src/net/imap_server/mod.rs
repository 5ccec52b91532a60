//! Serves IMAP connections: joins the protocol machine to the gate, the mailbox store and the log. Decides nothing
//! itself.

mod append;
mod changes;
mod login;
mod mailboxes;
mod messages;
mod source;

use super::bell::Bell;
use super::end::{End, Happened, now};
use super::pump::{Dialog, pump};
use super::socket::Route;
use super::stream::{Stream, Transport};
use crate::access::Reader;
use crate::auth::{Dialogue, Gate, Link, Offer};
use crate::log;
use crate::metrics::Metrics;
use arc_swap::ArcSwapOption;
use mailcore_base::login::{Service, TlsFacts};
use mailcore_base::wire::{Io, Notice};
use mailcore_imap::server::Ask;
use mailcore_imap::server::{Mechanism, Options, Session, Step};
use mailcore_imap::types::Failed;
use mailcore_store::mailbox::{Account, Append, MailStore, Mailbox};
use mailcore_store::{Error, Kind};
use source::Source;
use std::sync::Arc;

/// A listener's IMAP service. Shared by its connections.
#[derive(Debug)]
pub struct ImapServer {
    options: Options,
    gate: Arc<Gate>,
    store: Arc<dyn MailStore>,
    metrics: Option<Arc<Metrics>>,
    /// The options with what may be offered just now: users come and go.
    current: ArcSwapOption<(Offer, bool, Arc<Options>)>,
}

impl ImapServer {
    /// A service with these logins and mailboxes.
    pub fn new(options: Options, gate: Arc<Gate>, store: Arc<dyn MailStore>) -> Self {
        Self {
            options,
            gate,
            store,
            metrics: None,
            current: ArcSwapOption::empty(),
        }
    }

    /// The same, which counts there what mail it takes.
    #[must_use]
    pub fn counting(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }

    /// Serves one connection to its end. A stream that can be secured is offered STARTTLS.
    pub async fn serve<S: Transport>(&self, stream: Stream<S>, route: &Route, bell: Bell) {
        let mut conversation = Box::new(self.begin(&stream, route));
        let mut end = End::new(stream, bell);
        let ended = pump(&mut *conversation, &mut end).await;
        let octets = end.octets();
        let desk = &conversation.desk;
        match end.broken_handshake(&ended) {
            Some(error) => log::dovecot::handshake(error, desk.lasted(), &desk.rip()),
            None => desk.goodbye(conversation.session.ended(), octets),
        }
        Box::pin(end.close()).await;
    }

    /// A connection's state. Made apart from the future that serves it, which would keep room for each part besides.
    fn begin<S: Transport>(&self, stream: &Stream<S>, route: &Route) -> Conversation<'_> {
        let link = Link::new(
            Service::Imap,
            route.peer.ip(),
            route.local.ip(),
            stream.tls(),
        );
        let mut session = Session::new(self.options(stream.can_secure()));
        let facts = session.facts_mut();
        facts.peer = link.peer;
        facts.local = link.local;
        facts.tls.clone_from(&link.tls);
        facts.secured = link.secured;
        let desk = Answers {
            server: self,
            link,
            id: crate::intake::session_id(),
            user: None,
            method: String::new(),
            attempts: 0,
            began: now(),
            dialogue: None,
            account: None,
            mailbox: None,
            append: None,
            octets: 0,
            source: None,
            reader: Reader::default(),
            counts: Counts::default(),
        };
        Conversation { session, desk }
    }

    /// The options of a connection that begins now.
    fn options(&self, starttls: bool) -> Arc<Options> {
        let mut tls = TlsFacts::default();
        tls.end_point = Some(Vec::new());
        let offer = self
            .gate
            .offer(&Link::new(Service::Imap, None, None, Some(tls)));
        if let Some(known) = self.current.load_full()
            && (known.0, known.1) == (offer, starttls)
        {
            return Arc::clone(&known.2);
        }
        let mut options = self.options.clone();
        options.starttls = starttls;
        options.mechanisms = offer
            .iter()
            .map(|m| Mechanism {
                name: m.to_string(),
                plaintext: m.discloses_secret(),
                binds_channel: m.binds_channel(),
            })
            .collect();
        let options = Arc::new(options);
        self.current
            .store(Some(Arc::new((offer, starttls, Arc::clone(&options)))));
        options
    }
}

/// One connection: the machine, and who answers it.
struct Conversation<'c> {
    session: Session,
    desk: Answers<'c>,
}

/// What the answers of one connection need to remember.
struct Answers<'c> {
    server: &'c ImapServer,
    link: Link,
    /// The session's id in logs.
    id: String,
    user: Option<String>,
    /// The mechanism that was used or tried last, and how often one failed.
    method: String,
    attempts: u32,
    began: std::time::Instant,
    dialogue: Option<Box<Dialogue>>,
    account: Option<Arc<dyn Account>>,
    mailbox: Option<Box<dyn Mailbox>>,
    append: Option<Box<dyn Append>>,
    /// Octets that it was given.
    octets: u64,
    source: Option<Source>,
    reader: Reader,
    counts: Counts,
}

/// What the line at the end of a session counts.
#[derive(Debug, Default)]
struct Counts {
    deleted: u64,
    expunged: u64,
    headers: u64,
    header_octets: u64,
    bodies: u64,
    body_octets: u64,
}

impl<S: Transport> Dialog<S> for Conversation<'_> {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        // Before anything is asked: the first question behind STARTTLS may be a login.
        self.know_tls(end);
        let watching = self.session.watching();
        match self.session.step(now()) {
            Step::Io(io) => match (io, watching, &self.desk.mailbox) {
                // Only a session that waits for its client looks out for news.
                (io @ Io::Read(_), Some(known), Some(mailbox)) => {
                    tokio::select! {
                        biased;
                        happened = end.race(io) => return happened,
                        () = mailbox.changed(known) => return Happened::Rung(Notice::Changed),
                    }
                }
                (io, ..) => return end.race(io).await,
            },
            Step::Content(content) => self.desk.content(content).await,
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

impl Conversation<'_> {
    /// Tells the session of a TLS layer as soon as it stands.
    fn know_tls<S: Transport>(&mut self, end: &End<S>) {
        if self.desk.link.tls.is_none() && end.stream().secured() {
            let link = &self.desk.link;
            let link = Link::new(Service::Imap, link.peer, link.local, end.stream().tls());
            let facts = self.session.facts_mut();
            facts.tls.clone_from(&link.tls);
            facts.secured = link.secured;
            self.desk.link = link;
        }
    }
}

impl Answers<'_> {
    async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) {
        match ask {
            Ask::Login(q) => self.login(q, end).await,
            Ask::Authenticate(q) => self.authenticate(q, end).await,
            Ask::Respond(q) => self.respond(q, end).await,
            Ask::Select(q) => self.select(q, end).await,
            Ask::Close(q) => {
                self.leave();
                q.answer();
            }
            Ask::List(q) => self.list(q, end).await,
            Ask::Subscriptions(q) => self.subscriptions(q, end).await,
            Ask::Status(q) => self.status(q, end).await,
            Ask::Create(q) => self.create(q, end).await,
            Ask::Delete(q) => self.delete(q, end).await,
            Ask::Rename(q) => self.rename(q, end).await,
            Ask::Subscribe(q) => self.subscribe(q, end).await,
            Ask::Sync(q) => self.sync(q, end).await,
            Ask::Expunged(q) => self.expunged(q, end).await,
            Ask::Records(q) => self.records(q, end).await,
            Ask::Describe(q) => self.describe(q, end).await,
            Ask::Measure(q) => self.measure(q, end).await,
            Ask::Bytes(q) => self.bytes(q, end).await,
            Ask::Search(q) => self.search(q, end).await,
            Ask::Sort(q) => self.sort(q, end).await,
            Ask::Thread(q) => self.thread(q, end).await,
            Ask::Store(q) => self.store(q, end).await,
            Ask::Copy(q) => self.copy(q, end).await,
            Ask::Move(q) => self.relocate(q, end).await,
            Ask::Expunge(q) => self.expunge(q, end).await,
            Ask::Begin(q) => self.begin(q, end).await,
            Ask::Commit(q) => self.commit(q, end).await,
            Ask::Another(q) => self.another(q, end).await,
            Ask::Locate(q) => self.locate(q, end).await,
            Ask::Insert(q) => self.insert(q, end).await,
            Ask::Abandoned(q) => {
                self.abandon();
                q.answer();
            }
            other => other.decline(),
        }
    }

    /// Lets go of the mailbox.
    fn leave(&mut self) {
        self.mailbox = None;
        self.reader.close();
    }

    /// Logs a failure of the store and says of what kind it is.
    fn failed(&self, error: &Error) -> Failed {
        if matches!(
            error.kind(),
            Kind::Unavailable | Kind::Corrupt | Kind::Full | Kind::Unsupported | Kind::Denied
        ) {
            let user = log::Clean(self.user.as_deref().unwrap_or_default());
            let pid = std::process::id();
            log::dovecot::error(
                format_args!("imap({user})<{pid}><{}>", self.id),
                format_args!("{}", Chain(error)),
            );
        }
        failed(error.kind())
    }

    /// The same of a command that gives a name: one that this store cannot keep is no more than the client's mistake.
    fn misnamed(&self, error: &Error) -> Failed {
        match error.kind() {
            Kind::Unsupported => Failed::Unsupported,
            _ => self.failed(error),
        }
    }
}

/// The total function from a store's kinds of failure to IMAP's.
fn failed(kind: Kind) -> Failed {
    match kind {
        Kind::NotFound => Failed::NotFound,
        Kind::AlreadyExists => Failed::AlreadyExists,
        Kind::Denied => Failed::Denied,
        Kind::OverQuota => Failed::OverQuota,
        Kind::Full => Failed::Full,
        Kind::Busy => Failed::Busy,
        Kind::Corrupt => Failed::Corrupt,
        Kind::Limit => Failed::Limit,
        Kind::Unsupported => Failed::Unsupported,
        _ => Failed::Unavailable,
    }
}

/// An error with what caused it, for the log.
struct Chain<'a>(&'a Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
