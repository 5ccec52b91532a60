//! A transport, its zone, and the jobs that it is given.

use crate::peer::Peer;
use async_trait::async_trait;
use bytes::Bytes;
use mailcore::deliver::smtp::{Options, SmtpTransport};
use mailcore::deliver::{Fate, Feedback, Job, Report, Transport};
use mailcore::dns::Zone;
use mailcore::net::tls::client::{Client, Roots};
use mailcore::store::Result;
use mailcore::store::body::Body;
use mailcore::store::queue::Identity;
use mailcore_base::address::Address;
use mailcore_base::envelope::{Envelope, Recipient};
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[derive(Debug)]
pub struct Octets(pub Vec<u8>);

#[async_trait]
impl Body for Octets {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        // As a store does that has to look.
        tokio::task::yield_now().await;
        let end = range.end.min(range.start + 10_000) as usize;
        Ok(Bytes::copy_from_slice(&self.0[range.start as usize..end]))
    }
}

pub fn options() -> Options {
    let mut options = Options::smtp("client.test".parse().unwrap());
    options.cache.rest = Duration::ZERO;
    options
}

/// `example.test`, whose mail exchangers are these, in this order.
pub fn zone(peers: &[&Peer]) -> Zone {
    let mut text = "$ORIGIN test.\n".to_owned();
    for (n, peer) in peers.iter().enumerate() {
        writeln!(text, "example MX {n} mx{n}").unwrap();
        writeln!(text, "mx{n} A 127.0.0.1\n PORT {}", peer.at.port()).unwrap();
    }
    text.parse().unwrap()
}

pub fn transport(options: Options, zone: Zone) -> SmtpTransport {
    let tls = Client::open(&Roots::Nobody).unwrap();
    SmtpTransport::new(options, Arc::new(zone), Arc::new(tls))
}

pub const MESSAGE: &str = "Subject: hi\r\n\r\n.dot\r\nlast\r\n";

pub fn job(to: &[&str], nexthop: &str) -> Job {
    let mut envelope = Envelope::new("a@client.test".parse::<Address>().unwrap());
    let recipient = |to: &&str| Recipient::new(to.parse::<Address>().unwrap());
    envelope.recipients = to.iter().map(recipient).collect();
    Job {
        identity: Identity(1),
        id: "4bXyz1".to_owned(),
        envelope: Arc::new(envelope),
        positions: (0..to.len() as u32).collect(),
        nexthop: nexthop.into(),
        content: Arc::new(Octets(MESSAGE.into())),
        arrived: SystemTime::now(),
    }
}

/// One message for `b@example.test` by way of these servers.
pub async fn deliver(options: Options, peers: &[&Peer]) -> Report {
    let transport = transport(options, zone(peers));
    transport
        .deliver(&job(&["b@example.test"], "example.test"))
        .await
}

/// A fate as the log tells it. Ports, which are different each time, become `PORT`.
pub fn shown(fate: &Fate, peers: &[&Peer]) -> String {
    let mut text = format!(
        "{:?} {} {}: {}",
        fate.action, fate.status, fate.relay, fate.text
    );
    for peer in peers {
        text = text.replace(&format!(":{}", peer.at.port()), ":PORT");
    }
    text
}

pub fn is_dead(report: &Report) -> bool {
    matches!(report.feedback, Feedback::Dead(_))
}
