//! How much TLS, and what comes of it where there is none.

use crate::peer::{CERTIFICATE, CLOSE, IMPLICIT, Peer, Script};
use crate::scene::{job, options, shown, zone};
use mailcore::deliver::smtp::{Options, SmtpTransport};
use mailcore::deliver::{Report, Transport};
use mailcore::net::tls::client::{Accepted, Client, Level, Pattern, Policy, Roots};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const OFFERED: Script = &[("EHLO", "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS")];

async fn deliver_by(options: Options, peer: &Peer, roots: Roots, age: Duration) -> Report {
    let tls = Arc::new(Client::open(&roots).unwrap());
    let transport = SmtpTransport::new(options, Arc::new(zone(&[peer])), tls);
    let mut job = job(&["b@example.test"], "example.test");
    job.arrived = SystemTime::now() - age;
    transport.deliver(&job).await
}

async fn at(level: Level, peer: &Peer) -> String {
    let mut options = options();
    options.tls = Policy::new(level);
    let report = deliver_by(options, peer, Roots::Nobody, Duration::ZERO).await;
    shown(&report.fates[0], &[peer])
}

const SENT: &str =
    "Relayed { reports: false } 2.0.0 mx0.test[127.0.0.1]:PORT: 250 2.0.0 Ok: queued as X";

#[tokio::test]
async fn tls_is_used_where_it_may_be() {
    for (level, hellos) in [(Level::None, 1), (Level::May, 2), (Level::Encrypt, 2)] {
        let peer = Peer::secured(OFFERED).await;
        assert_eq!(at(level, &peer).await, SENT);
        assert_eq!(peer.heard_of("EHLO").len(), hellos, "{level:?}");
        assert_eq!(peer.heard_of("STARTTLS").len(), hellos - 1, "{level:?}");
    }
}

#[tokio::test]
async fn what_is_required_and_not_offered_defers() {
    for level in [Level::Encrypt, Level::Verify, Level::Secure] {
        let peer = Peer::start(&[]).await;
        assert_eq!(
            at(level, &peer).await,
            "Deferred 4.7.4 mx0.test[127.0.0.1]:PORT: \
             TLS is required, but was not offered by host mx0.test[127.0.0.1]"
        );
        assert!(peer.heard_of("MAIL").is_empty());
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_defers_where_it_matters() {
    for level in [Level::Verify, Level::Secure] {
        let peer = Peer::secured(OFFERED).await;
        assert_eq!(
            at(level, &peer).await,
            "Deferred 4.7.5 mx0.test[127.0.0.1]:PORT: Server certificate not trusted"
        );
        assert!(peer.heard_of("MAIL").is_empty());
    }
    let peer = Peer::secured(OFFERED).await;
    let mut options = options();
    options.tls = Policy::new(Level::Secure);
    options.tls.accepted = vec![Accepted::Is(Pattern::parse("mx.test"))];
    let roots = Roots::These(vec![CERTIFICATE.chain()[0].clone()]);
    let report = deliver_by(options, &peer, roots, Duration::ZERO).await;
    assert_eq!(shown(&report.fates[0], &[&peer]), SENT);
}

/// A server that offers TLS and knows nothing of it.
const PRETENDS: Script = &[
    ("EHLO", "250-mx.test\r\n250 STARTTLS"),
    ("STARTTLS", "220 go on\nPART"),
];

#[tokio::test]
async fn a_handshake_that_fails_waits_first_and_then_does_without_if_it_may() {
    let failed = "Deferred 4.7.5 mx0.test[127.0.0.1]:PORT: Cannot start TLS: handshake failure";
    for (level, age, comes) in [
        (Level::May, 0, failed),
        (Level::May, 301, SENT),
        (Level::Encrypt, 301, failed),
    ] {
        let peer = Peer::start(PRETENDS).await;
        let mut options = options();
        options.tls = Policy::new(level);
        let report = deliver_by(options, &peer, Roots::Nobody, Duration::from_secs(age)).await;
        assert_eq!(shown(&report.fates[0], &[&peer]), comes, "{level:?} {age}");
        assert_eq!(
            matches!(report.feedback, mailcore::deliver::Feedback::Dead(_)),
            comes == failed
        );
    }
}

#[tokio::test]
async fn starttls_that_is_refused_is_done_without_only_if_it_may_be() {
    const REFUSES: Script = &[
        ("EHLO", "250-mx.test\r\n250 STARTTLS"),
        ("STARTTLS", "454 4.7.0 no"),
    ];
    assert_eq!(at(Level::May, &Peer::start(REFUSES).await).await, SENT);
    assert_eq!(
        at(Level::Encrypt, &Peer::start(REFUSES).await).await,
        "Deferred 4.7.0 mx0.test[127.0.0.1]:PORT: TLS is required, but host \
         mx0.test[127.0.0.1] refused to start TLS: 454 4.7.0 no"
    );
    const LEAVES: Script = &[("EHLO", "250-mx.test\r\n250 STARTTLS"), ("STARTTLS", CLOSE)];
    assert_eq!(
        at(Level::May, &Peer::start(LEAVES).await).await,
        "Deferred 4.4.2 mx0.test[127.0.0.1]:PORT: lost connection with mx0.test[127.0.0.1] \
         while receiving the STARTTLS response"
    );
}

#[tokio::test]
async fn tls_from_the_first_octet_on_needs_no_command() {
    let peer = Peer::secured(&[(IMPLICIT, ""), ("EHLO", "250 mx.test")]).await;
    let mut options = options();
    options.tls = Policy::new(Level::Encrypt);
    options.implicit_tls = true;
    let report = deliver_by(options.clone(), &peer, Roots::Nobody, Duration::ZERO).await;
    assert_eq!(shown(&report.fates[0], &[&peer]), SENT);
    assert!(peer.heard_of("STARTTLS").is_empty());
    let open = Peer::start(&[]).await;
    let report = deliver_by(options, &open, Roots::Nobody, Duration::from_secs(301)).await;
    assert_eq!(
        shown(&report.fates[0], &[&open]),
        "Deferred 4.7.5 mx0.test[127.0.0.1]:PORT: Cannot start TLS: handshake failure"
    );
}
