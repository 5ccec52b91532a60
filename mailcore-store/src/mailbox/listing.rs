//! From the mailboxes there are to what LIST shows: missing parents, children, pages.

use super::Listed;
use mailcore_base::mailbox::{MailboxName, SpecialUse};
use std::collections::BTreeMap;
use std::ops::Bound;

/// At most `limit` names behind `after`, of the mailboxes `there` and those parents of theirs that do not exist.
pub(crate) fn page(
    there: impl IntoIterator<Item = (MailboxName, Option<SpecialUse>)>,
    after: Option<&MailboxName>,
    limit: usize,
) -> Vec<Listed> {
    let mut all: BTreeMap<MailboxName, Listed> = BTreeMap::new();
    for (name, special) in there {
        let mut below = name.clone();
        while let Some(parent) = below.parent() {
            let parents = all.entry(parent.clone()).or_insert_with(|| Listed {
                selectable: false,
                ..Listed::new(parent.clone())
            });
            if std::mem::replace(&mut parents.children, true) {
                break; // those above know already
            }
            below = parent;
        }
        let listed = all.entry(name.clone()).or_insert_with(|| Listed::new(name));
        listed.selectable = true;
        listed.special = special;
    }
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    all.range::<MailboxName, _>((from, Bound::Unbounded))
        .take(limit)
        .map(|(_, listed)| listed.clone())
        .collect()
}

/// What RENAME of `from` to `to` makes of the names `there`; nothing for a name that stays.
pub(crate) fn renamed<'n>(
    there: impl IntoIterator<Item = &'n MailboxName>,
    from: &MailboxName,
    to: &MailboxName,
) -> crate::Result<Vec<(MailboxName, MailboxName)>> {
    use crate::{Error, Kind};
    if to.is_below(from) {
        return Err(Error::new(Kind::Unsupported, "rename below itself"));
    }
    there
        .into_iter()
        .filter_map(|name| Some((name.clone(), name.renamed(from, to)?)))
        .map(|(name, new)| match new {
            Ok(new) => Ok((name, new)),
            Err(e) => Err(Error::new(Kind::Limit, "rename").because(e)),
        })
        .collect()
}
