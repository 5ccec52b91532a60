//! A look at `--mail-location` before anybody's mail is put there.

use crate::options::Shared;
use mailcore::store::auth::User;
use mailcore::store::disk::{Disk, RealDisk};
use mailcore::store::mailbox::Maildir;
use std::path::Path;

/// Fails unless the template is one that the store serves and gives every user mailboxes of their own.
pub fn check(template: &str) -> Result<(), String> {
    let place = |name: &str| {
        let mut user = User::new(format!("{name}@example.test"));
        user.home = Some(format!("/home/{name}").into());
        Maildir::place(&user, template)
    };
    match (place("one"), place("two")) {
        (Err(e), _) | (_, Err(e)) => Err(format!(
            "--mail-location {template}: {e} (%u, %n, %d, %h and ~/ are known)"
        )),
        (Ok(one), Ok(two)) if one == two => Err(format!(
            "--mail-location {template}: all users would have the same mail; name them by %n or %u"
        )),
        _ => Ok(()),
    }
}

/// Whether the mail is served as other hosts may serve it, too; what is to be said of that is logged.
pub fn is_shared(template: &str, wanted: Shared) -> bool {
    if wanted == Shared::Yes {
        return true;
    }
    let dir = fixed(template);
    match network(&RealDisk::new("/"), dir) {
        Some("NFS") if wanted == Shared::Auto => {
            tracing::info!("{} is on NFS: other hosts may serve it, too", dir.display());
            true
        }
        Some(network) => {
            tracing::warn!(
                "{} is on {network}: should another host serve it, too, two messages may get one UID and others be taken for \
                 gone; see --shared-mail",
                dir.display()
            );
            false
        }
        None => false,
    }
}

/// The directories that are the same for all users; none where each has a home.
fn fixed(template: &str) -> &Path {
    let path = template.strip_prefix("maildir:").unwrap_or(template);
    let front = path.split('%').next().unwrap_or(path);
    let end = front.rfind('/').unwrap_or(0);
    Path::new(front.get(..end).unwrap_or_default())
}

/// The network file system that a directory is on, or will be once it is made.
fn network(disk: &dyn Disk, dir: &Path) -> Option<&'static str> {
    let there = dir.ancestors().filter(|dir| dir.is_absolute());
    let mut told = there.filter_map(|dir| disk.network(dir).ok());
    told.next().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_part_of_a_location_is_what_is_looked_at() {
        for (template, dir) in [
            ("/m/%d/%n", "/m"),
            ("maildir:/srv/mail/box-%u/Maildir", "/srv/mail"),
            ("~/Maildir", "~"),
            ("%h/Maildir", ""),
        ] {
            assert_eq!(fixed(template), Path::new(dir), "{template}");
        }
        let disk = RealDisk::new("/");
        assert_eq!(
            network(&disk, Path::new("/nowhere/there")),
            disk.network(Path::new("/")).unwrap()
        );
        assert_eq!(network(&disk, Path::new("~")), None);
        assert!(is_shared("/m/%n", Shared::Yes));
    }

    #[test]
    fn a_location_is_taken_that_gives_users_their_own_mail_and_no_other() {
        for good in ["/m/%d/%n", "~/Maildir", "/m/%u", "maildir:%h/Maildir"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("/m/same", "the same mail"),
            ("/m/%d", "the same mail"),
            ("/m/%q/%n", "variable in a mail location"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.contains(why) && said.contains(bad), "{said}");
        }
    }
}
