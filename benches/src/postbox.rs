//! A user with a full mailbox in memory, and a client that is logged in to it.

use crate::{Client, mime_message};
use mailcore::auth::{Gate, Options as GateOptions};
use mailcore::base::mailbox::MailboxName;
use mailcore::imap::server::Options;
use mailcore::net::imap_server::ImapServer;
use mailcore::net::{Bell, Peer, Route, Stream};
use mailcore::store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore::store::mailbox::{MailStore, MemoryStore, Stamp};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// A runtime of one thread, so that both ends of a conversation take turns and nothing else is measured.
pub fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A client that has selected a mailbox of so many messages of about `octets` octets.
pub async fn mailbox_of(count: usize, octets: usize) -> Client {
    let store = MemoryStore::new();
    fill(&store, count, octets).await;
    let users = MemoryUsers::new(Hasher::new([7; 32]));
    let password = Stored::parse("{PLAIN}secret").expect("a password");
    users.insert(Entry::new(User::new("alice"), password));
    let users = Arc::new(users);
    let gate = Gate::new(users.clone(), users, GateOptions::new("mail.example.test"));
    let server = ImapServer::new(Options::default(), gate, Arc::new(store));
    let (ours, theirs) = tokio::io::duplex(Client::PIPE);
    tokio::spawn(async move {
        let here = Peer::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 143)));
        let route = Route {
            peer: here.clone(),
            local: here,
        };
        server
            .serve(Stream::plain(theirs), &route, Bell::new())
            .await;
    });
    let mut client = Client::new(ours);
    client.hear(|line| line.starts_with(b"* OK")).await;
    client.imap("LOGIN alice secret").await;
    client.imap("SELECT INBOX").await;
    client
}

async fn fill(store: &MemoryStore, count: usize, octets: usize) {
    let account = store
        .account(&User::new("alice"))
        .await
        .expect("an account");
    for number in 1..=count {
        let append = account.append(&MailboxName::inbox()).await;
        let mut append = append.expect("an inbox");
        append
            .write(&mime_message(number, octets))
            .await
            .expect("room");
        append.commit(Stamp::default()).await.expect("room");
    }
}
