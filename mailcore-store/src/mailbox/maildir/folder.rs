//! Mailboxes as directories: INBOX is the account's own, `Lists/rust` is `.Lists.rust` in it (Maildir++), in
//! modified UTF-7. Whatever the name, the directory lies in the account's: one that could not is refused.

use crate::{Error, Kind, Result};
use mailcore_base::mailbox::MailboxName;

/// The separator of mailbox names.
pub(super) const SEPARATOR: char = '.';
/// Octets of a directory's name.
const LONGEST: usize = 255;

/// The directory of a mailbox, relative to the account's; nothing for INBOX.
pub(super) fn dir(name: &MailboxName) -> Result<Option<String>> {
    if name.is_inbox() {
        return Ok(None);
    }
    // `/` would be a path of its own, and `~` is somebody's home to other programs on the same files.
    let text = name
        .to_utf7(SEPARATOR)
        .filter(|text| !text.contains('/') && !text.starts_with('~'))
        .ok_or_else(|| Error::new(Kind::Unsupported, "mailbox name on this store"))?;
    match text.len() < LONGEST {
        true => Ok(Some(format!(".{text}"))),
        false => Err(Error::new(Kind::Limit, "mailbox name is too long")),
    }
}

/// The mailbox of a directory; none for what is not one of ours.
pub(super) fn name(dir: &str) -> Option<MailboxName> {
    let text = dir.strip_prefix(SEPARATOR)?;
    let name = MailboxName::parse_utf7(text.as_bytes(), SEPARATOR).ok()?;
    // `.inbox` would be INBOX a second time, and one that we would write otherwise we would not find again.
    (self::dir(&name).ok().flatten().as_deref() == Some(dir)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<String>> {
        dir(&MailboxName::parse(text, '/').unwrap())
    }

    #[test]
    fn names_are_directories_as_dovecot_names_them() {
        assert_eq!(of("inbox").unwrap(), None);
        assert_eq!(of("X/Y/Ü").unwrap().unwrap(), ".X.Y.&ANw-");
        assert_eq!(of("INBOX/a").unwrap().unwrap(), ".INBOX.a");
        assert_eq!(name(".X.Y.&ANw-").unwrap().to_string(), "X/Y/Ü");
    }

    #[test]
    fn no_name_leaves_the_account() {
        for (text, separator) in [
            ("../x", '.'),
            ("a/b", '.'),
            ("/etc", '.'),
            ("~root", '/'),
            ("a.b", '/'),
            ("~", '/'),
        ] {
            if let Ok(name) = MailboxName::parse(text, separator) {
                assert_eq!(dir(&name).unwrap_err().kind(), Kind::Unsupported, "{text}");
            }
        }
        let long = MailboxName::parse(&"ü".repeat(100), '/').unwrap();
        assert_eq!(dir(&long).unwrap_err().kind(), Kind::Limit);
        for bad in [
            "..",
            "..DOVECOT-TRASHED",
            ".inbox",
            ".INBOX",
            "cur",
            ".a..b",
            ".&",
            ".a.",
            ".",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
