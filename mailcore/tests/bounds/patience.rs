//! Before login, silence and a line that comes octet by octet last equally long: then the client is told so, and gone.

use super::deaf::{HOST, ROUTE, house};
use mailcore::base::address::{Domain, Repertoire};
use mailcore::net::imap_server::ImapServer;
use mailcore::net::pop3_server::Pop3Server;
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::{Bell, Stream};
use mailcore::reception::{Desk, Role};
use mailcore::route::Routes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

/// Sends an octet now and then, if any, until the server is gone. Says how long that took and the last line.
async fn bear(mut far: DuplexStream, every: Option<Duration>) -> (Duration, String) {
    let start = Instant::now();
    if let Some(every) = every {
        while far.write_all(b"N").await.is_ok() {
            sleep(every).await;
        }
    }
    let mut said = String::new();
    far.read_to_string(&mut said).await.unwrap();
    (
        start.elapsed(),
        said.lines().last().unwrap_or_default().to_owned(),
    )
}

/// What a client hears that is silent, and one that sends an octet every seven seconds.
async fn judge(serve: impl Fn(DuplexStream), patience: u64, words: &str) {
    let often = Duration::from_secs(7);
    for every in [None, Some(often)] {
        let (near, far) = tokio::io::duplex(16 * 1024);
        serve(near);
        let (took, said) = bear(far, every).await;
        assert_eq!(said, words, "{every:?}");
        let patience = Duration::from_secs(patience);
        // The goodbye takes two seconds where the client does not close, and is noticed with the next octet.
        let late = patience + Duration::from_secs(2) + often;
        assert!((patience..=late).contains(&took), "{words}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn imap_waits_three_minutes_for_a_login() {
    let (store, gate, _) = house().await;
    let server = Arc::new(ImapServer::new(
        mailcore::imap::server::Options::default(),
        gate,
        store,
    ));
    let serve = |near| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
    };
    judge(serve, 180, "* BYE Disconnected for inactivity.").await;
}

#[tokio::test(start_paused = true)]
async fn pop3_waits_three_minutes_for_a_login() {
    let (store, gate, _) = house().await;
    let server = Arc::new(Pop3Server::new(
        mailcore::imap::pop3::Options::default(),
        gate,
        store,
    ));
    let serve = |near| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
    };
    judge(serve, 180, "-ERR Disconnected for inactivity.").await;
}

#[tokio::test(start_paused = true)]
async fn smtp_and_lmtp_wait_five_minutes_for_a_command() {
    let (store, _, users) = house().await;
    let domain = Domain::parse("example.test", Repertoire::Ascii).unwrap();
    let host = Domain::parse(HOST, Repertoire::Ascii).unwrap();
    let routes = Arc::new(Routes::new(domain, [], users));
    let desk = Arc::new(Desk::new(HOST, routes, store));
    for (role, words) in [
        (Role::Transfer, "Error: timeout exceeded"),
        (Role::Lmtp, "Disconnected for inactivity"),
    ] {
        let options = match role {
            Role::Lmtp => mailcore::smtp::server::Options::lmtp(host.clone()),
            _ => mailcore::smtp::server::Options::smtp(host.clone()),
        };
        let server = Arc::new(SmtpServer::new(role, options, desk.clone(), None));
        let serve = |near| {
            let server = Arc::clone(&server);
            tokio::spawn(
                async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await },
            );
        };
        judge(serve, 300, &format!("421 4.4.2 {HOST} {words}")).await;
    }
}
