//! Where a user is sent instead (RFC 2221, as Dovecot has it): the fields of his password entry that say so.

use mailcore_store::auth::Fields;

/// Another server that the user's mail is on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Referral {
    /// His name there.
    pub user: String,
    /// The other server, as the entry has it: not looked at any closer.
    pub host: String,
    /// Its port, where it is not the usual one.
    pub port: Option<u16>,
    /// Words for him.
    pub reason: Option<String>,
}

impl Referral {
    /// What the entry of `user` says: the fields `host`, `port` and `reason`. Nothing where it has a `proxy`, whose host
    /// is for servers, or a port that is none: it would lead astray.
    pub(super) fn of(user: &str, fields: &Fields) -> Option<Self> {
        let field = |name| fields.get(name).filter(|value| !value.is_empty());
        if fields.contains_key("proxy") {
            return None;
        }
        let port = match field("port") {
            None => None,
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        };
        Some(Self {
            user: user.to_owned(),
            host: field("host")?.clone(),
            port,
            reason: field("reason").cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_proxy_is_a_referral() {
        let of = |fields: &[(&str, &str)]| {
            let owned = fields
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Referral::of("alice", &owned.collect())
        };
        let found = of(&[("host", "b.test"), ("port", "1143"), ("reason", "Moved")]).unwrap();
        assert_eq!((&*found.user, &*found.host), ("alice", "b.test"));
        assert_eq!(
            (found.port, found.reason.as_deref()),
            (Some(1143), Some("Moved"))
        );
        assert!(of(&[("host", "b.test")]).is_some_and(|found| found.port.is_none()));
        for fields in [
            &[][..],
            &[("nologin", "")],
            &[("host", "")],
            &[("host", "b.test"), ("proxy", "")],
            &[("host", "b.test"), ("port", "0")],
            &[("host", "b.test"), ("port", "65536")],
            &[("host", "b.test"), ("port", "imap")],
        ] {
            assert_eq!(of(fields), None, "{fields:?}");
        }
    }
}
