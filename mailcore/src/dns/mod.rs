//! What the world's names lead to: one trait, answered by DNS or by a fixed zone.
//!
//! Delivery, policy and the authentication of mail all ask through [`Resolve`], so that a test or a closed network
//! puts a [`Zone`] in DNS's place. Nothing here decides what an answer means for mail, and an answer that could not
//! be had is never told as an absence: that is how no mail is bounced while DNS is down.

mod answer;
#[cfg(feature = "dns")]
mod system;
mod zone;

pub use answer::{Absent, Address, Answer, DnsError, Exchange, Family, Tlsa};
#[cfg(feature = "dns")]
pub use system::{Options, SystemResolver};
pub use zone::{Zone, ZoneError, ZoneFile};

use async_trait::async_trait;
use std::fmt::Debug;
use std::net::IpAddr;

/// Looks names up.
///
/// Names are absolute and in A-labels, with or without a dot at the end; no search list is applied to them. Aliases
/// (CNAME) are followed. Each answer tells found, absent and unknown for now apart.
///
/// # Errors
/// Every method: a [`DnsError`] where no answer could be had; all of them are temporary but
/// [`DnsError::BadName`].
#[async_trait]
pub trait Resolve: Send + Sync + Debug {
    /// The mail exchangers of a domain, in no order.
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError>;

    /// A host's addresses of one family.
    async fn addresses(&self, host: &str, family: Family) -> Result<Answer<Address>, DnsError>;

    /// The texts of a name, the strings of each record joined.
    async fn txt(&self, name: &str) -> Result<Answer<Vec<u8>>, DnsError>;

    /// The names of an address.
    async fn ptr(&self, address: IpAddr) -> Result<Answer<String>, DnsError>;

    /// The certificates that DNS vouches for (RFC 6698), at a name such as `_25._tcp.mx.example.org`.
    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsError>;

    /// The name servers of a zone.
    async fn ns(&self, domain: &str) -> Result<Answer<String>, DnsError>;
}

/// The name under which the names of an address stand: `1.2.0.192.in-addr.arpa` (RFC 1035 §3.5, RFC 3596 §2.5).
pub fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let mut name = String::with_capacity(72);
            for octet in v6.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", octet & 0xf, octet >> 4));
            }
            name + "ip6.arpa"
        }
    }
}

/// The form that names are compared in: lower case, without the root's dot.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether a name can be asked for at all (RFC 1035 §2.3.4): labels of 1 to 63 octets, 253 in all. Which octets a
/// label holds is not judged.
fn can_be_asked(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
        && name.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_address_is_written_backwards() {
        let v4 = "192.0.2.1".parse().unwrap();
        assert_eq!(reverse_name(v4), "1.2.0.192.in-addr.arpa");
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(reverse_name(mapped), "1.2.0.192.in-addr.arpa");
        let v6 = "2001:db8::567:89ab".parse().unwrap();
        assert_eq!(
            reverse_name(v6),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    #[test]
    fn a_name_that_dns_cannot_carry_is_not_asked_for() {
        assert!(can_be_asked("_dmarc.example.org"));
        assert!(can_be_asked("example.org."));
        let long = format!("{}.org", "a".repeat(64));
        for bad in ["", ".", "a..b", "a b.org", "exämple.org", long.as_str()] {
            assert!(!can_be_asked(bad), "{bad}");
        }
    }
}
