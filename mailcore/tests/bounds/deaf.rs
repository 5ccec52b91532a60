//! Peers that ask for much and read nothing: what is held for them is bounded, and after the patience they are gone.

use mailcore::auth::{self, Gate};
use mailcore::base::address::{Domain, Repertoire};
use mailcore::base::mailbox::MailboxName;
use mailcore::base::wire::Limits;
use mailcore::net::imap_server::ImapServer;
use mailcore::net::pop3_server::Pop3Server;
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::{Bell, Peer, Route, Stream};
use mailcore::reception::{Desk, Role};
use mailcore::route::Routes;
use mailcore::store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore::store::mailbox::{MailStore, MemoryStore, Stamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};

pub(super) const HOST: &str = "mail.example.test";
const USER: &str = "alice@example.test";
/// Octets that a pipe holds, as the kernel does for a socket.
const PIPE: usize = 16 * 1024;

pub(super) static ROUTE: Route = Route {
    peer: Peer::Unix(None),
    local: Peer::Unix(None),
};

/// A store with one message of a megabyte, and who may look at it.
pub(super) async fn house() -> (Arc<dyn MailStore>, Arc<Gate>, Arc<MemoryUsers>) {
    let users = MemoryUsers::new(Hasher::new([7; 32]));
    let password = Stored::parse("{PLAIN}secret").unwrap();
    users.insert(Entry::new(User::new(USER), password));
    let users = Arc::new(users);
    let store: Arc<dyn MailStore> = Arc::new(MemoryStore::new());
    let account = store.account(&User::new(USER)).await.unwrap();
    let mut append = account.append(&MailboxName::inbox()).await.unwrap();
    let text = "A line of a long message.\r\n".repeat(40_000);
    append.write(text.as_bytes()).await.unwrap();
    append.commit(Stamp::default()).await.unwrap();
    let gate = Gate::new(users.clone(), users.clone(), auth::Options::new(HOST));
    (store, gate, users)
}

/// Writes `words` again and again and reads nothing, until the server is gone. Says how long that took and how much
/// it had to say.
async fn bear(mut far: DuplexStream, opening: &str, words: &str) -> (Duration, usize) {
    far.write_all(opening.as_bytes()).await.unwrap();
    let start = Instant::now();
    let mut written = 0;
    while let Ok(sent) = timeout(Duration::from_secs(3600), far.write_all(words.as_bytes())).await {
        if sent.is_err() {
            break;
        }
        written += words.len();
        assert!(written < 4 << 20, "input that is not answered is not taken");
    }
    let took = start.elapsed();
    let mut said = Vec::new();
    let _ = far.read_to_end(&mut said).await;
    (took, said.len())
}

fn judge(protocol: &str, (took, said): (Duration, usize)) {
    println!("{protocol}: borne for {took:?}, {said} octets said");
    let patience = Limits::default().stalled;
    assert!(
        took >= patience && took < patience * 2,
        "{protocol}: {took:?}"
    );
    assert!(
        (PIPE..=2 * PIPE).contains(&said),
        "{protocol}: {said} octets"
    );
}

#[tokio::test(start_paused = true)]
async fn an_imap_client_that_does_not_read_is_gone_after_the_patience() {
    let (store, gate, _) = house().await;
    let server = ImapServer::new(mailcore::imap::server::Options::default(), gate, store);
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
    let opening = format!("a LOGIN {USER} secret\r\nb SELECT INBOX\r\n");
    judge(
        "IMAP",
        bear(far, &opening, "c FETCH 1 BODY.PEEK[]\r\n").await,
    );
}

#[tokio::test(start_paused = true)]
async fn a_pop3_client_that_does_not_read_is_gone_after_the_patience() {
    let (store, gate, _) = house().await;
    let server = Pop3Server::new(mailcore::imap::pop3::Options::default(), gate, store);
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
    let opening = format!("USER {USER}\r\nPASS secret\r\n");
    judge("POP3", bear(far, &opening, "RETR 1\r\n").await);
}

#[tokio::test(start_paused = true)]
async fn an_lmtp_client_that_does_not_read_is_gone_after_the_patience() {
    let (store, _, users) = house().await;
    let domain = Domain::parse("example.test", Repertoire::Ascii).unwrap();
    let host = Domain::parse(HOST, Repertoire::Ascii).unwrap();
    let desk = Desk::new(HOST, Arc::new(Routes::new(domain, [], users)), store);
    let options = mailcore::smtp::server::Options::lmtp(host);
    let server = SmtpServer::new(Role::Lmtp, options, Arc::new(desk), None);
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
    judge(
        "LMTP",
        bear(far, "LHLO client.test\r\n", "VRFY alice\r\nRSET\r\n").await,
    );
}
