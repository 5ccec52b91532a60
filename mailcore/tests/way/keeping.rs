//! Connections that are kept for the next message.

use crate::peer::{CLOSE, Peer};
use crate::scene::{job, options, transport, zone};
use mailcore::deliver::hosts::NextHop;
use mailcore::deliver::smtp::{Demands, Login, Options, SmtpTransport};
use mailcore::deliver::{Action, Transport};
use mailcore::net::connect::Target;
use mailcore::net::tls::client::Policy;
use mailcore::sasl::client::Credentials;
use mailcore_base::address::{Address, ReversePath};
use std::sync::Arc;
use std::time::Duration;

fn keeping() -> Options {
    let mut options = options();
    options.cache.rest = Duration::from_secs(60);
    options.cache.on_demand = false;
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

/// Logs in as whoever sends.
#[derive(Debug)]
struct BySender;

#[mailcore::async_trait]
impl Demands for BySender {
    async fn tls(&self, _: &NextHop) -> mailcore::store::Result<Option<Policy>> {
        Ok(None)
    }
    async fn login(
        &self,
        _: &NextHop,
        _: &Target,
        sender: &ReversePath,
    ) -> mailcore::store::Result<Option<Login>> {
        let name = sender.to_string();
        let credentials = Credentials::password(name, "tanstaaftanstaaf");
        let mut login = Login::new(credentials);
        login.clear = true;
        Ok(Some(login))
    }
}

#[tokio::test]
async fn a_connection_is_never_shared_between_logins() {
    let peer = Peer::start(&[
        ("EHLO", "250-mx.test\r\n250 AUTH PLAIN"),
        ("AUTH", "235 2.7.0 welcome"),
    ])
    .await;
    let transport = transport(keeping(), zone(&[&peer])).with_demands(Arc::new(BySender));
    for sender in ["a@client.test", "b@client.test", "a@client.test"] {
        let mut job = job(&["b@example.test"], "example.test");
        let mut envelope = (*job.envelope).clone();
        envelope.sender = sender.parse::<Address>().unwrap().into();
        job.envelope = Arc::new(envelope);
        let report = transport.deliver(&job).await;
        assert!(report.fates[0].is_final());
    }
    assert_eq!(peer.connections(), 2);
    assert_eq!(peer.heard_of("AUTH").len(), 2);
}

#[tokio::test]
async fn a_message_alone_leaves_at_once_and_those_that_follow_share_a_connection() {
    let mut peer = Peer::start(&[]).await;
    let mut options = keeping();
    options.cache.on_demand = true;
    let transport = transport(options, zone(&[&peer]));
    assert_eq!(send(&transport).await, SENT);
    peer.gone().await;
    assert_eq!(peer.heard().last().unwrap(), "QUIT");
    for _ in 0..3 {
        assert_eq!(send(&transport).await, SENT);
    }
    assert_eq!(peer.connections(), 2);
}
