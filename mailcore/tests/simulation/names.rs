//! DNS: a fixed zone behind a resolver that fails for now, takes its time, or gives up, as the seed has it, and tells the
//! truth in the end.

use crate::chance::Chance;
use async_trait::async_trait;
use mailcore::dns::{Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa, Zone};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// So many look-ups of a name may go wrong in a life.
const TROUBLED: u64 = 8;

const ZONE: &str = "\
far.test.           MX    10 mx1.far.test.
far.test.           MX    20 mx2.far.test.
mx1.far.test.       A     192.0.2.1
mx2.far.test.       A     192.0.2.2
elsewhere.test.     A     192.0.2.3
null.test.          MX    0 .
";

/// The names, as our side asks for them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Names {
    zone: Arc<Zone>,
    chance: Chance,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Names {
    pub fn new(chance: &Chance) -> Self {
        Self {
            zone: Arc::new(ZONE.parse().unwrap()),
            chance: chance.split("names"),
            asked: Arc::default(),
        }
    }

    async fn trouble(&self, name: &str) -> Result<(), DnsError> {
        let mut chance = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(name.to_owned()).or_default();
            *count += 1;
            if *count > TROUBLED {
                return Ok(());
            }
            self.chance.split(&format!("{name} {count}"))
        };
        match chance.below(8) {
            0 => Err(DnsError::Failed("SERVFAIL".to_owned())),
            1 => {
                sleep(Duration::from_secs(30)).await;
                Err(DnsError::TimedOut)
            }
            2 => {
                sleep(chance.seconds(25)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Resolve for Names {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        self.trouble(domain).await?;
        self.zone.mx(domain).await
    }

    async fn addresses(&self, host: &str, family: Family) -> Result<Answer<Address>, DnsError> {
        self.trouble(&format!("{host} {family:?}")).await?;
        self.zone.addresses(host, family).await
    }

    async fn txt(&self, name: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        self.zone.txt(name).await
    }

    async fn ptr(&self, address: IpAddr) -> Result<Answer<String>, DnsError> {
        self.zone.ptr(address).await
    }

    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsError> {
        self.zone.tlsa(name).await
    }

    async fn ns(&self, domain: &str) -> Result<Answer<String>, DnsError> {
        self.zone.ns(domain).await
    }
}
