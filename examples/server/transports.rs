//! Which way the mail for a domain goes when it is not the usual one: `--transport`.

use mailcore::base::address::{Domain, Repertoire};
use mailcore::route::{Next, TransportName};
use std::str::FromStr;

/// What the server's ways are called.
const NAMES: [&str; 6] = ["smtp", "relay", "lmtp", "discard", "error", "retry"];

/// `DOMAIN=TRANSPORT:NEXTHOP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportRule {
    /// Whose mail.
    pub domain: Domain,
    /// Which way.
    pub next: Next,
}

impl FromStr for TransportRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (domain, way) = text
            .split_once('=')
            .ok_or("DOMAIN=TRANSPORT:NEXTHOP is wanted")?;
        let domain = Domain::parse(domain, Repertoire::Utf8)
            .map_err(|e| format!("`{domain}` is no domain: {e}"))?;
        let (name, nexthop) = way.split_once(':').unwrap_or((way, ""));
        if !NAMES.contains(&name) {
            let names = NAMES.join(", ");
            return Err(format!("there is no transport `{name}`, but {names}"));
        }
        // As in Postfix, what is left out is the address's own domain.
        let nexthop = match nexthop {
            "" => domain.as_ascii().to_ascii_lowercase(),
            given => given.to_owned(),
        };
        Ok(Self {
            domain,
            next: Next::new(TransportName::new(name.to_owned()), nexthop),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_a_domain_a_transport_and_perhaps_a_next_hop() {
        for (text, name, nexthop) in [
            ("a.test=discard:", "discard", "a.test"),
            ("A.test=lmtp", "lmtp", "a.test"),
            ("a.test=smtp:[127.0.0.1]:26", "smtp", "[127.0.0.1]:26"),
        ] {
            let rule: TransportRule = text.parse().unwrap();
            assert_eq!(rule.next.transport.as_str(), name);
            assert_eq!(&*rule.next.nexthop, nexthop);
        }
    }

    #[test]
    fn a_wrong_rule_says_what_is_wrong() {
        for (text, word) in [
            ("a.test", "DOMAIN=TRANSPORT"),
            ("a b=smtp:", "no domain"),
            ("a.test=smpt:", "smtp, relay, lmtp"),
        ] {
            let error = text.parse::<TransportRule>().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
