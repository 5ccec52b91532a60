//! Collect mail in a test: three lines start a server, let the program under test send to it, and look at what
//! came. Copy this file to the `tests` folder of a crate that depends on `mailcore` and `tokio`.
//!
//!     cargo run --example collect          # sends one mail to itself and shows it
//!     cargo test --example collect

use mailcore::collector::Collector;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_new_user_is_welcomed() {
    let mut inbox = Collector::start().expect("a port on loopback");
    welcome(inbox.address(), "alice@example.test")
        .await
        .expect("the mail is sent");
    let mail = inbox.next().await.expect("a mail has come");

    assert_eq!(mail.field("Subject").as_deref(), Some("Welcome, Zoë!"));
    assert_eq!(mail.envelope.sender.to_string(), "app@example.test");
    assert!(
        mail.envelope
            .recipients
            .iter()
            .all(|to| to.is_at("example.test"))
    );
    assert!(mail.text().contains("\r\nGood to have you.\r\n"));
}

/// The program under test: it sends a mail to the server that it is told of, as any SMTP client would.
async fn welcome(server: SocketAddr, to: &str) -> std::io::Result<()> {
    let mut smtp = tokio::net::TcpStream::connect(server).await?;
    let dialogue = format!(
        "EHLO app.example.test\r\nMAIL FROM:<app@example.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n\
         From: app@example.test\r\nTo: {to}\r\nSubject: =?UTF-8?Q?Welcome,_Zo=C3=AB!?=\r\n\r\nGood to have you.\r\n.\r\n\
         QUIT\r\n"
    );
    smtp.write_all(dialogue.as_bytes()).await?;
    let mut replies = String::new();
    smtp.read_to_string(&mut replies).await?;
    match replies.contains("\r\n250 2.0.0 Ok: queued as ") {
        true => Ok(()),
        false => Err(std::io::Error::other(replies)),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut inbox = Collector::start()?;
    welcome(inbox.address(), "alice@example.test").await?;
    println!("{}", inbox.next().await.ok_or("no mail")?.text());
    Ok(())
}
