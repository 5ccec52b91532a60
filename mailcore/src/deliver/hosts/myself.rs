//! Which servers are ourselves: mail for others must never be sent to them.

use mailcore_base::address::Domain;
use std::net::{IpAddr, SocketAddr};

/// Ourselves, as others may find us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Myself {
    /// Our host names.
    pub names: Vec<Domain>,
    /// Where we take mail from other servers: the addresses that we listen at, and those of a translator of
    /// addresses before us (Postfix: proxy_interfaces). `0.0.0.0` and `[::]` are all our own of that family.
    pub listening: Vec<SocketAddr>,
    /// The addresses of our interfaces ([`own_addresses`](crate::net::connect::own_addresses)).
    pub own: Vec<IpAddr>,
}

impl Myself {
    /// Whether a host of this name is ourselves.
    pub fn is_named(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.is(host))
    }

    /// Whether who connects to `at` reaches ourselves.
    pub fn is_at(&self, at: SocketAddr) -> bool {
        let ip = at.ip().to_canonical();
        self.listening.iter().any(|listening| {
            let here = listening.ip().to_canonical();
            listening.port() == at.port()
                && here.is_ipv4() == ip.is_ipv4()
                && (here == ip || self.local(ip) && (here.is_unspecified() || ip.is_unspecified()))
        })
    }

    /// Whether the address is this host's. Who connects to `0.0.0.0` or `[::]` reaches this host too.
    fn local(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || ip.is_unspecified() || self.own.contains(&ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_where_we_listen_at_that_port_only() {
        let myself = Myself {
            names: vec!["mx.example.org".parse().unwrap()],
            listening: vec![
                "0.0.0.0:25".parse().unwrap(),
                "127.0.0.1:12025".parse().unwrap(),
            ],
            own: vec!["192.0.2.1".parse().unwrap()],
        };
        for (at, ours) in [
            ("192.0.2.1:25", true),
            ("[::ffff:192.0.2.1]:25", true),
            ("127.0.0.2:25", true),
            ("0.0.0.0:25", true),
            ("0.0.0.0:12025", true),
            ("127.0.0.1:12025", true),
            ("127.0.0.2:12025", false),
            ("192.0.2.1:26", false),
            ("192.0.2.2:25", false),
            ("[::1]:25", false),
        ] {
            assert_eq!(myself.is_at(at.parse().unwrap()), ours, "{at}");
        }
        assert!(myself.is_named("MX.example.org."));
        assert!(!myself.is_named("example.org"));
    }
}
