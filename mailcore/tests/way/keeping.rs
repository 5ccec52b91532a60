//! Connections that are kept for the next message.

use crate::peer::{CLOSE, Peer};
use crate::scene::{job, options, transport, zone};
use mailcore::deliver::smtp::{Options, SmtpTransport};
use mailcore::deliver::{Action, Transport};
use std::time::Duration;

fn keeping() -> Options {
    let mut options = options();
    options.cache.rest = Duration::from_secs(60);
    options
}

async fn send(transport: &SmtpTransport) -> Action {
    let report = transport
        .deliver(&job(&["b@example.test"], "example.test"))
        .await;
    assert!(!report.fates.is_empty());
    report.fates[0].action
}

const SENT: Action = Action::Relayed { reports: true };

#[tokio::test]
async fn the_next_message_goes_over_the_same_connection() {
    let mut peer = Peer::start(&[]).await;
    let transport = transport(keeping(), zone(&[&peer]));
    for _ in 0..3 {
        assert_eq!(send(&transport).await, SENT);
    }
    assert_eq!(peer.connections(), 1);
    assert_eq!(peer.heard_of("EHLO").len(), 1);
    assert_eq!(peer.heard_of("MAIL").len(), 3);
    // It is made sure that the connection still stands.
    assert_eq!(peer.heard_of("RSET").len(), 2);
    transport.close().await;
    peer.gone().await;
    assert_eq!(peer.heard_of("QUIT").len(), 1);
    // Nothing is kept any more.
    assert_eq!(send(&transport).await, SENT);
    peer.gone().await;
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_died_at_rest_costs_the_message_nothing() {
    let mut peer = Peer::start(&[("RSET", CLOSE)]).await;
    let backup = Peer::start(&[]).await;
    let transport = transport(keeping(), zone(&[&peer, &backup]));
    assert_eq!(send(&transport).await, SENT);
    assert_eq!(send(&transport).await, SENT);
    peer.gone().await;
    assert_eq!(peer.connections(), 2);
    assert_eq!(backup.connections(), 0);
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_forgotten() {
    let mut peer = Peer::start(&[(".", "250 2.0.0 Ok: queued as X\nPART")]).await;
    let transport = transport(keeping(), zone(&[&peer]));
    assert_eq!(send(&transport).await, SENT);
    peer.gone().await;
    assert_eq!(send(&transport).await, SENT);
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_rest_ends_with_goodbye() {
    let mut peer = Peer::start(&[]).await;
    let mut options = keeping();
    options.cache.rest = Duration::from_millis(20);
    let transport = transport(options, zone(&[&peer]));
    assert_eq!(send(&transport).await, SENT);
    peer.gone().await;
    assert_eq!(peer.heard().last().unwrap(), "QUIT");
    assert_eq!(send(&transport).await, SENT);
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_transport_that_is_dropped_closes_what_rests() {
    let mut peer = Peer::start(&[]).await;
    let transport = transport(keeping(), zone(&[&peer]));
    assert_eq!(send(&transport).await, SENT);
    drop(transport);
    peer.gone().await;
}

#[tokio::test]
async fn old_connections_used_up_ones_and_too_many_are_not_kept() {
    for bound in ["age", "messages", "most"] {
        let mut peer = Peer::start(&[]).await;
        let mut options = keeping();
        match bound {
            "age" => options.cache.age = Duration::ZERO,
            "messages" => options.cache.messages = 1,
            _ => options.cache.most = 0,
        }
        let transport = transport(options, zone(&[&peer]));
        assert_eq!(send(&transport).await, SENT);
        peer.gone().await;
        assert_eq!(send(&transport).await, SENT, "{bound}");
        assert_eq!(peer.connections(), 2, "{bound}");
    }
}

#[tokio::test]
async fn the_one_that_has_rested_longest_makes_room() {
    let mut first = Peer::start(&[]).await;
    let second = Peer::start(&[]).await;
    let mut options = keeping();
    options.cache.most = 1;
    let transport = transport(options, zone(&[]));
    let to = |peer: &Peer| {
        job(
            &["b@example.test"],
            &format!("[127.0.0.1]:{}", peer.at.port()),
        )
    };
    transport.deliver(&to(&first)).await;
    transport.deliver(&to(&second)).await;
    first.gone().await;
    assert_eq!(first.heard().last().unwrap(), "QUIT");
    transport.deliver(&to(&second)).await;
    assert_eq!(second.connections(), 1);
}
