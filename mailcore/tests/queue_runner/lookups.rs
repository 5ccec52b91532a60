//! Destinations that are grouped by their mail exchangers, while a resolver takes its time.

use crate::office::{Office, secs};
use async_trait::async_trait;
use mailcore::deliver::hosts::{ExchangerOptions, Exchangers};
use mailcore::dns::{Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa};
use mailcore::queue::scheduler::Options;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A resolver that knows of one domain at once, and of all others after ten seconds.
#[derive(Debug)]
struct Slow;

#[async_trait]
impl Resolve for Slow {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        if domain != "fast.test" {
            secs(10).await;
        }
        let exchange = Exchange {
            preference: 10,
            host: "mx.test".into(),
        };
        Ok(Answer::of(vec![exchange]))
    }
    async fn addresses(&self, _: &str, _: Family) -> Result<Answer<Address>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn txt(&self, _: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn ptr(&self, _: std::net::IpAddr) -> Result<Answer<String>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn tlsa(&self, _: &str) -> Result<Answer<Tlsa>, DnsError> {
        Err(DnsError::BadName)
    }
    async fn ns(&self, _: &str) -> Result<Answer<String>, DnsError> {
        Err(DnsError::BadName)
    }
}

/// A queue that is run with destinations grouped by their mail exchangers, as far as [`Slow`] tells of them.
async fn grouped() -> Office {
    let mut office = Office::open(Options::default(), vec![]);
    office.close().await;
    let exchangers = Exchangers::new(Arc::new(Slow), ExchangerOptions::default());
    office.run_with(Options::default(), Some(exchangers));
    office
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_up_delays_its_own_message_alone_and_not_for_long() {
    let office = grouped().await;
    for n in 0..50 {
        let to = format!("x@slow{n}.test");
        office.put("a@x.test", &[&to]).await;
    }
    office.put("a@x.test", &["x@fast.test"]).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(office.jobs(), [["x@fast.test"]]);
    sleep(Duration::from_millis(1_400)).await;
    assert_eq!(office.jobs().len(), 1);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(office.jobs().len(), 51);
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_deleted_or_held_while_its_servers_are_looked_up_is_not_sent() {
    let office = grouped().await;
    let desk = mailcore::admin::QueueDesk::new(Arc::clone(&office.queue), office.orders.clone());
    let all = mailcore::admin::Selection::All;
    office.put("a@x.test", &["x@slow.test"]).await;
    secs(1).await;
    assert_eq!(desk.hold(&all).await.unwrap(), 1);
    secs(1_000).await;
    assert!(office.jobs().is_empty());
    assert_eq!(desk.release(&all).await.unwrap(), 1);
    secs(5).await;
    assert_eq!(office.jobs(), [["x@slow.test"]]);
    assert!(office.all().await.is_empty());
}
