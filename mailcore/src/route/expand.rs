//! Aliases of aliases, followed to where they end. Bounded in width and depth; circles end where they close.

use super::{Routes, Target, aliases};
use crate::log::Clean;
use mailcore_base::address::{Address, Domain, Host};
use mailcore_store::{Error, Kind, Result};
use std::collections::HashSet;
use std::fmt;

/// Addresses that one recipient may expand to (Postfix: virtual_alias_expansion_limit).
const MOST_ADDRESSES: usize = 1000;
/// How deep aliases of aliases are followed (Postfix: virtual_alias_recursion_limit, less generous).
const DEEPEST: usize = 50;

/// Most lost addresses that are named.
const MOST_NAMED: usize = 3;

/// Where an address of ours leads.
#[derive(Debug)]
pub(super) struct Expansion {
    /// The targets, each once, in the order in which the aliases name them.
    pub(super) targets: Vec<Target>,
    /// Some alias had a word to say.
    aliased: bool,
    /// An address that aliases came back to.
    again: Option<Address>,
}

/// Why an address of ours leads to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nowhere {
    /// There is neither a user nor an alias of that name.
    NoUser,
    /// Its alias leads to these, and none of them is a user.
    Lost(Vec<Address>),
    /// Its aliases run in a circle, by way of this address.
    Circle(Address),
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUser => f.write_str("neither a user nor an alias"),
            Self::Lost(addresses) => {
                f.write_str("an alias that leads to no user:")?;
                for (n, address) in addresses.iter().take(MOST_NAMED).enumerate() {
                    let comma = if n > 0 { "," } else { "" };
                    write!(f, "{comma} {}", Clean(&address.to_string()))?;
                }
                match addresses.len().saturating_sub(MOST_NAMED) {
                    0 => Ok(()),
                    more => write!(f, ", and {more} more"),
                }
            }
            Self::Circle(address) => {
                let address = address.to_string();
                write!(
                    f,
                    "an alias that runs in a circle, through {}",
                    Clean(&address)
                )
            }
        }
    }
}

impl Expansion {
    /// Why nobody is reached; `None` if somebody is.
    pub(super) fn nowhere(&self) -> Option<Nowhere> {
        let mut lost = Vec::new();
        for target in &self.targets {
            match target {
                Target::Nobody(address) => lost.push(address.clone()),
                _ => return None,
            }
        }
        Some(match &self.again {
            Some(address) if lost.is_empty() => Nowhere::Circle(address.clone()),
            _ if self.aliased => Nowhere::Lost(lost),
            _ => Nowhere::NoUser,
        })
    }
}

impl Routes {
    /// Where an address of ours leads.
    pub(super) async fn expand(&self, first: Address) -> Result<Expansion> {
        let mut seen = HashSet::from([folded(&first)]);
        let mut open = vec![(first, 0)];
        let mut found = Expansion {
            targets: Vec::new(),
            aliased: false,
            again: None,
        };
        while let Some((address, depth)) = open.pop() {
            let Some(targets) = self.alias(&address).await? else {
                match self.at_origin(&address).await? {
                    // Another name of the host: what it stands for is looked at in its place.
                    Some(meant) if seen.insert(folded(&meant)) => open.push((meant, depth)),
                    Some(meant) => found.again = Some(meant),
                    None => found.targets.push(self.target(address).await?),
                }
                continue;
            };
            found.aliased = true;
            let many = targets.len().saturating_add(seen.len());
            if depth == DEEPEST || many > MOST_ADDRESSES {
                return Err(Error::new(
                    Kind::Limit,
                    format!("aliases of {} lead too far", Clean(&address.to_string())),
                ));
            }
            let this = folded(&address);
            // What is named first is taken first.
            let at = open.len();
            for target in targets {
                if folded(&target) == this {
                    // `alice: alice, bob` means that user and another.
                    found.targets.push(self.target(target).await?);
                } else if seen.insert(folded(&target)) {
                    open.push((target, depth + 1));
                } else {
                    found.again = Some(target);
                }
            }
            if let Some(new) = open.get_mut(at..) {
                new.reverse();
            }
        }
        let mut once = HashSet::new();
        found
            .targets
            .retain(|target| once.insert(folded(target.address())));
        Ok(found)
    }

    /// What an address at a name of the host stands for, unless it is a user as it is.
    async fn at_origin(&self, address: &Address) -> Result<Option<Address>> {
        let Some(domain) = address.domain().filter(|it| self.is_host(it)) else {
            return Ok(None);
        };
        if self.user_at(address, domain).await?.is_some() {
            return Ok(None);
        }
        let origin = Host::Domain(self.origin.clone());
        Ok(Some(Address::new(address.local().clone(), origin)))
    }

    /// What the alias table says of an address of ours, its forms tried from the most exact to the least. Where an
    /// address of another server leads is that server's business.
    async fn alias(&self, address: &Address) -> Result<Option<Vec<Address>>> {
        let Some(domain) = address.domain().filter(|d| self.is_ours(d)) else {
            return Ok(None);
        };
        let Some(table) = &self.aliases else {
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
        let domain = super::hop::folded(domain);
        let mut names = self.names(address);
        let mut forms: Vec<_> = names.iter().map(|n| format!("{n}@{domain}")).collect();
        // A quoted `"@b.test"@a.test` is no catch-all, and `"bob@b.test"@a.test` is nobody of another domain.
        names.retain(|name| !name.contains('@'));
        forms.append(&mut names);
        forms.push(format!("@{domain}"));
        forms
    }

    /// What an address is that no alias leads on from.
    async fn target(&self, address: Address) -> Result<Target> {
        if !address.domain().is_some_and(|d| self.is_ours(d)) {
            return Ok(Target::Elsewhere(address));
        }
        Ok(match self.user(&address).await? {
            Some(user) => Target::Here(address, user),
            None => Target::Nobody(address),
        })
    }
}

/// Addresses are one where they differ in case alone, as Postfix eliminates duplicates.
pub(crate) fn folded(address: &Address) -> String {
    address.to_string().to_ascii_lowercase()
}
