//! Which next hops share their servers: the name of each one's set of mail exchangers, looked up ahead and remembered for
//! as long as DNS says. Decides nothing about delivery, and makes nobody wait for long: whose servers are not known in
//! time stands for himself.

use super::{Host, NextHop};
use crate::dns::{DnsError, Resolve};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// How sets are looked up; bounds on time and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangerOptions {
    /// The transports whose next hops are grouped: `smtp` and `relay`.
    pub transports: HashSet<Arc<str>>,
    /// How long a message may wait for its look-ups, counted from when each began; 2 s.
    pub patience: Duration,
    /// Look-ups at once; 100. A next hop that finds no place among them stands for itself until it does.
    pub at_once: usize,
    /// Next hops that are remembered; 10,000, then the one that came first is forgotten.
    pub remembered: usize,
    /// The shortest and the longest that a set is remembered, whatever DNS says; 60 s and one hour. What could not be
    /// looked up is asked for again after the shortest.
    pub ttl: (Duration, Duration),
}

impl Default for ExchangerOptions {
    fn default() -> Self {
        Self {
            transports: ["smtp".into(), "relay".into()].into(),
            patience: Duration::from_secs(2),
            at_once: 100,
            remembered: 10_000,
            ttl: (Duration::from_secs(60), Duration::from_secs(3600)),
        }
    }
}

/// The longest name of a set that is told in full.
const LONGEST: usize = 255;

/// Sets of mail exchangers. Clones share what is known.
#[derive(Debug, Clone)]
pub struct Exchangers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    resolver: Arc<dyn Resolve>,
    options: ExchangerOptions,
    places: Arc<Semaphore>,
    /// For names that are too long: nobody outside can make two of them meet.
    hasher: RandomState,
    book: Mutex<Book>,
}

/// What is known, and in which order it came.
#[derive(Debug, Default)]
struct Book {
    entries: HashMap<Arc<str>, Entry>,
    order: VecDeque<Arc<str>>,
}

#[derive(Debug)]
struct Entry {
    /// The set's name, once there was an answer; none where there is no such set.
    set: Option<Option<Arc<str>>>,
    /// Asked for again from then on.
    until: Instant,
    /// The look-up that runs, and when it began.
    asked: Option<(watch::Receiver<()>, Instant)>,
}

/// What is known of a next hop's servers.
#[derive(Debug)]
pub(crate) enum Known {
    /// The name of their set; none where it stands for itself.
    Set(Option<Arc<str>>),
    /// They are being looked up: worth waiting for until then, or until the sender is gone.
    Soon(watch::Receiver<()>, Instant),
}

impl Exchangers {
    /// None known yet; they will be asked for here.
    pub fn new(resolver: Arc<dyn Resolve>, options: ExchangerOptions) -> Self {
        Self(Arc::new(Shared {
            resolver,
            places: Arc::new(Semaphore::new(options.at_once)),
            options,
            hasher: RandomState::new(),
            book: Mutex::default(),
        }))
    }

    /// What is known of a next hop by a transport, without waiting. Has it looked up where that is due; what was known
    /// holds until there is an answer.
    pub(crate) fn of(&self, transport: &str, nexthop: &Arc<str>) -> Known {
        if !self.0.options.transports.contains(transport) {
            return Known::Set(None);
        }
        let now = Instant::now();
        let mut book = self.0.book();
        let entry = book.entry(nexthop, now, self.0.options.remembered);
        let runs = |(end, _): &(watch::Receiver<()>, Instant)| end.has_changed().is_ok();
        if entry.until <= now && !entry.asked.as_ref().is_some_and(runs) {
            entry.asked = self.ask(nexthop).map(|end| (end, now));
        }
        match (&entry.set, &entry.asked) {
            (Some(set), _) => Known::Set(set.clone()),
            (None, Some((end, began))) if *began + self.0.options.patience > now => {
                Known::Soon(end.clone(), *began + self.0.options.patience)
            }
            (None, _) => Known::Set(None),
        }
    }

    /// Begins a look-up, if there is a place for it. Its end is seen by the sender's being gone.
    fn ask(&self, nexthop: &Arc<str>) -> Option<watch::Receiver<()>> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().ok()?;
        let (end, ended) = watch::channel(());
        let (shared, nexthop) = (Arc::clone(&self.0), Arc::clone(nexthop));
        tokio::spawn(async move {
            let _held = (place, end);
            let found = shared.look_up(&nexthop).await;
            shared.note(&nexthop, found);
        });
        Some(ended)
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of a next hop's set, and for how long it holds.
    async fn look_up(&self, nexthop: &str) -> Result<(Option<Arc<str>>, Duration), DnsError> {
        let itself = |host: &Host| (vec![host.to_string()], Duration::MAX);
        let Ok(hop) = NextHop::parse(nexthop) else {
            return Ok((None, Duration::MAX));
        };
        let ((mut hosts, ttl), port) = match &hop {
            NextHop::Unix(_) => return Ok((None, Duration::MAX)),
            NextHop::Host(host, port) => (itself(host), *port),
            NextHop::Domain(domain, port) => {
                let answer = self.resolver.mx(domain.as_ascii()).await?;
                let ttl = answer.ttl();
                let hosts = match answer.into_found() {
                    Ok(found) => found.into_iter().map(|it| it.host).collect(),
                    // RFC 5321 §5.1: without any, the domain is its own.
                    Err(_) => vec![domain.as_ascii().to_owned()],
                };
                ((hosts, ttl), *port)
            }
        };
        for host in &mut hosts {
            host.make_ascii_lowercase();
            host.truncate(host.trim_end_matches('.').len());
        }
        // RFC 7505: an empty one says that there is no server.
        hosts.retain(|host| !host.is_empty());
        hosts.sort_unstable();
        hosts.dedup();
        Ok((self.name(&hosts, port), ttl))
    }

    /// Hosts in order, and the port where the next hop names one.
    fn name(&self, hosts: &[String], port: Option<u16>) -> Option<Arc<str>> {
        let first = hosts.first()?;
        let mut name = hosts.join(" ");
        if name.len() > LONGEST {
            let rest = self.hasher.hash_one(hosts);
            name = format!("{first} and {} more ({rest:016x})", hosts.len() - 1);
        }
        if let Some(port) = port {
            name = format!("{name}:{port}");
        }
        Some(name.into())
    }

    fn note(&self, nexthop: &str, found: Result<(Option<Arc<str>>, Duration), DnsError>) {
        let (shortest, longest) = self.options.ttl;
        let mut book = self.book();
        let Some(entry) = book.entries.get_mut(nexthop) else {
            return;
        };
        entry.asked = None;
        let ttl = match found {
            Ok((set, ttl)) => {
                entry.set = Some(set);
                ttl.min(longest).max(shortest)
            }
            // What was known holds on.
            Err(_) => {
                entry.set.get_or_insert(None);
                shortest
            }
        };
        entry.until = Instant::now() + ttl;
    }
}

impl Book {
    fn entry(&mut self, nexthop: &Arc<str>, now: Instant, most: usize) -> &mut Entry {
        if !self.entries.contains_key(nexthop) {
            while self.entries.len() >= most.max(1)
                && let Some(first) = self.order.pop_front()
            {
                self.entries.remove(&first);
            }
            self.order.push_back(Arc::clone(nexthop));
        }
        self.entries.entry(Arc::clone(nexthop)).or_insert(Entry {
            set: None,
            until: now,
            asked: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Address, Answer, Exchange, Family, Tlsa};
    use async_trait::async_trait;
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers late, and counts.
    #[derive(Debug)]
    struct Slow {
        takes: Duration,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Resolve for Slow {
        async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            let hosts: Vec<String> = match domain {
                "none.test" => return Ok(Answer::absent(crate::dns::Absent::NoRecords)),
                "null.test" => vec![String::new()],
                "many.test" => (0..40).map(|n| format!("mx{n}.example.test")).collect(),
                "b.test" => vec!["mx2.test.".into(), "MX1.test".into()],
                _ => vec!["mx1.test".into(), "mx2.test".into()],
            };
            let exchange = |host| Exchange {
                preference: 10,
                host,
            };
            let answer = Answer::of(hosts.into_iter().map(exchange).collect());
            Ok(answer.with_ttl(Duration::from_secs(300)))
        }
        async fn addresses(&self, _: &str, _: Family) -> Result<Answer<Address>, DnsError> {
            Err(DnsError::BadName)
        }
        async fn txt(&self, _: &str) -> Result<Answer<Vec<u8>>, DnsError> {
            Err(DnsError::BadName)
        }
        async fn ptr(&self, _: IpAddr) -> Result<Answer<String>, DnsError> {
            Err(DnsError::BadName)
        }
        async fn tlsa(&self, _: &str) -> Result<Answer<Tlsa>, DnsError> {
            Err(DnsError::BadName)
        }
        async fn ns(&self, _: &str) -> Result<Answer<String>, DnsError> {
            Err(DnsError::BadName)
        }
    }

    fn with(takes: u64, options: ExchangerOptions) -> (Arc<Slow>, Exchangers) {
        let slow = Arc::new(Slow {
            takes: Duration::from_secs(takes),
            asked: AtomicUsize::new(0),
        });
        let resolver = Arc::clone(&slow) as Arc<dyn Resolve>;
        (slow, Exchangers::new(resolver, options))
    }

    async fn wait(secs: u64) {
        tokio::time::sleep(Duration::from_secs(secs)).await;
    }

    fn known(exchangers: &Exchangers, nexthop: &str) -> Option<String> {
        match exchangers.of("smtp", &nexthop.into()) {
            Known::Set(set) => set.map(|it| it.to_string()),
            Known::Soon(..) => Some("soon".into()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_is_named_by_its_hosts_in_whatever_order_and_spelling() {
        let (_, all) = with(0, ExchangerOptions::default());
        let hops = [
            ("a.test", Some("mx1.test mx2.test")),
            ("b.test", Some("mx1.test mx2.test")),
            ("b.test:587", Some("mx1.test mx2.test:587")),
            ("none.test", Some("none.test")),
            ("null.test", None),
            ("[none.test]", Some("[none.test]")),
            ("unix:/x", None),
            ("what?", None),
        ];
        for (hop, _) in hops {
            known(&all, hop);
        }
        known(&all, "many.test");
        wait(1).await;
        for (hop, set) in hops {
            let set = set.map(|it| it.trim_matches(['[', ']']).to_owned());
            assert_eq!(known(&all, hop), set, "{hop}");
        }
        let many = known(&all, "many.test").unwrap();
        assert!(many.starts_with("mx0.example.test and 39 more ("), "{many}");
        assert!(matches!(all.of("lmtp", &"a.test".into()), Known::Set(None)));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_patience_and_the_answer_counts_when_it_comes() {
        let (slow, all) = with(10, ExchangerOptions::default());
        assert_eq!(known(&all, "a.test").as_deref(), Some("soon"));
        wait(1).await;
        assert_eq!(known(&all, "a.test").as_deref(), Some("soon"));
        wait(2).await;
        assert_eq!(known(&all, "a.test"), None);
        wait(8).await;
        assert_eq!(known(&all, "a.test").as_deref(), Some("mx1.test mx2.test"));
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
        // Past its time it holds until there is a new answer.
        wait(400).await;
        assert_eq!(known(&all, "a.test").as_deref(), Some("mx1.test mx2.test"));
        wait(1).await;
        assert_eq!(slow.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn look_ups_and_what_is_remembered_are_bounded() {
        let (slow, all) = with(
            10,
            ExchangerOptions {
                at_once: 3,
                remembered: 50,
                ..ExchangerOptions::default()
            },
        );
        for n in 0..1_000 {
            let soon = known(&all, &format!("d{n}.test")).is_some();
            assert_eq!(soon, n < 3, "{n}");
        }
        wait(1).await;
        assert_eq!(slow.asked.load(Ordering::SeqCst), 3);
        let book = all.0.book();
        assert_eq!((book.entries.len(), book.order.len()), (50, 50));
    }
}
