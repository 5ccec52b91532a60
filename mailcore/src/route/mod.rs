//! Where a recipient leads: which domains are ours, what aliases say, who the users are, and which way mail goes from
//! here. Looks up and decides; never delivers, and never says anything to a peer.

mod aliases;
mod expand;
mod hop;

pub use aliases::Aliases;
pub use expand::Nowhere;
pub(crate) use expand::folded;
pub use hop::{Next, TransportName};

use mailcore_base::address::{Address, Domain, ForwardPath};
use mailcore_base::login::{Login, Service};
use mailcore_store::Result;
use mailcore_store::auth::{User, Users};
use mailcore_store::table::Table;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Where one recipient leads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// To these, each once; at least one of them is not [`Target::Nobody`].
    Targets(Vec<Target>),
    /// Nowhere, and why: the domain is ours, and no user is behind that name.
    Unknown(Nowhere),
    /// To a domain that is not ours.
    Elsewhere,
}

/// A final address: one that no alias leads on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The mailboxes of this user.
    Here(Address, User),
    /// An address of another server.
    Elsewhere(Address),
    /// An address of ours that an alias names and nobody has. A queue returns such mail to its sender.
    Nobody(Address),
}

impl Target {
    /// The final address.
    pub fn address(&self) -> &Address {
        match self {
            Self::Here(address, _) | Self::Elsewhere(address) | Self::Nobody(address) => address,
        }
    }
}

/// The routing of one server.
#[derive(Debug, Clone)]
pub struct Routes {
    origin: Domain,
    domains: HashSet<Domain>,
    /// Names of this host: other words for `origin`.
    hostnames: HashSet<Domain>,
    aliases: Option<Arc<dyn Table>>,
    users: Arc<dyn Users>,
    delimiters: String,
    smarthost: Option<Arc<str>>,
    /// Domains whose mail goes another way.
    transports: HashMap<Domain, Next>,
}

impl Routes {
    /// Routes mail for `origin` and `further` domains to `users`. Names without a domain are completed with
    /// `origin`.
    pub fn new(
        origin: Domain,
        further: impl IntoIterator<Item = Domain>,
        users: Arc<dyn Users>,
    ) -> Self {
        let mut domains: HashSet<Domain> = further.into_iter().collect();
        domains.insert(origin.clone());
        Self {
            origin,
            domains,
            hostnames: HashSet::new(),
            aliases: None,
            users,
            delimiters: "+".to_owned(),
            smarthost: None,
            transports: HashMap::new(),
        }
    }

    /// The same with aliases: a key is `user@domain`, `user` (in any domain of ours) or `@domain`, a value is
    /// a list of addresses.
    #[must_use]
    pub fn with_aliases(self, aliases: Arc<dyn Table>) -> Self {
        Self {
            aliases: Some(aliases),
            ..self
        }
    }

    /// The same with mail for the host itself: what is sent to a user at `hostname`, at `localhost`, or at `localhost` in
    /// the domain of `hostname`, is meant for `origin` (Postfix: mydestination). Where a users' directory or the aliases
    /// know such an address as it is, that holds.
    #[must_use]
    pub fn with_hostname(mut self, hostname: &Domain) -> Self {
        let mut names = vec![hostname.as_ascii().to_owned(), "localhost".to_owned()];
        names.extend(hostname.parent().map(|it| format!("localhost.{it}")));
        let names = names.iter().filter_map(|name| name.parse().ok());
        self.hostnames = names.filter(|it| !self.domains.contains(it)).collect();
        self
    }

    /// The same with all mail for other servers going to one of them: `[host]:port`, or a domain whose mail
    /// exchangers are meant (Postfix: relayhost).
    #[must_use]
    pub fn relay_all_to(self, host: impl Into<Arc<str>>) -> Self {
        Self {
            smarthost: Some(host.into()),
            ..self
        }
    }

    /// The same with mail for these domains going its own way, whoever they belong to (Postfix: transport_maps). Their
    /// subdomains are other domains.
    #[must_use]
    pub fn with_transports(self, transports: impl IntoIterator<Item = (Domain, Next)>) -> Self {
        Self {
            transports: transports.into_iter().collect(),
            ..self
        }
    }

    /// The domain that completes names without one.
    pub fn origin(&self) -> &Domain {
        &self.origin
    }

    /// Whether mail for this domain stays here.
    pub fn is_ours(&self, domain: &Domain) -> bool {
        self.domains.contains(domain) || self.hostnames.contains(domain)
    }

    /// Where this recipient leads.
    ///
    /// # Errors
    /// When a table or directory cannot tell for now, or aliases run too far: the mail is to be deferred.
    pub async fn resolve(&self, path: &ForwardPath) -> Result<Destination> {
        let first = path.clone().complete(&self.origin);
        if !first.domain().is_some_and(|d| self.is_ours(d)) {
            return Ok(Destination::Elsewhere);
        }
        let expansion = self.expand(first).await?;
        Ok(match expansion.nowhere() {
            Some(why) => Destination::Unknown(why),
            None => Destination::Targets(expansion.targets),
        })
    }

    /// Which way the mail for a final address goes. Aliases are not followed again.
    ///
    /// # Errors
    /// When a table cannot tell for now: the mail is to be deferred.
    pub async fn next_hop(&self, address: &Address) -> Result<Next> {
        if let Some(next) = address.domain().and_then(|d| self.transports.get(d)) {
            return Ok(next.clone());
        }
        if address.domain().is_some_and(|d| self.is_ours(d)) {
            return Ok(Next::to_host_of(TransportName::VIRTUAL, address));
        }
        Ok(match &self.smarthost {
            Some(host) => Next::new(TransportName::SMTP, Arc::clone(host)),
            None => Next::to_host_of(TransportName::SMTP, address),
        })
    }

    /// The user of a final address of ours, with or without its extension. Aliases are not followed.
    ///
    /// # Errors
    /// When the directory cannot tell for now.
    pub async fn user(&self, address: &Address) -> Result<Option<User>> {
        let Some(domain) = address.domain().filter(|d| self.is_ours(d)) else {
            return Ok(None);
        };
        let origin = self.is_host(domain).then_some(&self.origin);
        for domain in [domain].into_iter().chain(origin) {
            if let Some(user) = self.user_at(address, domain).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// The user that an address would be in that domain.
    async fn user_at(&self, address: &Address, domain: &Domain) -> Result<Option<User>> {
        let domain = hop::folded(domain);
        for name in self.names(address) {
            let login = Login::new(format!("{name}@{domain}"), Service::Lmtp);
            if let Some(user) = self.users.user(&login).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Whether this is a name of the host, and so another word for `origin`.
    fn is_host(&self, domain: &Domain) -> bool {
        self.hostnames.contains(domain)
    }

    /// The names that an address may be known by, the whole one first. Only ASCII letters lose their case, as
    /// they do in a login: who cannot log in as `Ünal` has no mail as `Ünal` either.
    fn names(&self, address: &Address) -> Vec<String> {
        let full = address.local().as_str().to_ascii_lowercase();
        match address.local().split(&self.delimiters) {
            (plain, Some(_)) => vec![full, plain.to_ascii_lowercase()],
            _ => vec![full],
        }
    }
}

#[cfg(test)]
mod tests;
