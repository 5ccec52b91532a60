//! Where a user's mail lies: `maildir:~/Maildir` in the user's own terms, or the store's template. Names of users and
//! domains become parts of a path only if they cannot climb out of it.

use crate::auth::User;
use crate::{Error, Kind, Result};
use std::path::PathBuf;

/// The account's directory. `template` serves users without a location of their own.
pub(super) fn root(user: &User, template: &str) -> Result<PathBuf> {
    let location = user.location.as_deref().unwrap_or(template);
    let refuse = |why| Err(Error::new(Kind::Unsupported, why));
    let path = match location.split_once(':') {
        Some(("maildir", path)) => path,
        Some(_) => return refuse("mail location is no maildir: one"),
        None => location,
    };
    // LAYOUT, INDEX, CONTROL … would each put files elsewhere than we would look.
    if path.contains(':') {
        return refuse("options of a mail location");
    }
    let path = expand(path, user)?;
    match path.is_absolute() || user.location.is_none() {
        true => Ok(path),
        false => refuse("mail location is no absolute path"),
    }
}

/// Fills in `%u`, `%n`, `%d`, `%h` and `%%`, and `~/` in front.
fn expand(template: &str, user: &User) -> Result<PathBuf> {
    let bad = |why| Error::new(Kind::Unsupported, why);
    let home = || {
        let home = user.home.as_ref().ok_or_else(|| bad("user has no home"))?;
        home.to_str().ok_or_else(|| bad("home is not UTF-8"))
    };
    let mut out = String::new();
    let mut rest = template;
    if let Some(below) = rest.strip_prefix('~') {
        out.push_str(home()?);
        rest = below;
    }
    let (local, domain) = match user.name.rsplit_once('@') {
        Some((local, domain)) => (local, domain),
        None => (user.name.as_str(), ""),
    };
    while let Some((front, behind)) = rest.split_once('%') {
        out.push_str(front);
        let mut behind = behind.chars();
        match behind.next() {
            Some('u') => out.push_str(part(&user.name)?),
            Some('n') => out.push_str(part(local)?),
            Some('d') => out.push_str(part(domain)?),
            Some('h') => out.push_str(home()?),
            Some('%') => out.push('%'),
            _ => return Err(bad("variable in a mail location")),
        }
        rest = behind.as_str();
    }
    out.push_str(rest);
    match out.split('/').any(|part| part == "..") || out.is_empty() {
        true => Err(bad("mail location climbs")),
        false => Ok(PathBuf::from(out)),
    }
}

/// A name as one part of a path.
fn part(name: &str) -> Result<&str> {
    let climbs = name.is_empty() || name.starts_with('.') || name.starts_with('~');
    match climbs || name.len() > 200 || name.contains(|c: char| c == '/' || c.is_control()) {
        true => Err(Error::new(Kind::Denied, "user name in a path")),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, location: Option<&str>) -> User {
        User {
            home: Some("/home/alice".into()),
            location: location.map(str::to_owned),
            ..User::new(name)
        }
    }

    #[test]
    fn the_forms_of_the_seeds_are_understood() {
        let alice = |location| root(&user("alice@example.test", location), "mail/%d/%n/Maildir");
        let shown = |location| alice(location).unwrap().to_str().unwrap().to_owned();
        assert_eq!(shown(None), "mail/example.test/alice/Maildir");
        assert_eq!(shown(Some("maildir:~/Maildir")), "/home/alice/Maildir");
        assert_eq!(
            shown(Some("maildir:/var/vmail/%d/%n")),
            "/var/vmail/example.test/alice"
        );
        assert_eq!(
            shown(Some("maildir:/var/%%/%u")),
            "/var/%/alice@example.test"
        );
        for bad in [
            "mbox:~/mail",
            "maildir:~/Maildir:LAYOUT=fs",
            "maildir:/x/%z",
            "maildir:",
            "maildir:rel",
        ] {
            assert_eq!(
                alice(Some(bad)).unwrap_err().kind(),
                Kind::Unsupported,
                "{bad}"
            );
        }
    }

    #[test]
    fn no_user_name_climbs() {
        for bad in [
            "../bob@x", "a/b@x", "..", "", "@x", "a@", "a@..", "a@../b", "~root@x", ".@x", "a\0@x",
            "a@x\n",
        ] {
            let root = root(&user(bad, None), "/mail/%d/%n");
            assert_eq!(root.unwrap_err().kind(), Kind::Denied, "{bad:?}");
        }
    }
}
