//! The look-ups between a next hop and its targets.

use super::order::{Candidate, Dice, limit, sort};
use super::{Host, NextHop, Options, Unreachable};
use crate::dns::{Address, Answer, DnsError, Exchange, Family, Resolve};
use crate::net::connect::{Place, Target};
use mailcore_base::address::Domain;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;

/// Most mail exchangers of a domain that are looked up: whatever it publishes, it costs no more than that.
const MOST_HOSTS: usize = 24;
/// Most addresses of one host that are looked at.
const MOST_ADDRESSES: usize = 64;

pub(super) async fn find(
    resolver: &dyn Resolve,
    options: &Options,
    hop: &NextHop,
    seed: u64,
) -> Result<Vec<Target>, Unreachable> {
    let mut dice = Dice(seed);
    let (exchangers, port) = match hop {
        NextHop::Unix(path) => {
            return Ok(vec![Target {
                name: options.hostname.clone(),
                place: Place::Unix(path.clone()),
                vouched: false,
            }]);
        }
        NextHop::Domain(_, port) => (options.exchangers, *port),
        NextHop::Host(_, port) => (false, *port),
    };
    let search = Search {
        resolver,
        options,
        port,
    };
    let mut candidates = match hop {
        NextHop::Domain(domain, _) if exchangers => {
            search.domain(domain.as_ascii(), &mut dice).await?
        }
        NextHop::Domain(name, _) | NextHop::Host(Host::Name(name), _) => {
            search.host(name.as_ascii(), true).await?
        }
        NextHop::Host(Host::Ip(ip), _) => search.literal(*ip)?,
        NextHop::Unix(_) => Vec::new(),
    };
    sort(&mut candidates, options.prefer, &mut dice);
    let candidates = limit(candidates, options.addresses);
    Ok(candidates.into_iter().map(|it| it.target).collect())
}

/// The search for one next hop.
struct Search<'s> {
    resolver: &'s dyn Resolve,
    options: &'s Options,
    /// The port that the next hop names.
    port: Option<u16>,
}

impl Search<'_> {
    /// RFC 5321 §5.1: a domain's mail exchangers; without any, the domain itself is its own.
    async fn domain(&self, domain: &str, dice: &mut Dice) -> Result<Vec<Candidate>, Unreachable> {
        let answer = self.resolver.mx(domain).await;
        let answer = answer.map_err(|error| Unreachable::unknown(domain, "MX", &error))?;
        let vouched = answer.is_authenticated();
        let Ok(mut exchanges) = answer.into_found() else {
            return self.host(domain, vouched).await;
        };
        // RFC 7505 §3: a null MX is one only where it stands alone.
        exchanges.retain(|exchange| !exchange.host.is_empty());
        if exchanges.is_empty() {
            return Err(Unreachable::takes_no_mail(domain));
        }
        dice.shuffle(&mut exchanges);
        exchanges.sort_by_key(|exchange| exchange.preference);
        self.exchangers(domain, &exchanges, vouched).await
    }

    /// The addresses of mail exchangers that come by preference, up to ourselves, or to as many as are of use.
    async fn exchangers(
        &self,
        domain: &str,
        exchanges: &[Exchange],
        vouched: bool,
    ) -> Result<Vec<Candidate>, Unreachable> {
        let mut candidates = Vec::new();
        let mut reason: Option<Unreachable> = None;
        let mut asked = 0;
        let best = exchanges.first().map(|it| it.preference);
        for equals in exchanges.chunk_by(|a, b| a.preference == b.preference) {
            let equals = equals.get(..MOST_HOSTS - asked).unwrap_or(equals);
            asked += equals.len();
            let preference = equals.first().map(|it| it.preference);
            let own = |it: &Exchange| self.looks_out() && self.options.myself.is_named(&it.host);
            let mut ours = equals.iter().any(own);
            if !ours {
                let looked_up =
                    all(equals.iter().map(|it| self.exchanger(domain, it, vouched))).await;
                let mut found = Vec::new();
                for result in looked_up {
                    match result {
                        Ok(more) => found.extend(more),
                        Err(why) => reason = Some(join(reason, why)),
                    }
                }
                ours = found.iter().any(|it| self.is_ours(it));
                if !ours {
                    candidates.extend(found);
                }
            }
            // RFC 5321 §5.1: ourselves and whatever is no better than ourselves is left out.
            if ours {
                return match candidates.is_empty() {
                    false => Ok(candidates),
                    true if preference == best => Err(Unreachable::ourselves(domain)),
                    true => Err(Unreachable::no_primary(domain)),
                };
            }
            if asked >= MOST_HOSTS || self.enough(&candidates) {
                break;
            }
        }
        match (candidates.is_empty(), reason) {
            (false, _) => Ok(candidates),
            (true, reason) => Err(reason.unwrap_or_else(|| Unreachable::malformed(domain))),
        }
    }

    /// One mail exchanger's addresses. Some publish an address where its name belongs, and get their mail.
    async fn exchanger(
        &self,
        domain: &str,
        exchange: &Exchange,
        vouched: bool,
    ) -> Result<Vec<Candidate>, Unreachable> {
        if let Ok(ip) = exchange.host.parse::<IpAddr>() {
            let candidate = self.candidate(exchange.preference, &exchange.host, ip.into(), false);
            return Ok(vec![candidate]);
        }
        let Ok(host) = exchange.host.parse::<Domain>() else {
            return Err(Unreachable::malformed(domain));
        };
        self.addresses(host.as_ascii(), exchange.preference, vouched)
            .await
    }

    /// A host itself, as the only server there is.
    async fn host(&self, host: &str, vouched: bool) -> Result<Vec<Candidate>, Unreachable> {
        if self.looks_out() && self.options.myself.is_named(host) {
            return Err(Unreachable::ourselves(host));
        }
        self.not_ourselves(host, self.addresses(host, 0, vouched).await?)
    }

    fn literal(&self, ip: IpAddr) -> Result<Vec<Candidate>, Unreachable> {
        let name = ip.to_string();
        let candidate = self.candidate(0, &name, ip.into(), false);
        self.not_ourselves(&name, vec![candidate])
    }

    fn not_ourselves(
        &self,
        name: &str,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Unreachable> {
        match candidates.iter().any(|it| self.is_ours(it)) {
            true => Err(Unreachable::ourselves(name)),
            false => Ok(candidates),
        }
    }

    /// A host's addresses of both families, asked for at once. One that could not be looked up is missed only if the
    /// other has none.
    async fn addresses(
        &self,
        host: &str,
        preference: u16,
        vouched: bool,
    ) -> Result<Vec<Candidate>, Unreachable> {
        let families = match self.options.only {
            Some(Family::V4) => &[Family::V4][..],
            Some(Family::V6) => &[Family::V6][..],
            None => &[Family::V4, Family::V6][..],
        };
        let asked = families.iter().map(|it| self.resolver.addresses(host, *it));
        let mut candidates = Vec::new();
        let mut reason = None;
        for (family, answer) in families.iter().zip(all(asked).await) {
            match self.taken(host, *family, answer) {
                Ok((addresses, signed)) => {
                    let vouched = vouched && signed;
                    let addresses = addresses.into_iter().take(MOST_ADDRESSES);
                    candidates
                        .extend(addresses.map(|it| self.candidate(preference, host, it, vouched)));
                }
                // Of two reasons of equal weight the last one is told, as in the original.
                Err(why) => reason = Some(join(reason, why)),
            }
        }
        match reason {
            Some(why) if candidates.is_empty() => Err(why),
            _ => Ok(candidates),
        }
    }

    fn taken(
        &self,
        host: &str,
        family: Family,
        answer: Result<Answer<Address>, DnsError>,
    ) -> Result<(Vec<Address>, bool), Unreachable> {
        let kind = family.record();
        let answer = answer.map_err(|error| Unreachable::unknown(host, kind, &error))?;
        let vouched = answer.is_authenticated();
        match answer.into_found() {
            Ok(addresses) => Ok((addresses, vouched)),
            Err(why) => Err(Unreachable::absent(host, kind, why)),
        }
    }

    fn candidate(&self, preference: u16, name: &str, address: Address, vouched: bool) -> Candidate {
        let ip = address.ip.to_canonical();
        // A zone's port stands for the protocol's own, never for one that the next hop names.
        let port = self.port.or(address.port).unwrap_or(self.options.port);
        Candidate {
            preference,
            family: Family::of(ip),
            target: Target {
                name: name.to_owned(),
                place: Place::Tcp(SocketAddr::new(ip, port)),
                vouched,
            },
        }
    }

    /// Whether we look out for ourselves: not where a next hop names a port, which may well be a filter's way back
    /// to us.
    fn looks_out(&self) -> bool {
        self.options.exchangers && self.port.is_none()
    }

    fn is_ours(&self, candidate: &Candidate) -> bool {
        match candidate.target.place {
            Place::Tcp(at) => self.looks_out() && self.options.myself.is_at(at),
            Place::Unix(_) => false,
        }
    }

    /// Whether more candidates would be cut off anyhow.
    fn enough(&self, candidates: &[Candidate]) -> bool {
        let most = self.options.addresses;
        let has = |family| candidates.iter().any(|it| it.family == family);
        let both = self.options.only.is_some() || has(Family::V4) && has(Family::V6);
        most > 0 && candidates.len() >= most && both
    }
}

/// The reason that is told: the temporary one, else the later one.
fn join(before: Option<Unreachable>, now: Unreachable) -> Unreachable {
    match before {
        Some(before) => now.or(before),
        None => now,
    }
}

/// Does all of it at once; there are few of them.
async fn all<F: Future>(work: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut work: Vec<Pin<Box<F>>> = work.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = work.iter().map(|_| None).collect();
    poll_fn(|cx| {
        let mut pending = false;
        for (work, done) in work.iter_mut().zip(&mut done) {
            if done.is_none() {
                match work.as_mut().poll(cx) {
                    Poll::Ready(output) => *done = Some(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
