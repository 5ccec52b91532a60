//! A block of internet addresses, as access lists name it: `10.0.0.0/8`, `2001:db8::/32`, `[::1]/128`, `192.0.2.1`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses. IPv4 mapped into IPv6 is IPv4, both in the block and in what is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// With all bits behind the prefix zero.
    address: IpAddr,
    prefix: u8,
}

/// Not a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an address or a network: {0}")]
pub struct NotANetwork(String);

impl Network {
    /// The block of the addresses that share their first `prefix` bits with `address`; longer prefixes than the
    /// address has bits count as all of them.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let (address, prefix) = match (address.to_canonical(), address) {
            (IpAddr::V4(v4), IpAddr::V6(_)) if prefix >= 96 => (IpAddr::V4(v4), prefix - 96),
            (IpAddr::V4(_), IpAddr::V6(v6)) => (IpAddr::V6(v6), prefix),
            (same, _) => (same, prefix),
        };
        match address {
            IpAddr::V4(v4) => {
                let prefix = prefix.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                let address = IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask));
                Self { address, prefix }
            }
            IpAddr::V6(v6) => {
                let prefix = prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                let address = IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask));
                Self { address, prefix }
            }
        }
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && Self::new(address, self.prefix).address == self.address
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// An address, in brackets or not, with or without `/` and the length of its prefix.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parsed = || {
            let (address, prefix) = match text.rsplit_once('/') {
                Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
                None => (text, None),
            };
            let address = address
                .strip_prefix('[')
                .and_then(|inner| inner.strip_suffix(']'))
                .unwrap_or(address);
            let address = address.parse::<IpAddr>().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.unwrap_or(bits);
            (prefix <= bits).then(|| Self::new(address, prefix))
        };
        parsed().ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(network: &str, address: &str) -> bool {
        let network: Network = network.parse().unwrap();
        network.contains(address.parse().unwrap())
    }

    #[test]
    fn a_block_holds_what_shares_its_prefix() {
        assert!(inside("10.0.0.0/8", "10.255.0.1") && !inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("192.0.2.1", "192.0.2.1") && !inside("192.0.2.1", "192.0.2.2"));
        assert!(inside("0.0.0.0/0", "203.0.113.9") && !inside("0.0.0.0/0", "::1"));
        assert!(inside("[2001:db8::]/32", "2001:db8:ffff::1"));
        assert!(inside("::/0", "2001:db8::1") && !inside("::/0", "192.0.2.1"));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert!(inside("[::ffff:127.0.0.0]/104", "127.0.0.1"));
        assert!(inside("127.0.0.0/8", "::ffff:127.1.2.3"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0/8",
            "[::1",
            "a/8",
            "10.0.0.0/",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
