//! Take mail in about fifteen lines: say whose mail you take, and what becomes of a message. Everything else has
//! a safe default.
//!
//!     cargo run --example embed            # or: cargo run --example embed 127.0.0.1:0
//!     printf 'Subject: hi\n\nFirst mail.\n' | curl -s --crlf smtp://127.0.0.1:2525 --mail-from bob@example.org --mail-rcpt alice@example.test -T -

use mailcore::reception::{Envelope, Message, Reception, Recipient, Verdict, Visit};
use mailcore::{Protocol, Server, async_trait};

#[derive(Debug)]
struct Mine;

#[async_trait]
impl Reception for Mine {
    async fn recipient(&self, _: &Visit, _: &Envelope, to: &Recipient) -> Verdict {
        if to.is_at("example.test") {
            Verdict::Accept
        } else {
            Verdict::relay_denied(to)
        }
    }

    async fn message(&self, visit: &Visit, message: Message) -> Verdict {
        let (from, subject) = (&message.envelope.sender, message.field("Subject"));
        println!(
            "<{from}> by {}: {}",
            visit.client,
            subject.unwrap_or_default()
        );
        Verdict::Accept // say so only once the message is safe: the sender forgets it now
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:2525".into());
    let server = Server::builder("mail.example.test")
        .reception(Mine)
        .smtp(address.parse()?)
        .start()?;
    println!("smtp {}", server.address(Protocol::Smtp).ok_or("no port")?);
    tokio::signal::ctrl_c().await?;
    server.stop(std::time::Duration::from_secs(5)).await;
    Ok(())
}
