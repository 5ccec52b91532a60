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

/// The names, in order.
pub(super) fn read(site: &Site, root: &Path) -> Result<BTreeSet<MailboxName>> {
    open(site, root).map(|file| file.names)
}

fn open(site: &Site, root: &Path) -> Result<File> {
    match disk::read(&*site.disk, &root.join(NAME), LONGEST_FILE) {
        Ok(file) => Ok(parse(&file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(File::default()),
        Err(e) => Err(Error::io(NAME, e)),
    }
}

/// What the file says.
#[derive(Debug, Default)]
struct File {
    names: BTreeSet<MailboxName>,
    /// Lines that are no names to us; they are somebody's and stay.
    others: Vec<Vec<u8>>,
}

/// Adds a name or takes it away, durably.
pub(super) fn change(site: &Site, root: &Path, name: &MailboxName, on: bool) -> Result<()> {
    let _lock = Dotlock::take(site, root.join("subscriptions.lock"))?;
    let File { mut names, others } = open(site, root)?;
    let changed = match on {
        true => names.insert(name.clone()),
        false => names.remove(name),
    };
    let path = root.join(NAME);
    // What is seen of a change that failed is not durable: it is written again.
    if !changed && !site.is_doubted(&path) {
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
    for line in others {
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    if text.len() as u64 > LONGEST_FILE {
        return Err(Error::new(Kind::Limit, "subscriptions"));
    }
    site.replace(&path, &text).map_err(|e| Error::io(NAME, e))
}

fn parse(file: &[u8]) -> File {
    let lines = file.strip_prefix(b"V\t2\n").unwrap_or(file);
    let mut out = File::default();
    for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let mut dotted = line.to_vec();
        for octet in dotted.iter_mut().filter(|b| **b == b'\t') {
            *octet = SEPARATOR as u8;
        }
        match MailboxName::parse_utf7(&dotted, SEPARATOR) {
            Ok(name) => drop(out.names.insert(name)),
            Err(_) => out.others.push(line.to_vec()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let shown = |file: &[u8]| -> Vec<String> {
            parse(file).names.iter().map(ToString::to_string).collect()
        };
        let two = b"V\t2\n\nEntw&APw-rfe\nA\tB\nINBOX\n\x01x\n";
        assert_eq!(shown(two), ["A/B", "Entwürfe", "INBOX"]);
        assert_eq!(shown(b"A.B\nINBOX\n..\n"), ["A/B", "INBOX"]);
        assert!(shown(b"").is_empty());
        assert_eq!(parse(two).others, [b"\x01x"], "kept for whose it is");
    }
}
