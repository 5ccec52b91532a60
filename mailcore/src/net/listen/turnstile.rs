//! How many connections there may be, in all and of one address. Counts, and nothing else: what a refused
//! peer is told is the protocol's.

use crate::net::Network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections a [`Turnstile`] lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// At the same time.
    pub total: usize,
    /// At the same time of one address.
    pub per_address: usize,
    /// How many leading bits of an IPv6 address count as one address: whoever has one has a whole /64.
    pub ipv6_prefix: u8,
    /// Networks for which no limit per address holds.
    pub exempt: Vec<Network>,
}

impl Default for Limits {
    /// Ten thousand in all; fifty of an address (Postfix's `smtpd_client_connection_count_limit`), an IPv6
    /// address being a /64; nobody is exempt.
    fn default() -> Self {
        Self {
            total: 10_000,
            per_address: 50,
            ipv6_prefix: 64,
            exempt: Vec::new(),
        }
    }
}

/// Why a connection was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// There are too many in all.
    #[error("too many connections")]
    Total,
    /// There are too many of this address.
    #[error("too many connections from this address")]
    Address,
}

/// Counts the connections of one or more listeners.
#[derive(Debug, Default)]
pub struct Turnstile {
    limits: Limits,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    addresses: HashMap<Network, usize>,
}

impl Turnstile {
    /// An open gate.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            inside: Mutex::default(),
        })
    }

    /// Lets a connection in whose peer is not known yet.
    ///
    /// # Errors
    /// [`Refused::Total`].
    pub fn enter(self: &Arc<Self>) -> Result<Pass, Refused> {
        let mut inside = self.inside();
        if inside.total >= self.limits.total {
            return Err(Refused::Total);
        }
        inside.total += 1;
        Ok(Pass {
            gate: Arc::clone(self),
            block: None,
        })
    }

    /// How many are inside.
    pub fn inside_now(&self) -> usize {
        self.inside().total
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be inside; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Turnstile>,
    block: Option<Network>,
}

impl Pass {
    /// Counts the connection to its peer's address.
    ///
    /// # Errors
    /// [`Refused::Address`].
    pub fn name(mut self, peer: IpAddr) -> Result<Self, Refused> {
        let limits = &self.gate.limits;
        if limits.exempt.iter().any(|network| network.contains(peer)) || self.block.is_some() {
            return Ok(self);
        }
        let prefix = if peer.is_ipv6() {
            limits.ipv6_prefix
        } else {
            32
        };
        let block = Network::new(peer, prefix);
        let mut inside = self.gate.inside();
        let count = inside.addresses.entry(block).or_default();
        let refused = *count >= limits.per_address;
        if !refused {
            *count += 1;
        } else if *count == 0 {
            inside.addresses.remove(&block);
        }
        drop(inside);
        if refused {
            return Err(Refused::Address);
        }
        self.block = Some(block);
        Ok(self)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.total = inside.total.saturating_sub(1);
        if let Some(block) = self.block
            && let Some(count) = inside.addresses.get_mut(&block)
        {
            *count -= 1;
            if *count == 0 {
                inside.addresses.remove(&block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_share_and_gets_it_back() {
        let gate = Turnstile::new(Limits {
            total: 5,
            per_address: 2,
            exempt: vec!["127.0.0.0/8".parse().unwrap()],
            ..Limits::default()
        });
        let enter = |peer: &str| gate.enter().and_then(|pass| pass.name(ip(peer)));
        let one = enter("192.0.2.1").unwrap();
        let _two = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), Refused::Address);
        assert_eq!(gate.inside_now(), 2, "who is refused is not inside");
        let _other = enter("192.0.2.2").unwrap();
        drop(one);
        let _again = enter("192.0.2.1").unwrap();
        let _a = enter("127.0.0.1").unwrap();
        let b = enter("127.0.0.1").unwrap();
        assert_eq!(enter("127.0.0.1").unwrap_err(), Refused::Total);
        drop(b);
        assert!(enter("127.0.0.1").is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_left() {
        let gate = Turnstile::new(Limits::default());
        for n in 0..1000_u32 {
            let peer = IpAddr::from(std::net::Ipv4Addr::from_bits(n));
            drop(gate.enter().unwrap().name(peer).unwrap());
        }
        assert!(gate.inside().addresses.is_empty() && gate.inside_now() == 0);
    }

    #[test]
    fn a_whole_ipv6_subnet_is_one_address() {
        let gate = Turnstile::new(Limits {
            per_address: 1,
            ..Limits::default()
        });
        let _one = gate.enter().unwrap().name(ip("2001:db8::1")).unwrap();
        let other = gate.enter().unwrap().name(ip("2001:db8::ffff:2"));
        assert_eq!(other.unwrap_err(), Refused::Address);
        assert!(gate.enter().unwrap().name(ip("2001:db8:0:1::1")).is_ok());
    }
}
