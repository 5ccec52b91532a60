//! DNS through the servers that the system names, by hickory.
//!
//! Opening it never waits and never fails: a missing `/etc/resolv.conf` or a dead server shows as temporary
//! failures of the look-ups, and a file that comes or changes later is taken up. It reads no `/etc/hosts`, as the
//! original does not.

use super::{Absent, Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa};
use super::{can_be_asked, reverse_name};
use crate::net::now;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as Refusal, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{TokioResolver, system_conf};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the system's file is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// The longest that records and absences are remembered.
const LONGEST: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(3600));

/// How DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long one server is waited for; 5 s. A `timeout` in the system's file does not change it.
    pub timeout: Duration,
    /// How often a server is asked again; 2.
    pub attempts: usize,
    /// How long a look-up may take in all; 20 s.
    pub patience: Duration,
    /// How many answers are remembered; 8192.
    pub cache: u64,
    /// Whether signatures are checked here, from the root's keys (RFC 4035); no. It costs more queries, and
    /// without it no answer is [authenticated](Answer::is_authenticated).
    pub validate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            attempts: 2,
            patience: Duration::from_secs(20),
            cache: 8192,
            validate: false,
        }
    }
}

/// DNS. Answers are remembered for as long as they say, up to a day; absences up to an hour.
#[derive(Debug)]
pub struct SystemResolver {
    options: Options,
    /// The file that names the servers; none where they are fixed.
    file: Option<PathBuf>,
    client: ArcSwap<Client>,
    looked: Mutex<Instant>,
}

/// A client of certain servers, with its cache.
struct Client {
    resolver: Result<TokioResolver, DnsError>,
    stamp: Stamp,
}

type Stamp = Option<(SystemTime, u64)>;

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl SystemResolver {
    /// Asks the servers that `/etc/resolv.conf` names; without it, those of this host (resolv.conf(5)).
    pub fn open(options: Options) -> Self {
        Self::open_at(Path::new("/etc/resolv.conf"), options)
    }

    /// Asks the servers that a file in the form of `/etc/resolv.conf` names.
    pub fn open_at(file: &Path, options: Options) -> Self {
        let client = Client::open(file, &options);
        Self {
            options,
            file: Some(file.to_owned()),
            client: ArcSwap::from_pointee(client),
            looked: Mutex::new(now()),
        }
    }

    /// Asks these servers.
    pub fn with_servers(servers: &[SocketAddr], options: Options) -> Self {
        let servers = servers.iter().map(|at| server(*at)).collect();
        let client = Client::new(servers, &options, None);
        Self {
            options,
            file: None,
            client: ArcSwap::from_pointee(client),
            looked: Mutex::new(now()),
        }
    }

    /// The client, after a look at the file if the last one is some time ago.
    fn client(&self) -> Arc<Client> {
        if let Some(file) = &self.file {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if now().saturating_duration_since(*looked) >= LOOK {
                *looked = now();
                if stamp(file) != self.client.load().stamp {
                    self.client
                        .store(Arc::new(Client::open(file, &self.options)));
                }
            }
        }
        self.client.load_full()
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Answer<T>, DnsError> {
        if !can_be_asked(name) {
            return Err(DnsError::BadName);
        }
        let mut asked = Name::from_ascii(name).map_err(|_| DnsError::BadName)?;
        asked.set_fqdn(true);
        let client = self.client();
        let resolver = client.resolver.as_ref().map_err(Clone::clone)?;
        match tokio::time::timeout(self.options.patience, resolver.lookup(asked, kind)).await {
            Ok(Ok(found)) => {
                let left = found
                    .valid_until()
                    .saturating_duration_since(Instant::now());
                let records = found.answers();
                let values = records.iter().filter_map(|record| read(&record.data));
                Ok(Answer::of(values.collect())
                    .vouched(self.options.validate && vouched(records))
                    .with_ttl(left))
            }
            Ok(Err(error)) => absence(error),
            Err(_) => Err(DnsError::TimedOut),
        }
    }
}

impl Client {
    fn open(file: &Path, options: &Options) -> Self {
        let stamp = stamp(file);
        let parsed = std::fs::read(file)
            .map_err(NetError::from)
            .and_then(system_conf::parse_resolv_conf);
        let servers = parsed.map_or_else(
            |error| {
                let file = file.display();
                tracing::warn!(%error, "{file} names no server; this host is asked");
                let here = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                here.into_iter()
                    .map(NameServerConfig::udp_and_tcp)
                    .collect()
            },
            |(config, _)| config.into_parts().2,
        );
        Self::new(servers, options, stamp)
    }

    fn new(servers: Vec<NameServerConfig>, options: &Options, stamp: Stamp) -> Self {
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let opts: &mut ResolverOpts = builder.options_mut();
        opts.timeout = options.timeout;
        opts.attempts = options.attempts;
        opts.cache_size = options.cache;
        opts.validate = options.validate;
        opts.use_hosts_file = ResolveHosts::Never;
        opts.positive_max_ttl = Some(LONGEST.0);
        opts.negative_max_ttl = Some(LONGEST.1);
        // Aliases belong to what DNSSEC vouches for.
        opts.preserve_intermediates = true;
        let resolver = builder.build().map_err(failed);
        Self { resolver, stamp }
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn server(at: SocketAddr) -> NameServerConfig {
    let both = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let both = both.into_iter().map(|mut connection| {
        connection.port = at.port();
        connection
    });
    NameServerConfig::new(at.ip(), true, both.collect())
}

fn vouched(records: &[Record]) -> bool {
    let counted = |record: &&Record| record.record_type() != RecordType::RRSIG;
    records
        .iter()
        .filter(counted)
        .all(|record| record.proof == Proof::Secure)
}

/// An error of hickory's is an absence only where a server said so.
fn absence<T>(error: NetError) -> Result<Answer<T>, DnsError> {
    let (code, ttl, authenticated) = match &error {
        NetError::Dns(Refusal::NoRecordsFound(none)) => {
            (none.response_code, none.negative_ttl, false)
        }
        NetError::Dns(Refusal::Nsec {
            response, proof, ..
        }) => match proof {
            Proof::Bogus => return Err(DnsError::Bogus),
            proof => (
                response.response_code,
                response.negative_ttl(),
                *proof == Proof::Secure,
            ),
        },
        _ => return Err(failed(error)),
    };
    let why = match code {
        ResponseCode::NXDomain => Absent::NoName,
        ResponseCode::NoError => Absent::NoRecords,
        _ => return Err(failed(error)),
    };
    let ttl = Duration::from_secs(ttl.unwrap_or_default().into());
    Ok(Answer::absent(why).vouched(authenticated).with_ttl(ttl))
}

fn failed(error: NetError) -> DnsError {
    match error {
        NetError::Timeout => DnsError::TimedOut,
        NetError::Dns(Refusal::DnssecBogus) => DnsError::Bogus,
        error => DnsError::Failed(error.to_string()),
    }
}

/// A name as text, without the root's dot.
fn text(name: &Name) -> String {
    let mut text = name.to_ascii();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        let read = |data: &RData| match data {
            RData::MX(mx) => Some(Exchange {
                preference: mx.preference,
                host: text(&mx.exchange),
            }),
            _ => None,
        };
        self.ask(domain, RecordType::MX, read).await
    }

    async fn addresses(&self, host: &str, family: Family) -> Result<Answer<Address>, DnsError> {
        let kind = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        let read = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::from(a.0).into()),
            RData::AAAA(aaaa) => Some(IpAddr::from(aaaa.0).into()),
            _ => None,
        };
        self.ask(host, kind, read).await
    }

    async fn txt(&self, name: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        let read = |data: &RData| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        };
        self.ask(name, RecordType::TXT, read).await
    }

    async fn ptr(&self, address: IpAddr) -> Result<Answer<String>, DnsError> {
        let read = |data: &RData| match data {
            RData::PTR(ptr) => Some(text(&ptr.0)),
            _ => None,
        };
        self.ask(&reverse_name(address), RecordType::PTR, read)
            .await
    }

    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsError> {
        let read = |data: &RData| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        };
        self.ask(name, RecordType::TLSA, read).await
    }

    async fn ns(&self, domain: &str) -> Result<Answer<String>, DnsError> {
        let read = |data: &RData| match data {
            RData::NS(ns) => Some(text(&ns.0)),
            _ => None,
        };
        self.ask(domain, RecordType::NS, read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_comes_or_changes_later_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resolv.conf");
        let resolver = SystemResolver::open_at(&file, Options::default());
        let before = resolver.client();
        tokio::time::advance(LOOK).await;
        assert!(Arc::ptr_eq(&before, &resolver.client()));
        std::fs::write(&file, "nameserver 192.0.2.1\n").unwrap();
        assert!(
            Arc::ptr_eq(&before, &resolver.client()),
            "it is looked at now and then only"
        );
        tokio::time::advance(LOOK).await;
        assert!(!Arc::ptr_eq(&before, &resolver.client()));
    }
}
