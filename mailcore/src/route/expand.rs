//! Aliases of aliases, followed to where they end. Bounded in width and depth; circles end where they close.

use super::{Routes, Target, aliases};
use mailcore_base::address::{Address, Domain};
use mailcore_store::{Error, Kind, Result};
use std::collections::HashSet;

/// Addresses that one recipient may expand to (Postfix: virtual_alias_expansion_limit).
const MOST_ADDRESSES: usize = 1000;
/// How deep aliases of aliases are followed (Postfix: virtual_alias_recursion_limit, less generous).
const DEEPEST: usize = 50;

impl Routes {
    /// The targets behind an address of ours, in the order in which the aliases name them.
    pub(super) async fn expand(&self, first: Address) -> Result<Vec<Target>> {
        let mut seen = HashSet::from([folded(&first)]);
        let mut open = vec![(first, 0)];
        let mut found = Vec::new();
        while let Some((address, depth)) = open.pop() {
            let Some(targets) = self.alias(&address).await? else {
                found.push(self.target(address).await?);
                continue;
            };
            let many = targets.len().saturating_add(seen.len());
            if depth == DEEPEST || many > MOST_ADDRESSES {
                return Err(Error::new(
                    Kind::Limit,
                    format!("aliases of {address} lead too far"),
                ));
            }
            let this = folded(&address);
            // What is named first is taken first.
            let at = open.len();
            for target in targets {
                if folded(&target) == this {
                    // `alice: alice, bob` means that user and another.
                    found.push(self.target(target).await?);
                } else if seen.insert(folded(&target)) {
                    open.push((target, depth + 1));
                }
            }
            if let Some(new) = open.get_mut(at..) {
                new.reverse();
            }
        }
        let mut once = HashSet::new();
        found.retain(|target| once.insert(folded(target.address())));
        Ok(found)
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
