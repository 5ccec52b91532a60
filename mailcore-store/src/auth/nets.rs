//! `allow_nets`: from where a user may come.

use std::net::IpAddr;

/// A list of networks as `allow_nets` has it: `192.0.2.0/24,2001:db8::/32,198.51.100.7,local`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nets {
    nets: Vec<(IpAddr, u32)>,
    local: bool,
}

impl Nets {
    /// Reads the list.
    ///
    /// # Errors
    /// The first item that is no network and not `local`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut list = Self::default();
        for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
            if item == "local" {
                list.local = true;
            } else {
                list.nets.push(net(item).ok_or(item)?);
            }
        }
        Ok(list)
    }

    /// Whether somebody from `peer` may come in; without an address, only where the list says `local`.
    pub fn admits(&self, peer: Option<IpAddr>) -> bool {
        let Some(peer) = peer.map(|address| address.to_canonical()) else {
            return self.local;
        };
        self.nets.iter().any(|net| holds(*net, peer))
    }
}

/// `address[/bits]`, IPv4 within IPv6 as IPv4.
fn net(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    if bits > width {
        return None;
    }
    let canonical = address.to_canonical();
    if canonical == address {
        return Some((address, bits));
    }
    // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
    Some((canonical, bits.checked_sub(96)?))
}

fn holds((net, bits): (IpAddr, u32), peer: IpAddr) -> bool {
    match (net, peer) {
        (IpAddr::V4(net), IpAddr::V4(peer)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            (net.to_bits() ^ peer.to_bits()) & mask == 0
        }
        (IpAddr::V6(net), IpAddr::V6(peer)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            (net.to_bits() ^ peer.to_bits()) & mask == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_admitted_by_network_and_never_across_families() {
        let nets = Nets::parse("192.0.2.0/24, 198.51.100.7,2001:db8::/32,::ffff:203.0.113.0/120")
            .expect("a list");
        for (peer, admitted) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::ffff:192.0.2.1", true),
            ("203.0.113.9", true),
            ("203.0.114.9", false),
        ] {
            assert_eq!(nets.admits(peer.parse().ok()), admitted, "{peer}");
        }
    }

    #[test]
    fn who_has_no_address_needs_local() {
        assert!(!Nets::parse("0.0.0.0/0").expect("a list").admits(None));
        assert!(Nets::parse("local").expect("a list").admits(None));
        assert!(
            Nets::parse("0.0.0.0/0")
                .expect("a list")
                .admits("203.0.113.1".parse().ok())
        );
        assert!(!Nets::default().admits("203.0.113.1".parse().ok()));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in [
            "banana",
            "10.0.0.0/33",
            "::/129",
            "::ffff:10.0.0.0/90",
            "10.0.0.0/-1",
        ] {
            assert_eq!(
                Nets::parse(&format!("local,{bad}")),
                Err(bad.to_owned()),
                "{bad}"
            );
        }
    }
}
