//! A check of your own in front of the usual desk: senders at some domains are not heard. The
//! reception is wrapped: it judges senders itself and passes every other question on.
//!
//!     cargo run --example check            # or: cargo run --example check 127.0.0.1:0
//!     printf 'HELO me\r\nMAIL FROM:<sales@spam.test>\r\nQUIT\r\n' | nc 127.0.0.1 2525

use mailcore::auth::{MemoryUsers, hasher};
use mailcore::base::address::ReversePath;
use mailcore::base::envelope::MailParameters;
use mailcore::reception::{Desk, Envelope, Message, Reception, Recipient, Sink, Verdict, Visit};
use mailcore::route::Routes;
use mailcore::store::mailbox::MemoryStore;
use mailcore::{Protocol, Server, async_trait};
use std::sync::Arc;

/// Refuses senders at some domains, whatever the reception behind it thinks of them.
#[derive(Debug)]
struct Shunned<R> {
    domains: Vec<String>,
    behind: R,
}

#[async_trait]
impl<R: Reception> Reception for Shunned<R> {
    async fn sender(
        &self,
        visit: &Visit,
        sender: &ReversePath,
        parameters: &MailParameters,
    ) -> Verdict {
        // `<>` has no domain: bounces are always let in.
        let shunned = |domain: &String| sender.domain().is_some_and(|d| d.is(domain));
        if visit.login.is_none() && self.domains.iter().any(shunned) {
            return Verdict::reject(format!("<{sender}>: Sender address rejected: not here"));
        }
        self.behind.sender(visit, sender, parameters).await
    }

    // Pass on all that is not yours, also what has a default: the desk has its own mind about it.
    async fn connect(&self, visit: &Visit) -> Verdict {
        self.behind.connect(visit).await
    }

    async fn hello(&self, visit: &Visit) -> Verdict {
        self.behind.hello(visit).await
    }

    async fn recipient(&self, visit: &Visit, envelope: &Envelope, to: &Recipient) -> Verdict {
        self.behind.recipient(visit, envelope, to).await
    }

    async fn verify(&self, visit: &Visit, to: &Recipient) -> Option<Verdict> {
        self.behind.verify(visit, to).await
    }

    async fn begin(
        &self,
        visit: &Visit,
        envelope: &Envelope,
    ) -> Result<Option<Box<dyn Sink>>, Verdict> {
        self.behind.begin(visit, envelope).await
    }

    async fn message(&self, visit: &Visit, message: Message) -> Verdict {
        self.behind.message(visit, message).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:2525".into());
    let users = MemoryUsers::with_passwords(hasher(), [("alice@example.test", "wonderland")])?;
    let routes = Routes::new("example.test".parse()?, [], Arc::new(users));
    let desk = Desk::new(
        "mail.example.test",
        Arc::new(routes),
        Arc::new(MemoryStore::new()),
    );
    let checked = Shunned {
        domains: vec!["spam.test".into()],
        behind: desk,
    };
    let server = Server::builder("mail.example.test")
        .reception(checked)
        .smtp(address.parse()?)
        .start()?;
    println!("smtp {}", server.address(Protocol::Smtp).ok_or("no port")?);
    tokio::signal::ctrl_c().await?;
    server.stop(std::time::Duration::from_secs(5)).await;
    Ok(())
}
