//! Logging in at a relay host.

use crate::peer::{Peer, Script};
use crate::scene::{job, options, shown, transport, zone};
use mailcore::deliver::hosts::NextHop;
use mailcore::deliver::smtp::{Demands, Login, Smarthost};
use mailcore::deliver::{Report, Transport};
use mailcore::net::connect::Target;
use mailcore::net::tls::client::Policy;
use mailcore::sasl::client::Credentials;
use mailcore::store::{Error, Kind, Result};
use mailcore_base::address::ReversePath;
use std::sync::Arc;

fn smarthost(peer: &Peer, login: Login) -> Smarthost {
    let hop = format!("[127.0.0.1]:{}", peer.at.port());
    Smarthost {
        nexthop: NextHop::parse(&hop).unwrap(),
        tls: None,
        login: Some(login),
    }
}

fn login() -> Login {
    Login::new(Credentials::password("tim", "tanstaaftanstaaf"))
}

async fn relay(peer: &Peer, demands: impl Demands + 'static) -> Report {
    let transport = transport(options(), zone(&[])).with_demands(Arc::new(demands));
    let hop = format!("[127.0.0.1]:{}", peer.at.port());
    transport.deliver(&job(&["b@example.test"], &hop)).await
}

async fn said(peer: &Peer, login: Login) -> String {
    let report = relay(peer, smarthost(peer, login)).await;
    shown(&report.fates[0], &[peer])
}

const OPEN: Script = &[
    ("EHLO", "250-mx.test\r\n250 AUTH PLAIN LOGIN"),
    ("AUTH PLAIN", "235 2.7.0 welcome"),
];
const SECURED: Script = &[
    (
        "EHLO",
        "250-mx.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN",
    ),
    ("AUTH PLAIN", "235 2.7.0 welcome"),
];

#[tokio::test]
async fn a_password_goes_over_tls_and_never_in_the_clear_unless_that_is_meant() {
    let secured = Peer::secured(SECURED).await;
    assert!(said(&secured, login()).await.starts_with("Relayed"));
    let line = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    assert_eq!(secured.heard_of("AUTH"), [line]);

    let open = Peer::start(OPEN).await;
    assert_eq!(
        said(&open, login()).await,
        "Deferred 4.7.0 127.0.0.1[127.0.0.1]:PORT: SASL authentication failed: server \
         127.0.0.1[127.0.0.1] offered no compatible authentication mechanisms for this type of \
         connection security"
    );
    assert!(open.heard_of("AUTH").is_empty() && open.heard_of("MAIL").is_empty());

    let mut meant = login();
    meant.clear = true;
    assert!(said(&open, meant).await.starts_with("Relayed"));
    assert_eq!(open.heard_of("AUTH"), [line]);
}

#[tokio::test]
async fn a_login_that_is_refused_defers_and_nothing_is_sent_without_it() {
    let peer = Peer::secured(&[
        ("EHLO", "250-mx.test\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
        ("AUTH", "535 5.7.8 wrong"),
    ])
    .await;
    let report = relay(&peer, smarthost(&peer, login())).await;
    assert_eq!(
        shown(&report.fates[0], &[&peer]),
        "Deferred 4.7.8 127.0.0.1[127.0.0.1]:PORT: SASL authentication failed; server \
         127.0.0.1[127.0.0.1] said: 535 5.7.8 wrong"
    );
    assert!(crate::scene::is_dead(&report));
    assert!(peer.heard_of("MAIL").is_empty());
}

#[tokio::test]
async fn challenges_are_answered() {
    // RFC 2195 §2.
    let peer = Peer::start(&[
        ("EHLO", "250-mx.test\r\n250 AUTH CRAM-MD5 PLAIN"),
        (
            "AUTH CRAM-MD5",
            "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
        ),
        (
            "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw",
            "235 2.7.0 welcome",
        ),
    ])
    .await;
    assert!(said(&peer, login()).await.starts_with("Relayed"));
}

#[tokio::test]
async fn a_server_that_does_not_prove_itself_gets_nothing() {
    let peer = Peer::start(&[
        ("EHLO", "250-mx.test\r\n250 AUTH SCRAM-SHA-256"),
        ("AUTH", "235 2.7.0 welcome, whoever you are"),
    ])
    .await;
    assert_eq!(
        said(&peer, login()).await,
        "Deferred 4.7.0 127.0.0.1[127.0.0.1]:PORT: SASL authentication failed; cannot \
         authenticate to server 127.0.0.1[127.0.0.1]: the server did not prove its identity"
    );
    assert!(peer.heard_of("MAIL").is_empty());
}

#[tokio::test]
async fn what_is_asked_of_a_relay_host_holds_for_it_alone() {
    let host = Peer::start(OPEN).await;
    let other = Peer::start(OPEN).await;
    let report = relay(&other, smarthost(&host, login())).await;
    assert!(report.fates[0].is_final());
    assert!(other.heard_of("AUTH").is_empty());
}

#[derive(Debug)]
struct Away(&'static str);

#[mailcore::async_trait]
impl Demands for Away {
    async fn tls(&self, _: &NextHop) -> Result<Option<Policy>> {
        match self.0 {
            "tls" => Err(Error::new(Kind::Unavailable, "away")),
            _ => Ok(None),
        }
    }
    async fn login(&self, _: &NextHop, _: &Target, _: &ReversePath) -> Result<Option<Login>> {
        Err(Error::new(Kind::Unavailable, "away"))
    }
}

#[tokio::test]
async fn demands_that_cannot_be_looked_up_defer_and_nobody_is_called() {
    for (what, words) in [
        ("tls", "Deferred 4.3.5 none: TLS policy lookup error"),
        ("login", "Deferred 4.3.5 none: SASL password lookup error"),
    ] {
        let peer = Peer::start(&[]).await;
        let report = relay(&peer, Away(what)).await;
        assert_eq!(shown(&report.fates[0], &[&peer]), words);
        assert_eq!(peer.connections(), 0);
    }
}
