//! Mail on to other servers, by SMTP or LMTP (Postfix: smtp, lmtp): a job's next hop is looked up, its servers are
//! tried one after another, and each recipient is told what the server said. It keeps connections where messages follow.
//! It never decides when to try again, and it writes nothing to disk.
//!
//! ```text
//!  Job ─► hosts: next hop ─► targets ─► cache, or connect ─► net::smtp_client ─► words: fates ─► Report
//! ```
//!
//! A recipient whom one server defers is offered to the next one; who was taken or refused for good is done.

mod attempt;
mod cache;
mod demands;
mod options;
mod seven_bit;
mod traffic;
mod words;

pub use crate::net::smtp_client::Login;
pub use demands::{Demands, NoDemands, Smarthost};
pub use options::{CacheOptions, Options};

use super::hosts::{Host, Hosts, NextHop, Unreachable};
use super::{Fate, Job, Report, Transport};
use crate::dns::Resolve;
use crate::log;
use crate::net::connect::Target;
use crate::net::smtp_client::{Connection, Failure, Sent, Terms};
use crate::net::tls::client::{Client, Level, Policy};
use async_trait::async_trait;
use attempt::Attempt;
use cache::{Cache, Key};
use mailcore_base::envelope::Body::SevenBit as SevenBits;
use mailcore_smtp::client::{Outcome, Trouble};
use mailcore_store::body::Body;
use seven_bit::Converted;
use std::sync::Arc;
use std::time::SystemTime;
use traffic::Traffic;

/// The transport to other servers.
#[derive(Debug)]
pub struct SmtpTransport {
    options: Options,
    hosts: Hosts,
    tls: Arc<Client>,
    demands: Arc<dyn Demands>,
    cache: Cache,
    traffic: Traffic,
}

/// Where a job goes, and on what terms.
struct Way {
    hop: NextHop,
    /// The next hop by name, without brackets or port.
    name: String,
    policy: Policy,
}

/// How it went with one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// No connection stood; the log has been told.
    Absent,
    /// It came to nothing before a message could be sent.
    Failed,
    /// It did.
    Talked,
}

impl SmtpTransport {
    /// Finds servers by `resolver`, and asks nothing in particular of any.
    pub fn new(options: Options, resolver: Arc<dyn Resolve>, tls: Arc<Client>) -> Self {
        Self {
            hosts: Hosts::new(resolver, options.hosts.clone()),
            cache: Cache::new(options.cache),
            traffic: Traffic::default(),
            options,
            tls,
            demands: Arc::new(NoDemands),
        }
    }

    /// The same with what is asked of single destinations.
    #[must_use]
    pub fn with_demands(self, demands: Arc<dyn Demands>) -> Self {
        Self { demands, ..self }
    }

    /// Says goodbye on all connections that rest; none is kept from now on. Dropped without it, they are closed
    /// without a word.
    pub async fn close(&self) {
        self.cache.close().await;
    }

    async fn go(&self, attempt: &mut Attempt<'_>) {
        let way = match self.way(&attempt.job().nexthop).await {
            Ok(way) => way,
            Err(fate) => return attempt.cannot(fate),
        };
        let targets = match self.hosts.find(&way.hop, seed(attempt.job())).await {
            Ok(targets) => targets,
            Err(unreachable) => {
                let fate = match self.options.relay_host.as_ref() == Some(&way.hop) {
                    true => self.astray(&way.hop, &unreachable),
                    false => unreachable.fate(),
                };
                return attempt.cannot(fate);
            }
        };
        let passage = self.traffic.begin(&attempt.job().nexthop, crate::net::now);
        let keeps = passage.keeps || !self.options.cache.on_demand;
        let mut round = targets.round();
        while let Some(target) = round.next() {
            let met = self.visit(attempt, &way, target, keeps).await;
            if met == Met::Talked {
                round.greeted();
            }
            if attempt.is_over() {
                return;
            }
            if met != Met::Absent && round.clone().next().is_some() {
                attempt.go_on(&self.options.program);
            }
        }
    }

    /// What becomes of mail for a relay host that is not to be found: that is no fault of the mail's.
    fn astray(&self, hop: &NextHop, unreachable: &Unreachable) -> super::Fate {
        if unreachable.is_permanent() {
            let problem = format_args!("relayhost configuration problem: {hop}");
            log::postfix::warning(&self.options.program, problem);
        }
        words::misconfigured(unreachable.fate().text)
    }

    async fn way(&self, nexthop: &str) -> Result<Way, Fate> {
        let hop = NextHop::parse(nexthop).map_err(|it| words::misconfigured(it.to_string()))?;
        let policy = self.demands.tls(&hop).await.map_err(|error| {
            tracing::error!("TLS policy for {hop}: {error}");
            words::misconfigured("TLS policy lookup error")
        })?;
        let name = match &hop {
            NextHop::Domain(name, _) | NextHop::Host(Host::Name(name), _) => {
                name.as_ascii().to_owned()
            }
            NextHop::Host(Host::Ip(ip), _) => ip.to_string(),
            NextHop::Unix(_) => self.options.hosts.hostname.clone(),
        };
        let policy = policy.unwrap_or_else(|| self.options.tls.clone());
        Ok(Way { hop, name, policy })
    }

    /// Tries one server.
    async fn visit(
        &self,
        attempt: &mut Attempt<'_>,
        way: &Way,
        target: &Target,
        keeps: bool,
    ) -> Met {
        let terms = match self.terms(attempt.job(), way, target).await {
            Ok(terms) => terms,
            Err(fate) => {
                attempt.cannot(fate);
                return Met::Failed;
            }
        };
        let key = Key::new(target, way, &terms);
        if let Some(mut connection) = self.cache.take(&key).await {
            attempt.stands();
            if self.send(attempt, way, target, &mut connection).await {
                self.cache.keep(key, connection, keeps);
                return Met::Talked;
            }
            // It died while it rested: nobody is to blame.
        }
        match self.open(attempt, way, target, &terms).await {
            Ok(mut connection) => {
                attempt.stands();
                self.send(attempt, way, target, &mut connection).await;
                self.cache.keep(key, connection, keeps);
                Met::Talked
            }
            Err(Failure::Connect(error)) => {
                log::postfix::info(&self.options.program, format_args!("{error}"));
                attempt.cannot(words::unconnected(&error));
                Met::Absent
            }
            Err(Failure::Session(broken)) => {
                attempt.cannot(words::broken(&broken, target, &way.name));
                Met::Failed
            }
        }
    }

    async fn terms(&self, job: &Job, way: &Way, target: &Target) -> Result<Terms, Fate> {
        let sender = &job.envelope.sender;
        let login = self.demands.login(&way.hop, target, sender).await;
        let login = login.map_err(|error| {
            tracing::error!("login at {target}: {error}");
            words::misconfigured("SASL password lookup error")
        })?;
        let mut terms = Terms::new(self.options.session.clone());
        terms.connect = self.options.connect.clone();
        terms.login = login;
        terms.program = Arc::clone(&self.options.program);
        if way.policy.level != Level::None {
            let towards = self.tls.towards(target, &way.name, &way.policy);
            let towards = towards.map_err(|error| {
                tracing::error!("TLS towards {target}: {error}");
                words::misconfigured("TLS is required, but our TLS engine is unavailable")
            })?;
            terms.tls = Some((way.policy.level, towards));
            terms.implicit = self.options.implicit_tls;
        }
        Ok(terms)
    }

    /// Connects; in the clear, if TLS may be, cannot be, and the message has waited for it.
    async fn open(
        &self,
        attempt: &Attempt<'_>,
        way: &Way,
        target: &Target,
        terms: &Terms,
    ) -> Result<Connection, Failure> {
        let result = Connection::open(target, terms).await;
        let Err(Failure::Session(broken)) = &result else {
            return result;
        };
        let age = SystemTime::now().duration_since(attempt.job().arrived);
        let waited = age.is_ok_and(|age| age >= self.options.plain_after);
        let may = way.policy.level == Level::May && terms.login.is_none() && !terms.implicit;
        if broken.trouble != Trouble::Handshake || !may || !waited {
            return result;
        }
        let fate = words::broken(broken, target, &way.name);
        log::postfix::info(
            &self.options.program,
            format_args!("{}: {}", attempt.job().id, fate.text),
        );
        let mut plain = terms.clone();
        plain.tls = None;
        Connection::open(target, &plain).await
    }

    /// Sends the message to all who are left. False if the connection turned out to be dead before anything was said.
    async fn send(
        &self,
        attempt: &mut Attempt<'_>,
        way: &Way,
        target: &Target,
        connection: &mut Connection,
    ) -> bool {
        let (message, places) = attempt.message();
        if places.is_empty() {
            return true;
        }
        let content = Arc::clone(&attempt.job().content);
        let mut sent = connection.send(message, content).await;
        if sent.outcomes.iter().any(wants_seven_bits) && connection.stands() {
            match self.convert(attempt, connection).await {
                Ok(converted) => sent = converted,
                Err(error) => {
                    tracing::error!("{}: content: {error}", attempt.job().id);
                    attempt.cannot(Fate::deferred((3, 0), "queue file read error"));
                    return true;
                }
            }
        }
        attempt.answered(&sent, &places, target, &way.name);
        sent.begun || connection.stands()
    }

    /// Sends the message through seven bits (RFC 6152 §3).
    async fn convert(
        &self,
        attempt: &Attempt<'_>,
        connection: &mut Connection,
    ) -> mailcore_store::Result<Sent> {
        let content = Converted::of(Arc::clone(&attempt.job().content)).await?;
        let (mut message, _) = attempt.message();
        message.size = content.len();
        message.envelope.parameters.body = Some(SevenBits);
        Ok(connection.send(message, Arc::new(content)).await)
    }
}

/// Whether nothing was sent because the server cannot take an eighth bit.
fn wants_seven_bits(outcome: &Outcome) -> bool {
    use mailcore_smtp::client::Needs;
    matches!(
        outcome,
        Err(Trouble::Needs(Needs::EightBit | Needs::Binary))
    )
}

#[async_trait]
impl Transport for SmtpTransport {
    async fn deliver(&self, job: &Job) -> Report {
        let mut attempt = Attempt::new(job);
        self.go(&mut attempt).await;
        attempt.report()
    }
}

/// What decides the order of equals.
fn seed(job: &Job) -> u64 {
    let mut octets = [0; 8];
    match getrandom::fill(&mut octets) {
        Ok(()) => u64::from_le_bytes(octets),
        // Any order will do.
        Err(_) => job.identity.0 as u64,
    }
}
