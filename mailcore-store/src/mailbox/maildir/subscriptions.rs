//! `subscriptions`: the names that a user has subscribed to. Version 2 has the line `V<TAB>2`, an empty line, and then
//! each name with a tab between its components; version 1 has bare names with `.` in them. Both are read, 2 is written.

use super::dotlock::Dotlock;
use super::folder::SEPARATOR;
use super::site::Site;
use crate::disk;
use crate::{Error, Kind, Result};
use mailcore_base::mailbox::MailboxName;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

const NAME: &str = "subscriptions";
const LONGEST_FILE: u64 = 4 << 20;

/// The names, in order. Lines that are no names are passed over.
pub(super) fn read(site: &Site, root: &Path) -> Result<BTreeSet<MailboxName>> {
    match disk::read(&*site.disk, &root.join(NAME), LONGEST_FILE) {
        Ok(file) => Ok(parse(&file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(e) => Err(Error::io(NAME, e)),
    }
}

/// Adds a name or takes it away, durably.
pub(super) fn change(site: &Site, root: &Path, name: &MailboxName, on: bool) -> Result<()> {
    let _lock = Dotlock::take(site, root.join("subscriptions.lock"))?;
    let mut names = read(site, root)?;
    let changed = match on {
        true => names.insert(name.clone()),
        false => names.remove(name),
    };
    if !changed {
        // Perhaps an earlier change was seen but not durable: that one failed and said so.
        return Ok(());
    }
    let mut text = b"V\t2\n\n".to_vec();
    for name in &names {
        // No component holds the separator, and modified UTF-7 has no use for it.
        let line = name.to_utf7(SEPARATOR);
        let line = line.ok_or_else(|| Error::new(Kind::Unsupported, "name to subscribe to"))?;
        text.extend(
            line.bytes()
                .map(|b| if b == SEPARATOR as u8 { b'\t' } else { b }),
        );
        text.push(b'\n');
    }
    if text.len() as u64 > LONGEST_FILE {
        return Err(Error::new(Kind::Limit, "subscriptions"));
    }
    let aside = root.join("subscriptions.tmp");
    disk::replace(&*site.disk, &root.join(NAME), &aside, &text).map_err(|e| Error::io(NAME, e))
}

fn parse(file: &[u8]) -> BTreeSet<MailboxName> {
    let lines = file.strip_prefix(b"V\t2\n").unwrap_or(file);
    let name = |line: &[u8]| {
        let line: Vec<u8> = line
            .iter()
            .map(|b| if *b == b'\t' { SEPARATOR as u8 } else { *b })
            .collect();
        MailboxName::parse_utf7(&line, SEPARATOR).ok()
    };
    lines.split(|b| *b == b'\n').filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let shown =
            |file: &[u8]| -> Vec<String> { parse(file).iter().map(ToString::to_string).collect() };
        let two = b"V\t2\n\nEntw&APw-rfe\nA\tB\nINBOX\n\x01x\n";
        assert_eq!(shown(two), ["A/B", "Entwürfe", "INBOX"]);
        assert_eq!(shown(b"A.B\nINBOX\n..\n"), ["A/B", "INBOX"]);
        assert!(shown(b"").is_empty());
    }
}
