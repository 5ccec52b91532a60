//! Where a recipient leads: which domains are ours, what aliases say, who the users are. Looks up and decides;
//! never delivers, and never says anything to a peer.

mod aliases;

pub use aliases::Aliases;

use mailcore_base::address::{Address, Domain, ForwardPath};
use mailcore_base::login::{Login, Service};
use mailcore_store::auth::{User, Users};
use mailcore_store::table::Table;
use mailcore_store::{Error, Kind, Result};
use std::collections::HashSet;
use std::sync::Arc;

/// Addresses that one recipient may expand to (Postfix: virtual_alias_expansion_limit).
const MOST_ADDRESSES: usize = 1000;
/// How deep aliases of aliases are followed (Postfix: virtual_alias_recursion_limit, less generous).
const DEEPEST: usize = 50;

/// Where one recipient leads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// To the mailboxes of these users, each once.
    Users(Vec<User>),
    /// Nowhere: the domain is ours and there is nobody of that name.
    Unknown,
    /// To a domain that is not ours.
    Elsewhere,
}

/// The routing of one server.
#[derive(Debug, Clone)]
pub struct Routes {
    origin: Domain,
    domains: HashSet<Domain>,
    aliases: Option<Arc<dyn Table>>,
    users: Arc<dyn Users>,
    delimiters: String,
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
            aliases: None,
            users,
            delimiters: "+".to_owned(),
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

    /// The domain that completes names without one.
    pub fn origin(&self) -> &Domain {
        &self.origin
    }

    /// Whether mail for this domain stays here.
    pub fn is_ours(&self, domain: &Domain) -> bool {
        self.domains.contains(domain)
    }

    /// Where this recipient leads.
    ///
    /// # Errors
    /// When a table or directory cannot tell for now, or aliases run in circles or lead to other servers:
    /// the mail is to be deferred.
    pub async fn resolve(&self, path: &ForwardPath) -> Result<Destination> {
        let first = path.clone().complete(&self.origin);
        if !first.domain().is_some_and(|d| self.is_ours(d)) {
            return Ok(Destination::Elsewhere);
        }
        let users = self.expand(first).await?;
        Ok(if users.is_empty() {
            Destination::Unknown
        } else {
            Destination::Users(users)
        })
    }

    /// Follows aliases until only users are left; each address is followed once, so circles end.
    async fn expand(&self, first: Address) -> Result<Vec<User>> {
        let mut seen = HashSet::from([first.clone()]);
        let mut open = vec![(first, 0)];
        let mut users: Vec<User> = Vec::new();
        while let Some((address, depth)) = open.pop() {
            let Some(targets) = self.alias(&address).await? else {
                self.add_user(&address, &mut users).await?;
                continue;
            };
            let many = targets.len().saturating_add(seen.len());
            if depth == DEEPEST || many > MOST_ADDRESSES {
                return Err(Error::new(
                    Kind::Limit,
                    format!("aliases of {address} lead too far"),
                ));
            }
            for target in targets {
                if target == address {
                    // `alice: alice, bob` means that user and another.
                    self.add_user(&target, &mut users).await?;
                } else if seen.insert(target.clone()) {
                    open.push((target, depth + 1));
                }
            }
        }
        Ok(users)
    }

    /// What the alias table says of an address, its forms tried from the most exact to the least.
    async fn alias(&self, address: &Address) -> Result<Option<Vec<Address>>> {
        let (Some(table), Some(domain)) = (&self.aliases, address.domain()) else {
            return Ok(None);
        };
        for key in self.forms(address, domain) {
            if let Some(value) = table.get(&key).await? {
                return aliases::targets(&value, &self.origin).map(Some);
            }
        }
        Ok(None)
    }

    fn forms(&self, address: &Address, domain: &Domain) -> Vec<String> {
        let domain = domain.as_ascii().to_ascii_lowercase();
        let mut names = self.names(address);
        let mut forms: Vec<_> = names.iter().map(|n| format!("{n}@{domain}")).collect();
        // A quoted `"@b.test"@a.test` is no catch-all, and `"bob@b.test"@a.test` is nobody of another domain.
        names.retain(|name| !name.contains('@'));
        forms.append(&mut names);
        forms.push(format!("@{domain}"));
        forms
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

    /// Adds the user of an address, with or without its extension, if there is one.
    async fn add_user(&self, address: &Address, users: &mut Vec<User>) -> Result<()> {
        let Some(domain) = address.domain().filter(|d| self.is_ours(d)) else {
            return Err(Error::new(
                Kind::Unsupported,
                format!("the alias {address} leads to another server"),
            ));
        };
        let domain = domain.as_ascii().to_ascii_lowercase();
        for name in self.names(address) {
            let login = Login::new(format!("{name}@{domain}"), Service::Lmtp);
            if let Some(user) = self.users.user(&login).await? {
                if !users.iter().any(|known| known.name == user.name) {
                    users.push(user);
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use mailcore_base::address::Repertoire;
    use mailcore_store::table::Shape;

    #[derive(Debug)]
    struct People(&'static [&'static str]);

    #[async_trait]
    impl Users for People {
        async fn user(&self, login: &Login) -> Result<Option<User>> {
            match login.name.as_str() {
                "away@a.test" => Err(Error::new(Kind::Unavailable, "directory")),
                name => Ok(self.0.contains(&name).then(|| User::new(name))),
            }
        }
    }

    #[derive(Debug)]
    struct Lines(&'static [(&'static str, &'static str)]);

    #[async_trait]
    impl Table for Lines {
        async fn get(&self, key: &str) -> Result<Option<String>> {
            Ok(self
                .0
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, v)| (*v).to_owned()))
        }

        fn shape(&self) -> Shape {
            Shape::Exact
        }
    }

    async fn names(recipient: &str) -> std::result::Result<Vec<String>, Kind> {
        let domain = |name| Domain::parse(name, Repertoire::Ascii).unwrap();
        let routes = Routes::new(
            domain("a.test"),
            [domain("b.test")],
            Arc::new(People(&[
                "alice@a.test",
                "bob@a.test",
                "bob@b.test",
                "x+y@a.test",
            ])),
        )
        .with_aliases(Arc::new(Lines(&[
            ("root", "postmaster, bob"),
            ("postmaster", "alice"),
            ("alice@b.test", "alice@a.test"),
            ("round", "about"),
            ("about", "round"),
            ("bob@b.test", "bob@b.test, alice"),
            ("gone", "nobody"),
            ("out", "friend@elsewhere.test"),
            ("crowd", "away"),
        ])));
        let (path, _) = ForwardPath::parse_prefix(recipient, Repertoire::Ascii).unwrap();
        match routes.resolve(&path).await.map_err(|e| e.kind())? {
            Destination::Users(users) => {
                let mut names: Vec<_> = users.into_iter().map(|u| u.name).collect();
                names.sort();
                Ok(names)
            }
            Destination::Unknown => Ok(vec!["unknown".into()]),
            Destination::Elsewhere => Ok(vec!["elsewhere".into()]),
        }
    }

    #[tokio::test]
    async fn a_recipient_leads_to_its_users_each_once() {
        assert_eq!(names("<ALICE@A.test>").await.unwrap(), ["alice@a.test"]);
        assert_eq!(
            names("<alice+lists@a.test>").await.unwrap(),
            ["alice@a.test"]
        );
        assert_eq!(names("<x+y@a.test>").await.unwrap(), ["x+y@a.test"]);
        assert_eq!(names("root").await.unwrap(), ["alice@a.test", "bob@a.test"]);
        assert_eq!(names("<alice@b.test>").await.unwrap(), ["alice@a.test"]);
        assert_eq!(
            names("<bob@b.test>").await.unwrap(),
            ["alice@a.test", "bob@b.test"]
        );
    }

    #[tokio::test]
    async fn nobody_and_elsewhere_are_told_apart() {
        assert_eq!(names("<carol@a.test>").await.unwrap(), ["unknown"]);
        assert_eq!(names("<gone@a.test>").await.unwrap(), ["unknown"]);
        assert_eq!(names("<round@a.test>").await.unwrap(), ["unknown"]);
        assert_eq!(names("<alice@c.test>").await.unwrap(), ["elsewhere"]);
        assert_eq!(names("<alice@[127.0.0.1]>").await.unwrap(), ["elsewhere"]);
    }

    #[tokio::test]
    async fn what_cannot_be_told_now_is_deferred_and_never_unknown() {
        assert_eq!(names("<away@a.test>").await, Err(Kind::Unavailable));
        assert_eq!(names("<crowd@a.test>").await, Err(Kind::Unavailable));
        assert_eq!(names("<out@a.test>").await, Err(Kind::Unsupported));
    }
}
