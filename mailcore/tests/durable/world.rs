//! A server on a simulated disk, reached through pipes: our drivers, machines, desk and Maildir, and no socket.

use mailcore::auth::{self, Gate};
use mailcore::base::address::{Domain, Repertoire};
use mailcore::net::imap_server::ImapServer;
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::{Bell, Peer, Route, Stream};
use mailcore::reception::{Desk, Role};
use mailcore::route::Routes;
use mailcore::store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore::store::disk::SimDisk;
use mailcore::store::mailbox::maildir::{Maildir, Options};
use mailcore::store::mailbox::{Clock, MailStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

pub const HOST: &str = "mail.example.test";
pub const PASSWORD: &str = "secret";

/// A process id that no system gives, another one for each server: to the next server this one is dead.
fn pid() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(5_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The store that a server started now would have.
pub fn store(disk: &SimDisk) -> Maildir {
    let time = disk.clone();
    let mut options = Options::new("mail/%d/%n");
    options.host = "here".to_owned();
    options.pid = pid();
    options.patrol = Duration::ZERO;
    // The disk's time does not pass by itself: a lock that is left behind stays.
    options.patience = Duration::from_millis(100);
    Maildir::on(
        Arc::new(disk.clone()),
        Clock::new(move || time.now()),
        options,
    )
}

/// One server.
#[derive(Clone)]
pub struct World {
    transfer: Arc<SmtpServer>,
    lmtp: Arc<SmtpServer>,
    imap: Arc<ImapServer>,
}

/// A way to the server that no one can listen on, so that logins are taken without TLS.
static ROUTE: Route = Route {
    peer: Peer::Unix(None),
    local: Peer::Unix(None),
};

impl World {
    pub fn on(disk: &SimDisk) -> Self {
        let users = MemoryUsers::new(Hasher::new([7; 32]));
        for name in ["alice@example.test", "bob@example.test"] {
            let password = Stored::parse(&format!("{{PLAIN}}{PASSWORD}")).unwrap();
            users.insert(Entry::new(User::new(name), password));
        }
        let users = Arc::new(users);
        let domain = Domain::parse("example.test", Repertoire::Ascii).unwrap();
        let host = Domain::parse(HOST, Repertoire::Ascii).unwrap();
        let store: Arc<dyn MailStore> = Arc::new(store(disk));
        let mut gate = auth::Options::new(HOST);
        gate.failure_delay = Duration::ZERO;
        let gate = Gate::new(users.clone(), users.clone(), gate);
        let routes = Arc::new(Routes::new(domain, [], users));
        let desk = Arc::new(Desk::new(HOST, routes, Arc::clone(&store)));
        let smtp = mailcore::smtp::server::Options::smtp(host.clone());
        let lmtp = mailcore::smtp::server::Options::lmtp(host);
        Self {
            transfer: Arc::new(SmtpServer::new(Role::Transfer, smtp, desk.clone(), None)),
            lmtp: Arc::new(SmtpServer::new(Role::Lmtp, lmtp, desk, None)),
            imap: Arc::new(ImapServer::new(
                mailcore::imap::server::Options::default(),
                gate,
                store,
            )),
        }
    }

    pub fn smtp(&self) -> Talk {
        let server = Arc::clone(&self.transfer);
        Talk::with(|s| async move { server.serve(s, &ROUTE, Bell::new()).await })
    }

    pub fn lmtp(&self) -> Talk {
        let server = Arc::clone(&self.lmtp);
        Talk::with(|s| async move { server.serve(s, &ROUTE, Bell::new()).await })
    }

    pub fn imap(&self) -> Talk {
        let server = Arc::clone(&self.imap);
        Talk::with(|s| async move { server.serve(s, &ROUTE, Bell::new()).await })
    }
}

/// A client's side of a session.
pub struct Talk(BufReader<DuplexStream>);

impl Talk {
    fn with<F>(serve: impl FnOnce(Stream<DuplexStream>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(serve(Stream::plain(near)));
        Self(BufReader::new(far))
    }

    /// Sends octets; whether anybody still takes them shows when the answer is read.
    pub async fn send(&mut self, octets: &[u8]) {
        let _ = self.0.get_mut().write_all(octets).await;
    }

    pub async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.0.read_until(b'\n', &mut line).await.ok()?;
        let line = String::from_utf8(line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The last line of an SMTP reply, if it begins so.
    pub async fn reply(&mut self, begin: &str) -> Option<String> {
        loop {
            let line = self.line().await?;
            if line.as_bytes().get(3) == Some(&b' ') {
                return line.starts_with(begin).then_some(line);
            }
        }
    }

    /// Sends a command and reads its reply.
    pub async fn say(&mut self, command: &str, begin: &str) -> Option<String> {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.reply(begin).await
    }

    /// The tagged line of an IMAP answer if it is OK; what came before it is appended.
    pub async fn answer(&mut self, tag: &str) -> Option<String> {
        let mut all = String::new();
        loop {
            let line = self.line().await?;
            all.push_str(&line);
            all.push('\n');
            if let Some(end) = line.strip_prefix(tag) {
                return end.starts_with(" OK").then_some(all);
            }
        }
    }
}
