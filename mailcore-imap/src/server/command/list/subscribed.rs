//! The names that a LIST goes by besides those that exist: subscriptions, and whatever lies above what is selected.

use mailcore_base::mailbox::MailboxName;
use std::collections::BTreeSet;
use std::ops::Bound;

#[derive(Debug, Default)]
pub(super) struct Subscribed {
    names: BTreeSet<MailboxName>,
    /// Above one that is selected.
    above: BTreeSet<MailboxName>,
}

impl Subscribed {
    pub(super) fn new(names: Vec<MailboxName>) -> Self {
        Self {
            names: names.into_iter().collect(),
            above: BTreeSet::new(),
        }
    }

    pub(super) fn contains(&self, name: &MailboxName) -> bool {
        self.names.contains(name)
    }

    /// Whether something below this name is selected.
    pub(super) fn is_above(&self, name: &MailboxName) -> bool {
        self.above.contains(name)
    }

    /// This one is selected.
    pub(super) fn select(&mut self, name: &MailboxName) {
        let mut below = name.parent();
        while let Some(parent) = below {
            below = parent.parent();
            if !self.above.insert(parent) {
                return; // those above are known already
            }
        }
    }

    /// All subscriptions are selected.
    pub(super) fn select_all(&mut self) {
        for name in std::mem::take(&mut self.names) {
            self.select(&name);
            self.names.insert(name);
        }
    }

    /// Names behind `after` up to `last`, or to the end: those subscribed to, and those above.
    pub(super) fn between(
        &self,
        after: Option<&MailboxName>,
        last: Option<&MailboxName>,
    ) -> impl Iterator<Item = MailboxName> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = last.map_or(Bound::Unbounded, Bound::Included);
        // An empty range is none that a set would take.
        let empty = after.is_some() && last.is_some() && after >= last;
        let range = (!empty).then_some((from, to));
        let in_order = |set: &BTreeSet<MailboxName>| {
            let range = range.map(|range| set.range::<MailboxName, _>(range).cloned());
            range.into_iter().flatten().collect::<Vec<_>>()
        };
        let names = in_order(&self.names);
        names.into_iter().chain(in_order(&self.above))
    }
}
