//! A whole SMTP session through the driver, over a pipe in memory: what the runtime adds to the machine.

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::{Bell, Route, Stream};
use mailcore::reception::{Message, Reception, Role, Verdict, Visit};
use mailcore::smtp::server::Options;
use mailcore_benches::{Client, mime_message, runtime};
use std::sync::Arc;

/// Takes everything and keeps nothing.
#[derive(Debug)]
struct Sieve;

#[async_trait]
impl Reception for Sieve {
    async fn recipient(&self, _: &Visit, _: &Envelope, _: &Recipient) -> Verdict {
        Verdict::Accept
    }

    async fn message(&self, _: &Visit, _: Message) -> Verdict {
        Verdict::Accept
    }
}

async fn session(server: Arc<SmtpServer>, content: &[u8]) -> usize {
    let (ours, theirs) = tokio::io::duplex(Client::PIPE);
    let serving = tokio::spawn(async move {
        server
            .serve(Stream::plain(theirs), &Route::UNKNOWN, Bell::new())
            .await;
    });
    let mut client = Client::new(ours);
    let mut octets = 0;
    for turn in [
        b"",
        &b"EHLO client.example.org\r\n"[..],
        b"MAIL FROM:<sender@example.org> BODY=8BITMIME\r\n",
        b"RCPT TO:<one@example.test>\r\n",
        b"DATA\r\n",
        content,
        b"QUIT\r\n",
    ] {
        octets += client.smtp(turn).await;
    }
    drop(client);
    serving.await.expect("no panic");
    octets
}

fn transactions(c: &mut Criterion) {
    let runtime = runtime();
    let options = Options::smtp("mail.example.test".parse().expect("a domain"));
    let server = Arc::new(SmtpServer::new(
        Role::Transfer,
        options,
        Arc::new(Sieve),
        None,
    ));
    let mut group = c.benchmark_group("SMTP driver");
    for (name, size) in [("10 KiB", 10 << 10), ("1 MiB", 1 << 20)] {
        let content = [&mime_message(1, size)[..], b".\r\n"].concat();
        group.throughput(Throughput::Bytes(content.len() as u64));
        group.bench_function(format!("session with a message of {name}"), |b| {
            b.iter(|| runtime.block_on(session(Arc::clone(&server), &content)));
        });
    }
    group.finish();
}

criterion_group!(benches, transactions);
criterion_main!(benches);
