//! Users, mailboxes and servers of the tests: in memory, and made to fail at will.

use crate::client::Client;
use async_trait::async_trait;
use mailcore::auth::{self, Gate, MemoryUsers};
use mailcore::net::imap_server::ImapServer;
use mailcore::net::pop3_server::Pop3Server;
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::tls::{self, Certificate, Side};
use mailcore::net::{Bell, Peer, Route, Stream};
use mailcore::reception::{Desk, Reception, Role};
use mailcore::route::Routes;
use mailcore::store::auth::{Entry, Found, Passwords, Scheme, Stored, User, Users, Verdict};
use mailcore::store::mailbox::{
    Access, Account, Append, Extensions, Listed, MailStore, Mailbox, MemoryStore, Stamp, Status,
    Ticket,
};
use mailcore::store::{Error, Kind, Result};
use mailcore_base::login::{Login, Secret};
use mailcore_base::mailbox::{MailboxName, SpecialUse};
use mailcore_base::wire::Notice;
use mailcore_smtp::server::{Options, StartTls};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

pub const HOST: &str = "mail.example.test";
pub static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    let made = tls::self_signed(&[HOST.to_owned()]).unwrap();
    Certificate::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap()
});

/// Users that the server may be unable to ask for a while.
#[derive(Debug)]
pub struct Directory {
    users: MemoryUsers,
    /// Passwords cannot be checked just now.
    pub mute: AtomicBool,
    /// Users cannot be looked up just now.
    pub lost: AtomicBool,
}

fn answers(away: &AtomicBool) -> Result<()> {
    match away.load(Ordering::SeqCst) {
        true => Err(Error::new(Kind::Unavailable, "the directory is away")),
        false => Ok(()),
    }
}

#[async_trait]
impl Passwords for Directory {
    async fn verify(&self, login: &Login, secret: &Secret) -> Result<Verdict> {
        answers(&self.mute)?;
        self.users.verify(login, secret).await
    }
    async fn credential(&self, login: &Login, scheme: Scheme) -> Result<Option<Found>> {
        answers(&self.mute)?;
        self.users.credential(login, scheme).await
    }
    fn schemes(&self) -> Vec<Scheme> {
        self.users.schemes()
    }
}

#[async_trait]
impl Users for Directory {
    async fn user(&self, login: &Login) -> Result<Option<User>> {
        answers(&self.lost)?;
        self.users.user(login).await
    }
}

/// Where a delivery into a mailbox fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Open,
    Write,
    Commit,
}

/// Mailboxes in memory, some of which fail.
#[derive(Debug, Clone)]
pub struct Mailboxes {
    below: MemoryStore,
    faults: Arc<Mutex<HashMap<String, (At, Kind)>>>,
    /// Each commit takes a permit: without one it waits.
    pub commits: Arc<Semaphore>,
    /// How many commits have begun.
    pub begun: Arc<AtomicUsize>,
}

impl Mailboxes {
    pub fn fail(&self, user: &str, at: At, kind: Kind) {
        let mut faults = self.faults.lock().unwrap();
        faults.insert(user.to_owned(), (at, kind));
    }

    /// How many messages lie in the user's INBOX.
    pub async fn count(&self, user: &str) -> u32 {
        let account = self.below.account(&User::new(user)).await.unwrap();
        account
            .status(&MailboxName::inbox())
            .await
            .unwrap()
            .messages
    }
}

#[async_trait]
impl MailStore for Mailboxes {
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>> {
        Ok(Arc::new(Faulty {
            below: self.below.account(user).await?,
            fault: self.faults.lock().unwrap().get(&user.name).copied(),
            commits: Arc::clone(&self.commits),
            begun: Arc::clone(&self.begun),
        }))
    }
}

#[derive(Debug)]
struct Faulty<B> {
    below: B,
    fault: Option<(At, Kind)>,
    commits: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
}

impl<B> Faulty<B> {
    fn fault(&self, here: At) -> Result<()> {
        match self.fault {
            Some((at, kind)) if at == here => Err(Error::new(kind, "made to fail")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Account for Faulty<Arc<dyn Account>> {
    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>> {
        self.fault(At::Open)?;
        Ok(Box::new(Faulty {
            below: self.below.append(name).await?,
            fault: self.fault,
            commits: Arc::clone(&self.commits),
            begun: Arc::clone(&self.begun),
        }))
    }
    fn separator(&self) -> char {
        self.below.separator()
    }
    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>> {
        self.below.list(after, limit).await
    }
    async fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        self.below.subscriptions().await
    }
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.below.subscribe(name, on).await
    }
    async fn status(&self, name: &MailboxName) -> Result<Status> {
        self.below.status(name).await
    }
    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()> {
        self.below.create(name, special).await
    }
    async fn delete(&self, name: &MailboxName) -> Result<()> {
        self.below.delete(name).await
    }
    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        self.below.rename(from, to).await
    }
    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>> {
        self.below.open(name, access).await
    }
    fn extensions(&self) -> Extensions {
        self.below.extensions()
    }
}

#[async_trait]
impl Append for Faulty<Box<dyn Append>> {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        // The trace fields in front are let through: content fails, not the opening.
        if !chunk.starts_with(b"Return-Path:") {
            self.fault(At::Write)?;
        }
        self.below.write(chunk).await
    }

    async fn another(&mut self, stamp: Stamp) -> Result<()> {
        self.below.another(stamp).await
    }

    fn commit(self: Box<Self>, stamp: Stamp) -> Ticket {
        Ticket::new(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let permit = self.commits.acquire().await;
            permit
                .map_err(|_| Error::new(Kind::Unavailable, "closed"))?
                .forget();
            self.fault(At::Commit)?;
            self.below.commit(stamp).await
        })
    }
}

/// Which server a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    Smtp,
    Submission,
    Lmtp,
    Imap,
    Pop3,
}

/// A server with alice, bob and carol of example.test. Their passwords are their names.
pub struct World {
    pub directory: Arc<Directory>,
    pub mailboxes: Mailboxes,
    pub gate: Arc<Gate>,
    reception: Arc<dyn Reception>,
    bell: Mutex<Bell>,
}

impl World {
    pub fn new() -> Self {
        let names = ["alice", "bob", "carol"].map(|n| (format!("{n}@example.test"), n));
        let directory = Arc::new(Directory {
            users: MemoryUsers::with_passwords(auth::hasher(), names).unwrap(),
            mute: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        });
        let mailboxes = Mailboxes {
            below: MemoryStore::new(),
            faults: Arc::default(),
            commits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            begun: Arc::default(),
        };
        let mut options = auth::Options::new(HOST);
        options.default_realm = Some("example.test".to_owned());
        let users = (directory.clone(), directory.clone());
        let gate = Gate::new(users.0, users.1, options);
        let routes = Routes::new("example.test".parse().unwrap(), [], directory.clone());
        let store = Arc::new(mailboxes.clone());
        let reception = Arc::new(Desk::new(HOST, Arc::new(routes), store));
        Self {
            directory,
            mailboxes,
            gate,
            reception,
            bell: Mutex::default(),
        }
    }

    /// Adds a user of example.test, whose password is his name, with these fields of his entry.
    pub fn enlist(&self, name: &str, fields: &[(&str, &str)]) {
        let stored = Stored::parse(&format!("{{PLAIN}}{name}")).unwrap();
        let mut entry = Entry::new(User::new(format!("{name}@example.test")), stored);
        let owned = fields
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        entry.fields.extend(owned);
        self.directory.users.insert(entry);
    }

    /// Tells the session of the last call.
    pub fn ring(&self, notice: Notice) {
        self.bell.lock().unwrap().ring(notice);
    }

    /// The same with another reception.
    pub fn received_by(self, reception: impl Reception + 'static) -> Self {
        Self {
            reception: Arc::new(reception),
            ..self
        }
    }

    /// A client of this server, at an address of its own, plain; its greeting is still to be read.
    pub fn call(&self, calls: Calls) -> Client {
        self.connect(calls, [192, 0, 2, 7])
    }

    /// The same from the server's own address.
    pub fn call_at_home(&self, calls: Calls) -> Client {
        self.connect(calls, [127, 0, 0, 1])
    }

    fn connect(&self, calls: Calls, peer: [u8; 4]) -> Client {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let service = tls::Service::with(&CERTIFICATE, tls::Options::default()).unwrap();
        let stream = Stream::new(near, Side::Serve(service));
        let route = Route {
            peer: Peer::Tcp((peer, 4321).into()),
            local: Peer::Tcp(([127, 0, 0, 1], 25).into()),
        };
        self.serve(calls, stream, route);
        Client::new(calls, far)
    }

    fn serve(&self, calls: Calls, stream: Stream<DuplexStream>, route: Route) {
        let (gate, store) = (Arc::clone(&self.gate), Arc::new(self.mailboxes.clone()));
        let bell = Bell::new();
        *self.bell.lock().unwrap() = bell.clone();
        match calls {
            Calls::Imap => {
                let server =
                    ImapServer::new(mailcore_imap::server::Options::default(), gate, store);
                tokio::spawn(async move { server.serve(stream, &route, bell).await });
            }
            Calls::Pop3 => {
                let server = Pop3Server::new(mailcore_imap::pop3::Options::default(), gate, store);
                tokio::spawn(async move { server.serve(stream, &route, bell).await });
            }
            Calls::Smtp | Calls::Submission | Calls::Lmtp => {
                let host = HOST.parse().unwrap();
                let (role, mut options) = match calls {
                    Calls::Lmtp => (Role::Lmtp, Options::lmtp(host)),
                    Calls::Smtp => (Role::Transfer, Options::smtp(host)),
                    _ => (Role::Submission, Options::smtp(host)),
                };
                options.starttls = StartTls::Offered;
                let server =
                    SmtpServer::new(role, options, Arc::clone(&self.reception), Some(gate));
                tokio::spawn(async move { server.serve(stream, &route, bell).await });
            }
        }
    }
}
