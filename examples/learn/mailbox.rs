//! A whole mail server in memory, in about thirty lines: SMTP takes mail for alice and bob, IMAP and POP3 serve it.
//! Put `Maildir` in place of `MemoryStore` and `PasswdFile` in place of `MemoryUsers`, and it keeps what it takes.
//!
//!     cargo run --example mailbox          # or give three addresses: for SMTP, IMAP and POP3
//!     printf 'Subject: hi\n\nFirst mail.\n' | curl -s --crlf smtp://127.0.0.1:2525 --mail-from bob@example.org --mail-rcpt alice@example.test -T -
//!     curl -s --user alice:wonderland 'imap://127.0.0.1:2143/INBOX;MAILINDEX=1'

use mailcore::auth::{self, Gate, MemoryUsers};
use mailcore::reception::Desk;
use mailcore::route::Routes;
use mailcore::store::mailbox::MemoryStore;
use mailcore::{Protocol, Server};
use std::sync::Arc;

const HOST: &str = "mail.example.test";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let mut address = |default: &str| given.next().unwrap_or(default.into()).parse();

    let people = [
        ("alice@example.test", "wonderland"),
        ("bob@example.test", "builder"),
    ];
    let users = Arc::new(MemoryUsers::with_passwords(auth::hasher(), people)?);
    let store = Arc::new(MemoryStore::new());

    // Who may log in, and what a name without a domain means.
    let mut logins = auth::Options::new(HOST);
    logins.default_realm = Some("example.test".into());
    let gate = Gate::new(users.clone(), users.clone(), logins);
    // Whose mail is taken, and into which mailbox it goes.
    let routes = Routes::new("example.test".parse()?, [], users);
    let desk = Desk::new(HOST, Arc::new(routes), store.clone());

    let server = Server::builder(HOST)
        .reception(desk)
        .gate(gate)
        .mailboxes(store)
        .smtp(address("127.0.0.1:2525")?)
        .imap(address("127.0.0.1:2143")?)
        .pop3(address("127.0.0.1:2110")?)
        .start()?;
    let at = |protocol| server.address(protocol).ok_or("no port");
    println!("smtp {}", at(Protocol::Smtp)?);
    println!("imap {}", at(Protocol::Imap)?);
    println!("pop3 {}", at(Protocol::Pop3)?);
    tokio::signal::ctrl_c().await?;
    server.stop(std::time::Duration::from_secs(5)).await;
    Ok(())
}
